"""What a penalty does to weights, why L1 finds corners, and what overfitting looks like."""

import numpy as np
from drawing import BLUE, GREEN, GREY, VERMILION, WIDTH, plt, save

import tinynet as tn
from tinynet.datasets import drawn_apparel
from tinynet.regularizers import L1, L2


def shrink(rule, starts, steps):
    """Follow weights that have no gradient but that of a penalty."""
    w = np.array(starts)
    path = [w.copy()]
    for _ in range(steps):
        w -= 0.1 * rule.gradient(w)
        path.append(w.copy())
    return np.array(path)


def fitted(rule):
    """Fit 30 weights, of which 5 matter, to 40 noisy samples, and return them."""
    rng = np.random.default_rng(0)
    true = np.zeros((30, 1))
    true[:5, 0] = [2, -1.5, 1, -0.75, 0.5]
    x = rng.normal(size=(40, 30))
    y = x @ true + rng.normal(0, 1, (40, 1))
    layer = tn.layers.Dense(1, use_bias=False, kernel_regularizer=rule, dtype="float64")
    model = tn.Sequential([tn.Input((30,)), layer])
    model.compile(tn.optimizers.SGD(0.05), "mse")
    model.fit(x, y, batch_size=40, epochs=500, verbose=0)
    return true[:, 0], layer.params["kernel"][:, 0]


def learning_curves(epochs):
    """Return the losses on 100 images and on 1000 others, after each epoch."""
    x, y = drawn_apparel(1100, seed=1)
    x = (x / 255).astype("float32").reshape(-1, 784)
    tn.utils.set_random_seed(0)
    hidden = tn.layers.Dense(64, activation="relu")
    model = tn.Sequential([tn.Input((784,)), hidden, tn.layers.Dense(10, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    held_out = (x[100:], y[100:])
    options = {"batch_size": 20, "epochs": epochs, "verbose": 0}
    return model.fit(x[:100], y[:100], validation_data=held_out, **options).history


def draw_corner(ax, rule, title, color):
    """Draw the loss of the data over two weights, and the penalty that meets it in the minimum."""
    axis = np.linspace(-1.1, 2.3, 341)
    places = np.stack(np.meshgrid(axis, axis), axis=-1)
    best = np.array([1.5, 0.6])
    data = np.sum((places - best) ** 2, axis=-1) / 2
    penalty = np.array([[rule(w) for w in row] for row in places])
    found = np.unravel_index(np.argmin(data + penalty), data.shape)
    at = places[found]
    levels = np.sort([*(data[found] * np.array([0.35, 1.0])), 1.6])
    ax.contour(axis, axis, data, levels=levels, colors=GREY, linewidths=1)
    ax.contour(axis, axis, penalty, levels=[penalty[found]], colors=[color], linewidths=1.6)
    ax.axhline(0, color=GREY, linewidth=0.6)
    ax.axvline(0, color=GREY, linewidth=0.6)
    ax.plot(*best, "+", color=GREEN, markersize=8, mew=2)
    ax.plot(*at, "o", color=color, markersize=5)
    ax.set(title=title, xlabel="$w_1$", aspect="equal", xticks=(-1, 0, 1, 2), yticks=(-1, 0, 1, 2))


def draw():
    """Draw the pull of both penalties, the weights they leave, and the curves of overfitting."""
    panels = [["L2", "L1"], ["circle", "diamond"], ["weights", "weights"], ["curves", "curves"]]
    ratios = (1, 1.4, 1.1, 1.2)
    figure, axes = plt.subplot_mosaic(panels, figsize=(WIDTH, 9.8), height_ratios=ratios)
    starts, steps = [1.0, 0.6, 0.3, -0.5], 60
    for name, rule, color in (("L2", L2(0.25), BLUE), ("L1", L1(0.25), VERMILION)):
        ax = axes[name]
        ax.plot(shrink(rule, starts, steps), color=color)
        ax.axhline(0, color=GREY, linewidth=0.8)
        ax.set(title=f"{name}: only the penalty", xlabel="step", ylim=(-0.6, 1.05))
    axes["L2"].set_ylabel("weight")
    draw_corner(axes["circle"], L2(0.5), "L2: where they touch", BLUE)
    axes["circle"].set_ylabel("$w_2$")
    draw_corner(axes["diamond"], L1(0.7), "L1: in a corner", VERMILION)

    ax = axes["weights"]
    looks = (
        (None, "no penalty", GREY, "o"),
        (L2(0.2), "L2", BLUE, "s"),
        (L1(0.4), "L1", VERMILION, "D"),
    )
    for shift, (rule, label, color, mark) in zip((-0.25, 0, 0.25), looks, strict=True):
        true, w = fitted(rule)
        place = np.arange(len(w)) + shift
        ax.vlines(place, 0, w, color=color, linewidth=1)
        ax.plot(place, w, mark, color=color, markersize=3, label=label)
    ax.plot(np.arange(5), true[:5], "_", color=GREEN, markersize=12, mew=2, label="true")
    ax.axhline(0, color=GREY, linewidth=0.8)
    ax.set(title="30 weights, the first 5 matter", xlabel="weight", ylim=(-2.1, 2.9))
    ax.legend(loc="upper right", ncols=4, columnspacing=1, handletextpad=0.3)

    ax = axes["curves"]
    history = learning_curves(60)
    epoch = np.arange(1, 61)
    best = int(np.argmin(history["val_loss"]))
    ax.plot(epoch, history["loss"], color=BLUE, label="100 images, learned from")
    ax.plot(epoch, history["val_loss"], color=VERMILION, label="1000 others")
    ax.plot(epoch[best], history["val_loss"][best], "o", color=VERMILION)
    ax.axvline(epoch[best], color=GREY, linestyle=":", label="here it should stop")
    ax.set(title="overfitting", xlabel="epoch", ylabel="loss", xlim=(1, 60), ylim=(0, 2.6))
    ax.legend(loc="upper right")
    save(figure)


if __name__ == "__main__":
    draw()
