"""Why Adam corrects its averages, and how it moves where gradients differ in size."""

import numpy as np
from drawing import BLUE, GREEN, GREY, VERMILION, WIDTH, plt, save

import tinynet as tn

STIFFNESS = np.array([1.0, 60.0])  # the valley's curvature: f(w) = sum(STIFFNESS * w**2)/2


def walk(optimizer, steps):
    """Return the points that an optimizer visits in the valley."""
    w = np.array([-9.0, 1.6])
    points = [w.copy()]
    for _ in range(steps):
        optimizer.step({"w": w}, {"w": STIFFNESS * w})
        points.append(w.copy())
    return np.array(points)


def draw():
    """Draw the first moment of a constant gradient, and three optimizers in a valley."""
    figure, (above, below) = plt.subplots(2, 1, figsize=(WIDTH, 5.8), height_ratios=(1, 1.6))
    t = np.arange(1, 41)
    adam, m = tn.optimizers.Adam(), []
    w = np.zeros(1)
    for _ in t:
        adam.step({"w": w}, {"w": np.ones(1)})
        m.append(adam.slots["w"]["momentum"][0])
    m = np.array(m)
    above.axhline(1, color=GREY, linestyle=":", label="the gradient, always 1")
    above.plot(t, m, color=BLUE, label="$m_t$, starts from 0")
    above.plot(t, m / (1 - 0.9**t), "--", color=VERMILION, label=r"$m_t/(1 - \beta_1^t)$")
    above.set(title="The correction", xlabel="step $t$", ylim=(0, 1.3), xlim=(1, 40))
    above.legend(loc="upper right", ncols=3, columnspacing=1, handlelength=1.6)

    x, y = np.meshgrid(np.linspace(-10, 2, 200), np.linspace(-2.2, 3.2, 200))
    height = (STIFFNESS[0] * x**2 + STIFFNESS[1] * y**2) / 2
    below.contour(x, y, height, levels=np.geomspace(0.5, 300, 11), colors="#cccccc", linewidths=0.8)
    walks = (
        ("SGD, 0.031", tn.optimizers.SGD(0.031), GREEN),
        ("momentum 0.9, 0.0076", tn.optimizers.SGD(0.0076, momentum=0.9), BLUE),
        ("Adam, 0.32", tn.optimizers.Adam(0.32), VERMILION),
    )
    for label, optimizer, color in walks:
        points = walk(optimizer, 60)
        below.plot(*points.T, ".-", color=color, linewidth=1, markersize=4, label=label)
    below.plot(0, 0, "*", color="black", markersize=11)
    below.set(title="60 steps down a valley, at the best rates")
    below.set(xlabel="$w_1$ (flat)", ylabel="$w_2$ (steep)")
    below.set(xlim=(-10, 2), ylim=(-2.2, 3.2))
    below.legend(loc="upper left", ncols=3, fontsize=8.5, columnspacing=0.8, handlelength=1.1)
    save(figure)


if __name__ == "__main__":
    draw()
