"""Six optimizers in one valley, each at its best rate."""

import numpy as np
from adam import STIFFNESS, walk
from drawing import BLUE, VERMILION, WIDTH, plt, save

import tinynet as tn

RATES = np.geomspace(0.001, 10, 60)
FAMILY = {
    "SGD": tn.optimizers.SGD,
    "momentum": lambda rate: tn.optimizers.SGD(rate, momentum=0.9),
    "Nesterov": lambda rate: tn.optimizers.SGD(rate, momentum=0.9, nesterov=True),
    "Adagrad": tn.optimizers.Adagrad,
    "RMSprop": tn.optimizers.RMSprop,
    "Adam": tn.optimizers.Adam,
}


def steps_needed(optimizer, most=300):
    """Return after how many steps the walk stays within 0.1 of the minimum, or infinity."""
    w, arrived = np.array([-9.0, 1.6]), 0
    for t in range(1, most + 1):
        optimizer.step({"w": w}, {"w": STIFFNESS * w})
        distance = np.linalg.norm(w)
        if not distance < 1000:
            break
        if distance > 0.1:
            arrived = t + 1
    return arrived if arrived <= t and distance < 1000 else np.inf


def draw_walks():
    """Draw the walk of each optimizer at the rate with which it arrives first."""
    figure, axes = plt.subplots(3, 2, figsize=(WIDTH, 6.6), sharex=True)
    x, y = np.meshgrid(np.linspace(-10, 4, 200), np.linspace(-6.6, 2.6, 400))
    height = (STIFFNESS[0] * x**2 + STIFFNESS[1] * y**2) / 2
    for ax, (name, make) in zip(axes.flat, FAMILY.items(), strict=True):
        steps = [steps_needed(make(rate)) for rate in RATES]
        best = int(np.argmin(steps))
        points = walk(make(RATES[best]), steps[best])
        ax.contour(x, y, height, levels=np.geomspace(0.5, 500, 9), colors="#cccccc", linewidths=0.7)
        ax.plot(*points.T, ".-", color=BLUE, linewidth=0.9, markersize=3.5)
        ax.plot(*points[0], "o", color=VERMILION, markersize=5)
        ax.plot(0, 0, "*", color="black", markersize=9)
        ax.set(title=f"{name}: {steps[best]} steps", xlim=(-10, 4))
        low, high = (-6.6, 2.6) if points[:, 1].min() < -3 else (-3.1, 2.6)
        ax.set_ylim(low, high)
        own = "\nanother scale" if low < -4 else ""
        place = {"transform": ax.transAxes, "va": "bottom", "fontsize": 9}
        ax.text(0.02, 0.03, f"rate {RATES[best]:.2g}{own}", **place)
    figure.supxlabel("$w_1$ (flat)", fontsize=10)
    figure.supylabel("$w_2$ (steep)", fontsize=10)
    save(figure)


if __name__ == "__main__":
    draw_walks()
