"""One neuron as a circuit, the slope of its loss, and two neurons that share an input."""

from math import exp, log

import numpy as np
from drawing import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    VERMILION,
    WIDTH,
    arrow,
    box,
    canvas,
    plt,
    save,
    text_color,
)


def number(value):
    """Write a number with at most four decimals, and a minus sign that is one."""
    return f"{value:.4f}".rstrip("0").rstrip(".").replace("-", "−")


def wire(ax, start, end, y, name, value, gradient, color=BLUE):
    """Draw a wire to the right, with its value above, and back, with its gradient below."""
    arrow(ax, (start, y + 0.45), (end, y + 0.45), BLUE)
    arrow(ax, (end, y - 0.45), (start, y - 0.45), VERMILION)
    middle = (start + end) / 2
    said = {"ha": "center", "va": "center"}
    ax.text(middle, y + 4.1, name, color=text_color(color), fontsize=12, **said)
    ax.text(middle, y + 2, number(value), fontsize=9.5, **said)
    ax.text(middle, y - 2, number(gradient), fontsize=9.5, **said)
    ax.text(middle, y - 4.1, f"d{name}", color=text_color(VERMILION), fontsize=12, **said)


def factor(ax, x, y, text):
    """Write a local derivative: what a gate multiplies a gradient by."""
    said = {"ha": "center", "va": "center", "zorder": 5}
    ax.text(x, y, text, color=text_color(VERMILION), fontsize=8.5, **said)


def forward_and_back(x, w, b, target):
    """Return the values of the circuit, and their gradients under the same names."""
    a = x * w
    z = a + b
    p = 1 / (1 + exp(-z))
    loss = -log(p) if target == 1 else -log(1 - p)
    dp = -1 / p if target == 1 else 1 / (1 - p)
    dz = dp * p * (1 - p)
    values = {"x": x, "w": w, "b": b, "a": a, "z": z, "p": p, "L": loss}
    gradients = {"x": dz * w, "w": dz * x, "b": dz, "a": dz, "z": dz, "p": dp, "L": 1.0}
    return values, gradients


def circuit():
    """Draw the page's neuron: every wire with its value and its gradient."""
    values, gradients = forward_and_back(2.0, 0.5, -1.5, 1)
    p = values["p"]
    figure, ax = canvas(37.5)
    top, middle, low, lowest = 32, 25.5, 19, 6.2
    wide = 4.2
    gates = {"×": 10.2, "+": 21.6, "σ": 33, "−log": 44.4}
    left = {name: x - wide / 2 - 0.3 for name, x in gates.items()}
    right = {name: x + wide / 2 + 0.3 for name, x in gates.items()}

    def shown(name, start, end, y, color=BLUE):
        wire(ax, start, end, y, name, values[name], gradients[name], color)

    shown("x", 0.5, left["×"], top)
    shown("w", 0.5, left["×"], low, GREEN)
    shown("b", 0.5, left["+"], lowest, GREEN)
    shown("a", right["×"], left["+"], middle)
    shown("z", right["+"], left["σ"], middle)
    shown("p", right["σ"], left["−log"], middle)
    shown("L", right["−log"], 51.7, middle)
    box(ax, gates["×"], middle, wide, top - low + 4, "×", GREY, fontsize=14)
    box(ax, gates["+"], (middle + lowest) / 2, wide, middle - lowest + 4, "+", GREY, fontsize=14)
    box(ax, gates["σ"], middle, wide, 4, "σ", GREY, fontsize=14)
    box(ax, gates["−log"], middle, wide, 4, "−log", GREY, fontsize=11)
    factor(ax, gates["×"], top + 0.6, f"× {number(values['w'])}")
    factor(ax, gates["×"], low - 0.6, f"× {number(values['x'])}")
    factor(ax, gates["+"], middle, "× 1")
    factor(ax, gates["+"], lowest, "× 1")
    factor(ax, gates["σ"], middle - 7, f"p(1 − p)\n× {p * (1 - p):.4f}")
    factor(ax, gates["−log"], middle - 7, f"−1/p\n× −{1 / p:.4f}")
    said = {"va": "center", "fontsize": 11}
    ax.text(26, 34.5, "forward →  values", color=text_color(BLUE), **said)
    ax.text(26, 6.2, "← backward  gradients", color=text_color(VERMILION), **said)
    save(figure)


def slope():
    """Draw the loss as w moves: the derivative is the slope of the tangent."""
    values, gradients = forward_and_back(2.0, 0.5, -1.5, 1)
    w, loss, dw = values["w"], values["L"], gradients["w"]

    def at(w):
        return forward_and_back(2.0, w, -1.5, 1)[0]["L"]

    figure, ax = plt.subplots(figsize=(WIDTH, 3.1))
    places = np.linspace(-0.25, 1.75, 200)
    ax.plot(places, [at(each) for each in places], color=BLUE, label="the loss")
    ends = np.array([-0.1, 1.28])
    tangent = loss + dw * (ends - w)
    ax.plot(ends, tangent, color=VERMILION, linewidth=1.2, label=f"slope {number(dw)}")
    after = w - 0.5 * dw
    ax.plot([w, after, after], [loss, loss, 0], color=GREY, linestyle=":", linewidth=1)
    ax.plot(w, loss, "o", color=BLUE)
    ax.plot(after, at(after), "o", color=GREEN)
    ax.plot(after, loss + dw * (after - w), "o", color=VERMILION, fillstyle="none")
    ax.text(w + 0.04, loss + 0.06, f"w = {number(w)}, L = {number(loss)}", va="bottom")
    ax.text(after + 0.05, at(after) + 0.04, f"L = {number(at(after))}", va="bottom")
    promised = f"{loss + dw * (after - w):.4f} on the line"
    ax.text(after - 0.05, 0.1, promised, ha="right", va="center")
    ax.set(xlabel="w", ylabel="L", ylim=(0, 2.1), xlim=(-0.3, 1.8))
    ax.legend(loc="upper right")
    save(figure, "slope")


def paths():
    """Draw one input that feeds two neurons: the gradients of its two uses add up."""
    first = forward_and_back(2.0, 0.5, -1.5, 1)
    second = forward_and_back(2.0, 1.0, 0.0, 0)
    figure, ax = canvas(27)
    upper, lower, middle = 20, 7, 13.5
    wire(ax, 0.5, 8, middle, "x", 2.0, first[1]["x"] + second[1]["x"])
    box(ax, 10, middle, 3.4, upper - lower + 4, "", ORANGE)
    ax.text(10, middle, "fork", rotation=90, ha="center", va="center", zorder=4)
    rows = (upper, first, "w = 0.5\nb = −1.5\ntarget 1"), (lower, second, "w = 1\nb = 0\ntarget 0")
    for i, (y, (values, gradients), text) in enumerate(rows, 1):
        said = {"ha": "center", "va": "center"}
        arrow(ax, (12, y + 0.45), (20, y + 0.45), BLUE)
        arrow(ax, (20, y - 0.45), (12, y - 0.45), VERMILION)
        ax.text(16, y + 2, number(values["x"]), fontsize=9.5, **said)
        ax.text(16, y - 2, number(gradients["x"]), fontsize=9.5, **said)
        box(ax, 25, y, 9.4, 8, text, GREY, fontsize=9)
        wire(ax, 30, 38.4, y, f"$L_{i}$", values["L"], 1.0)
    box(ax, 40.6, middle, 3.8, upper - lower + 4, "+", GREY, fontsize=14)
    wire(ax, 43, 51.5, middle, "L", first[0]["L"] + second[0]["L"], 1.0)
    save(figure, "paths")


if __name__ == "__main__":
    circuit()
    slope()
    paths()
