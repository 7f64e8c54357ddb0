"""Pictures of training and of what a model gets right and wrong.

Every function draws onto axes that are given or made, and returns them, so that titles, limits
and colours can be changed afterwards. The colours (Okabe and Ito 2008) can be told apart by
people who see few of them, and in grey print by their lightness.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from tinynet.kernels.registry import Array

BLUE, ORANGE, GREEN, VERMILION, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#777777"


def learning_curves(
    history: Mapping[str, Sequence[float]],
    *,
    monitor: str = "val_loss",
    axes: Sequence[Axes] | None = None,
) -> list[Axes]:
    """Draw loss and accuracy over the epochs.

    Cuts of the learning rate are dotted lines, the best epoch (the smallest `monitor`, or the
    largest where it is not a loss) is a dot.

    Parameters
    ----------
    history : dict of str to sequence of float
        What `fit` returns as ``history``: ``loss``, and where they are there ``accuracy``,
        their ``val_`` twins and ``learning_rate``.
    monitor : str
        Which figure names the best epoch; without it in `history` none is marked.
    axes : sequence of Axes, optional
        One for each of loss and accuracy that is in `history`.

    Returns
    -------
    list of Axes
    """
    names = [name for name in ("loss", "accuracy") if name in history]
    if axes is None:
        _, made = plt.subplots(
            1, len(names), figsize=(5.5 * len(names), 3.8), layout="constrained", squeeze=False
        )
        axes = list(made[0])
    best = _best_epoch(history, monitor)
    for ax, name in zip(axes, names, strict=True):
        epochs = np.arange(1, len(history[name]) + 1)
        for at in _cuts(history.get("learning_rate", ())):
            ax.axvline(at + 0.5, color=GREY, linestyle=":", linewidth=1, zorder=0)
        ax.plot(epochs, history[name], color=BLUE, label="training")
        if f"val_{name}" in history:
            values = history[f"val_{name}"]
            ax.plot(epochs, values, color=VERMILION, label="validation")
            if best is not None:
                label = f"best epoch ({best + 1})"
                ax.plot(best + 1, values[best], "o", color=VERMILION, label=label)
        if name == names[0] and _cuts(history.get("learning_rate", ())):
            ax.plot([], [], color=GREY, linestyle=":", label="learning rate cut")
        ax.set(xlabel="epoch", ylabel=name, title=name.capitalize())
        ax.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
        ax.spines[["top", "right"]].set_visible(False)
        ax.legend(frameon=False)
    return list(axes)


def confusion_matrix(
    counts: Array, class_names: Sequence[str] | None = None, *, ax: Axes | None = None
) -> Axes:
    """Draw how often each class was taken for each.

    The shade is the share of the true class's samples, the number their count.

    Parameters
    ----------
    counts : ndarray of int, shape (classes, classes)
        Rows are true classes; see `tinynet.metrics.confusion_matrix`.
    class_names : sequence of str, optional
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    classes = len(counts)
    names = [str(i) for i in range(classes)] if class_names is None else list(class_names)
    if ax is None:
        size = 2.2 + 0.52 * classes
        _, ax = plt.subplots(figsize=(size, size), layout="constrained")
    shares = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
    ax.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for i, j in np.ndindex(*counts.shape):
        if counts[i, j]:
            colour = "white" if shares[i, j] > 0.55 else "black"
            ax.text(j, i, f"{counts[i, j]}", ha="center", va="center", color=colour, fontsize=8)
    ax.set_xticks(range(classes), names, rotation=45, ha="right", rotation_mode="anchor")
    ax.set_yticks(range(classes), names)
    ax.set(xlabel="predicted class", ylabel="true class")
    correct = np.trace(counts) / max(1, counts.sum())
    ax.set_title(f"Confusion matrix ({correct:.1%} correct)")
    ax.spines[:].set_visible(False)
    return ax


def prediction_gallery(
    images: Array,
    y_true: Array,
    probabilities: Array,
    class_names: Sequence[str],
    *,
    columns: int = 6,
    axes: Array | None = None,
) -> Array:
    """Show images with what the model takes them for, and how sure it is.

    Right predictions are titled in green with a tick, wrong ones in red with a cross and the
    true class.

    Parameters
    ----------
    images : ndarray of shape (n, height, width)
    y_true : ndarray of int, shape (n,)
    probabilities : ndarray of shape (n, classes)
    class_names : sequence of str
    columns : int
        Images a row.
    axes : ndarray of Axes, optional
        At least n of them; those left over are hidden.

    Returns
    -------
    ndarray of Axes
    """
    if axes is None:
        rows = -(-len(images) // columns)
        _, axes = plt.subplots(
            rows,
            columns,
            figsize=(1.7 * columns, 2.15 * rows),
            layout="constrained",
            squeeze=False,
        )
    flat: list[Any] = list(np.asarray(axes).reshape(-1))
    for ax in flat:
        ax.set_axis_off()
    for ax, image, true, p in zip(flat, images, y_true, probabilities, strict=False):
        ax.imshow(image, cmap="gray_r")
        predicted = int(np.argmax(p))
        if predicted == true:
            title, colour = f"✓ {class_names[predicted]} {p[predicted]:.0%}", GREEN
        else:
            taken = f"✗ {class_names[predicted]} {p[predicted]:.0%}"
            title, colour = f"{taken}\nis {class_names[int(true)]} {p[int(true)]:.0%}", VERMILION
        ax.set_title(title, fontsize=8, color=colour)
    return np.asarray(axes)


def most_confident_mistakes(y_true: Array, probabilities: Array, n: int = 18) -> Array:
    """Return the indices of the n wrong predictions of which the model was most sure.

    Parameters
    ----------
    y_true : ndarray of int, shape (samples,)
    probabilities : ndarray of shape (samples, classes)
    n : int

    Returns
    -------
    ndarray of int, shape (at most n,)
        The surest first.
    """
    predicted = np.argmax(probabilities, axis=1)
    wrong = np.flatnonzero(predicted != y_true)
    sureness = probabilities[wrong, predicted[wrong]]
    return wrong[np.argsort(-sureness, kind="stable")][:n]


def _best_epoch(history: Mapping[str, Sequence[float]], monitor: str) -> int | None:
    if monitor not in history:
        return None
    values = history[monitor]
    return int(np.argmin(values) if monitor.endswith("loss") else np.argmax(values))


def _cuts(rates: Sequence[float]) -> list[int]:
    """Return the epochs, counted from 1, after which the learning rate went down."""
    return [i for i in range(1, len(rates)) if rates[i] < rates[i - 1]]
