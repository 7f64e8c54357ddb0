"""How large values and gradients are in ten layers, for five ways to draw the weights."""

import numpy as np
from drawing import BLUE, GREEN, GREY, ORANGE, VERMILION, WIDTH, plt, save

import tinynet as tn

CASES = (
    ("tanh", 0.01, "tanh, 0.01", GREY),
    ("tanh", 0.1, r"tanh, $1/\sqrt{k}$", GREEN),
    ("relu", 0.1, r"ReLU, $1/\sqrt{k}$", ORANGE),
    ("relu", 0.02**0.5, r"ReLU, $\sqrt{2/k}$", BLUE),
    ("relu", 0.5, "ReLU, 0.5", VERMILION),
)


def measure(activation, stddev, depth=10, k=100):
    """Return the root mean square of the input and of each output, and of their gradients."""
    tn.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    stack = []
    for _ in range(depth):
        normal = tn.initializers.RandomNormal(stddev=stddev)
        stack.append(tn.layers.Dense(k, activation, kernel_initializer=normal, dtype="float64"))
        stack[-1].build((k,))
    values, gradients = [rng.normal(size=(500, k))], [rng.normal(size=(500, k))]
    for layer in stack:
        values.append(layer.forward(values[-1]))
    for layer in reversed(stack):
        gradients.insert(0, layer.backward(gradients[0]))
    return [size(each) for each in values], [size(each) for each in gradients]


def size(values):
    """Return the root mean square."""
    return np.sqrt(np.mean(values**2))


def draw():
    """Draw both against the layer's number, on a logarithmic scale."""
    figure, (above, below) = plt.subplots(2, 1, figsize=(WIDTH, 6), sharex=True)
    for activation, stddev, label, color in CASES:
        values, gradients = measure(activation, stddev)
        above.plot(values, ".-", color=color, label=label)
        below.plot(gradients, ".-", color=color)
    above.set(title="forward →: root mean square of the values", ylim=(1e-11, 1e7))
    below.set(title="← backward: root mean square of the gradients", ylim=(1e-11, 1e7))
    below.set(xlabel="layer (0: the input)", xticks=range(11), xlim=(0, 10))
    for ax in (above, below):
        ax.set_yscale("log")
        ax.axhline(1, color="#cccccc", linewidth=0.8, zorder=0)
    above.legend(loc="lower left", labelspacing=0.3)
    save(figure)


if __name__ == "__main__":
    draw()
