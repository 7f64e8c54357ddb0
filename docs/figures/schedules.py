"""Learning rates that fall, what is left of the noise, and a plateau that cuts the rate."""

import numpy as np
from drawing import BLUE, GREEN, GREY, INK, VERMILION, WIDTH, plt, save, text_color

import tinynet as tn
from tinynet.optimizers import SGD
from tinynet.optimizers.schedules import (
    CosineDecay,
    ExponentialDecay,
    InverseTimeDecay,
    PiecewiseConstantDecay,
    PolynomialDecay,
)

STEPS = 400


def distances(rate, walks=4000):
    """Return the root mean square distance after each step, with L = w²/2 and noise of size 1."""
    optimizer, rng, w = SGD(rate), np.random.default_rng(0), np.full(walks, 3.0)
    found = [3.0]
    for _ in range(STEPS):
        optimizer.step({"w": w}, {"w": w + rng.normal(size=walks)})
        found.append(np.sqrt(np.mean(w**2)))
    return found


def draw_rates(ax):
    """Draw five schedules."""
    warm = CosineDecay(0.0, STEPS - 40, warmup_target=0.1, warmup_steps=40)
    for name, schedule, color, dashes in (
        ("cosine after a warm-up", warm, VERMILION, "-"),
        ("straight line", PolynomialDecay(0.1, STEPS, 0.0), GREEN, "-"),
        ("exponential", ExponentialDecay(0.1, STEPS, 0.01), BLUE, "-"),
        ("1/t", InverseTimeDecay(0.1, STEPS, 9.0), INK, "--"),
        ("piecewise", PiecewiseConstantDecay([150, 300], [0.1, 0.03, 0.003]), GREY, "-"),
    ):
        rates = [schedule(step) for step in range(STEPS + 1)]
        ax.plot(rates, dashes, color=color, label=name)
    ax.set(title="Five schedules", ylabel="learning rate", xlim=(0, STEPS), ylim=(0, 0.15))
    ax.legend(loc="upper right", ncols=2)


def draw_distances(ax):
    """Draw how far walks are from the minimum at constant rates and at two that fall."""
    for rate, color, x, side in ((0.1, GREY, 396, "bottom"), (0.01, BLUE, 4, "top")):
        level = np.sqrt(rate / (2 - rate))
        ax.plot(distances(rate), color=color, label=f"constant, {rate}")
        ax.axhline(level, color=color, linestyle=":")
        look = {"color": text_color(color), "fontsize": 9, "va": side}
        off = {"xytext": (0, 1 if side == "bottom" else -3), "textcoords": "offset points"}
        ax.annotate(f"{level:.3f}", (x, level), ha="right" if x > 200 else "left", **off, **look)
    ax.plot(distances(CosineDecay(0.1, STEPS)), color=VERMILION, label="cosine from 0.1")
    averaging = InverseTimeDecay(1.0, 1, 1.0)
    ax.plot(distances(averaging), "--", color=INK, label="1/(t + 1): the average")
    ax.set(title="Distance from the minimum, with noise", xlabel="step", yscale="log")
    ax.set(ylabel="root mean square", xlim=(0, STEPS), ylim=(0.02, 4))
    ax.legend(loc="upper right")


def draw_plateau(ax):
    """Draw the validation loss of a training in which the rate is cut where it stops falling."""
    tn.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1200, 10)).astype("float32")
    y = x @ rng.normal(size=(10, 1)).astype("float32")
    y[:200] += rng.normal(0, 1, (200, 1)).astype("float32")  # what is learned from is noisy
    model = tn.Sequential([tn.Input((10,)), tn.layers.Dense(1)])
    model.compile(SGD(0.1), "mse")
    cut = tn.callbacks.ReduceLROnPlateau(factor=0.3, patience=4)
    options = {"batch_size": 4, "epochs": 30, "shuffle": "every_epoch", "verbose": 0}
    fitted = model.fit(
        x[:200], y[:200], validation_data=(x[200:], y[200:]), callbacks=[cut], **options
    )
    epoch, history = np.arange(1, 31), fitted.history
    ax.plot(epoch, history["val_loss"], color=BLUE)
    ax.set(title="A plateau cuts the rate", xlabel="epoch", xlim=(1, 30), yscale="log")
    ax.set(yticks=(0.1, 0.2, 0.5, 1), yticklabels=("0.1", "0.2", "0.5", "1"))
    ax.minorticks_off()
    ax.set_ylabel("validation loss", color=text_color(BLUE))
    beside = ax.twinx()
    beside.step(epoch, history["learning_rate"], where="mid", color=GREEN)
    beside.set(yscale="log")
    beside.spines.right.set_visible(True)
    beside.set_ylabel("learning rate", color=text_color(GREEN))


def draw():
    """Draw rates, distances, and a plateau."""
    figure, axes = plt.subplots(3, 1, figsize=(WIDTH, 9.0))
    draw_rates(axes[0])
    draw_distances(axes[1])
    draw_plateau(axes[2])
    save(figure)


if __name__ == "__main__":
    draw()
