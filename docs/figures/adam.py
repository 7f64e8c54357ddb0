"""Why Adam corrects its averages, and how it walks where gradients differ in size."""

import numpy as np
from drawing import BLUE, GREEN, GREY, VERMILION, plt, save

import tinynet as tn

STIFFNESS = np.array([1.0, 60.0])  # of the valley: f(w) = sum(STIFFNESS * w**2)/2


def walk(optimizer, steps):
    """Return the points that an optimizer visits in the valley."""
    w = np.array([-9.0, 1.6])
    points = [w.copy()]
    for _ in range(steps):
        optimizer.step({"w": w}, {"w": STIFFNESS * w})
        points.append(w.copy())
    return np.array(points)


def draw():
    """Draw the first moments of a constant gradient, and three walks down a valley."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.8, 3.7), width_ratios=(1, 1.45))
    t = np.arange(1, 41)
    adam, m = tn.optimizers.Adam(), []
    w = np.zeros(1)
    for _ in t:
        adam.step({"w": w}, {"w": np.ones(1)})
        m.append(adam.slots["w"]["momentum"][0])
    m = np.array(m)
    left.axhline(1, color=GREY, linestyle=":", label="the gradient, always 1")
    left.plot(t, m, color=BLUE, label="$m_t$, starts from 0")
    left.plot(t, m / (1 - 0.9**t), "--", color=VERMILION, label=r"$m_t/(1 - \beta_1^t)$")
    left.set(title="The correction", xlabel="step t", ylim=(0, 1.5), xlim=(1, 40))
    left.legend(loc="upper right")

    x, y = np.meshgrid(np.linspace(-10, 2, 200), np.linspace(-2.2, 3.2, 200))
    height = (STIFFNESS[0] * x**2 + STIFFNESS[1] * y**2) / 2
    right.contour(x, y, height, levels=np.geomspace(0.5, 300, 11), colors="#cccccc", linewidths=0.8)
    walks = (
        ("SGD, rate 0.03", tn.optimizers.SGD(0.03), GREEN),
        ("momentum 0.9, rate 0.003", tn.optimizers.SGD(0.003, momentum=0.9), BLUE),
        ("Adam, rate 0.3", tn.optimizers.Adam(0.3), VERMILION),
    )
    for label, optimizer, colour in walks:
        points = walk(optimizer, 60)
        right.plot(*points.T, ".-", color=colour, linewidth=1, markersize=4, label=label)
    right.plot(0, 0, "*", color="black", markersize=11)
    right.set(title="60 steps down a valley", xlabel="$w_1$ (flat)", ylabel="$w_2$ (steep)")
    right.set(xlim=(-10, 2), ylim=(-2.2, 3.2))
    right.legend(loc="upper left", ncols=3, fontsize=8.5, columnspacing=0.8, handlelength=1.2)
    save(figure)


if __name__ == "__main__":
    draw()
