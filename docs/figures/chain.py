"""A chain of two layers and a loss, one number on each wire: what goes up, and what comes back."""

from drawing import BLUE, GREEN, GREY, VERMILION, arrow, box, canvas, save, text_color

X, W1, W2, TARGET = 2.0, 1.5, -1.0, -1.0
BLUE_TEXT, RED_TEXT = text_color(BLUE), text_color(VERMILION)


def number(value):
    """Write a number as on the page."""
    return f"{value:g}".replace("-", "−")


def draw():
    """Go forward and backward by hand, and draw each number where it goes."""
    v = W1 * X
    out = W2 * v
    loss = (out - TARGET) ** 2
    dout = 2 * (out - TARGET)
    dw2, dv = dout * v, dout * W2
    dw1, dx = dv * X, dv * W1

    figure, ax = canvas(27)
    middle, height, width = 17, 8.5, 8.6
    places = [11.6, 27.2, 43.2]  # of the boxes
    said = {"ha": "center", "va": "center"}
    for x, name, learned in zip(
        places, ("layer 1", "layer 2", "loss"), (("w₁", W1), ("w₂", W2), ("t", TARGET)), strict=True
    ):
        color = GREY if name == "loss" else BLUE
        box(ax, x, middle, 7.0 if name == "loss" else width, height, "", color)
        ax.text(x, middle + 2, name, zorder=4, **said)
        look = {"color": text_color(GREY if name == "loss" else GREEN), "zorder": 4}
        ax.text(x, middle - 1.8, f"{learned[0]} = {number(learned[1])}", **said, **look)
    wires = (
        (0.6, places[0] - width / 2, f"x = {number(X)}", f"dx = {number(dx)}"),
        (places[0] + width / 2, places[1] - width / 2, f"v = {number(v)}", f"dv = {number(dv)}"),
        (places[1] + width / 2, places[2] - 3.5, f"out = {number(out)}", f"dout = {number(dout)}"),
        (places[2] + 3.5, 51.6, f"L = {number(loss)}", "dL = 1"),
    )
    for left, right, value, gradient in wires:
        up, down, between = middle + 1.7, middle - 1.7, (left + right) / 2
        arrow(ax, (left + 0.4, up), (right - 0.4, up), BLUE)
        arrow(ax, (right - 0.4, down), (left + 0.4, down), VERMILION)
        ax.text(between, up + 1.5, value, color=BLUE_TEXT, fontsize=9, **said)
        ax.text(between, down - 1.6, gradient, color=RED_TEXT, fontsize=9, **said)
    stored = (
        (places[0], f"dw₁ = dv · x = {number(dw1)}"),
        (places[1], f"dw₂ = dout · v = {number(dw2)}"),
    )
    for x, text in stored:
        arrow(ax, (x, middle - height / 2 - 0.4), (x, 7.6), VERMILION)
        ax.text(x, 6.2, text, color=RED_TEXT, fontsize=9, **said)
        ax.text(x, 4.2, "stays in grads", color=text_color(GREY), fontsize=8.5, **said)
    ax.text(1, 24.8, "forward: a layer is given x, and returns out", color=BLUE_TEXT, va="center")
    below = "backward: it is given dout, keeps the gradient of its weights, and returns dx"
    ax.text(1, 1.4, below, color=RED_TEXT, va="center", fontsize=9.5)
    save(figure)


if __name__ == "__main__":
    draw()
