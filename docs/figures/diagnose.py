"""What the loss looks like under the usual faults, each beside the same network without it."""

import warnings

import numpy as np
from drawing import BLUE, GREY, VERMILION, WIDTH, plt, save

import tinynet as tn

EPOCHS = 20


def data():
    """Return two classes of 8 x 8 noise, of which one is darker on top, as the page has them."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, size=(400, 64)).astype("uint8")
    x[200:, :8] //= 4
    y = np.repeat([0, 1], 200)
    order = rng.permutation(400)
    return x[order], y[order], rng


def losses(x, y, rate=0.1, activation="relu", depth=1, **options):
    """Train on three quarters, and return both losses of each epoch."""
    tn.utils.set_random_seed(0)
    hidden = [tn.layers.Dense(16, activation=activation, **options) for _ in range(depth)]
    top = tn.layers.Dense(2, activation="softmax")
    model = tn.Sequential([tn.Input((64,)), *hidden, top])
    model.compile(tn.optimizers.SGD(rate), "sparse_categorical_crossentropy")
    how = {"epochs": EPOCHS, "batch_size": 20, "shuffle": "every_epoch", "verbose": 0}
    fitted = model.fit(x[:300], y[:300], validation_data=(x[300:], y[300:]), **how)
    return fitted.history["loss"], fitted.history["val_loss"]


def draw():
    """Draw eight panels: a healthy run, and seven that are not."""
    pixels, y, rng = data()
    x = (pixels / 255 - 0.5).astype("float32")
    twice = np.concatenate([x[:300], (x[300:] + 0.5) / 255 - 0.5])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of pixels that were not scaled: that is the fault
        runs = {
            "healthy": losses(x, y),
            "rate 1000 times too small": losses(x, y, rate=1e-4),
            "rate 100 times too large": losses(x, y, rate=10.0),
            "pixels from 0 to 255": losses(pixels.astype("float32"), y),
            "labels shuffled": losses(x, rng.permutation(y)),
            "nine sigmoid layers": losses(x, y, activation="sigmoid", depth=9),
            "all units dead": losses(x, y, bias_initializer=tn.initializers.Constant(-5)),
            "validation scaled twice": losses(twice, y),
        }
    figure, axes = plt.subplots(4, 2, figsize=(WIDTH, 8.2), sharex=True, sharey=True)
    epoch = np.arange(1, EPOCHS + 1)
    for ax, (name, (loss, held_out)) in zip(axes.flat, runs.items(), strict=True):
        ax.plot(epoch, loss, color=BLUE, label="training")
        ax.plot(epoch, held_out, "--", color=VERMILION, label="validation")
        ax.axhline(np.log(2), color=GREY, linestyle=":", linewidth=1)
        ax.set(title=name, xlim=(1, EPOCHS))
        ax.set_ylim(0, 1.4)
        if loss[0] > 1.4:
            ax.text(2.5, 1.28, f"begins at {float(f'{loss[0]:.2g}'):,g}", fontsize=9, va="center")
    axes[0, 0].legend(loc="upper right")
    figure.supxlabel("epoch", fontsize=10)
    figure.supylabel("loss", fontsize=10)
    save(figure)


if __name__ == "__main__":
    draw()
