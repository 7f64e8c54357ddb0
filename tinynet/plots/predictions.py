"""What a model gets right and wrong: counts of mistakes, and images with predictions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from tinynet.arrays import Array
from tinynet.plots.panels import GREEN_LETTERS, VERMILION_LETTERS, panels


def confusion_matrix(
    counts: Array,
    class_names: Sequence[str] | None = None,
    *,
    shares: bool = False,
    ax: Axes | None = None,
) -> Axes:
    """Draw how often samples of each class were predicted as each class.

    The shade is the fraction of the true class's samples. The number is their count or, with
    `shares`, that fraction in percent. Where there are none, there is no number.

    Parameters
    ----------
    counts : ndarray of int, shape (classes, classes)
        Rows are true classes; see `tinynet.metrics.confusion_matrix`.
    class_names : sequence of str, optional
    shares : bool
    ax : Axes, optional

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If `counts` is not square, or there is not exactly one name for each class.
    """
    counts = np.asarray(counts)
    classes = len(counts)
    if counts.shape != (classes, classes) or not classes:
        raise ValueError(f"counts: expected shape (classes, classes), got {counts.shape}")
    names = [str(i) for i in range(classes)] if class_names is None else list(class_names)
    _check_names(names, classes)
    if ax is None:
        size = max(3.6, 2.2 + 0.52 * classes)
        _, ax = plt.subplots(figsize=(size, size), layout="constrained")
    share = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
    ax.imshow(share, cmap="Blues", vmin=0, vmax=1)
    for i, j in np.ndindex(*counts.shape):
        if counts[i, j]:
            number = f"{100 * share[i, j]:.1f}" if shares else f"{counts[i, j]}"
            color = "white" if share[i, j] > 0.71 else "black"  # the higher contrast
            ax.text(j, i, number, ha="center", va="center", color=color, fontsize=8)
    ax.set_xticks(range(classes), names, rotation=45, ha="right", rotation_mode="anchor")
    ax.set_yticks(range(classes), names)
    ax.set(xlabel="predicted class", ylabel="true class")
    unit = "% of the true class" if shares else "counts"
    correct = np.trace(counts) / max(1, counts.sum())
    ax.set_title(f"Confusion matrix, {unit}\n{correct:.1%} correct", fontsize=11)
    ax.spines[:].set_visible(False)
    return ax


def sample_images(
    images: Array,
    labels: Array | None = None,
    class_names: Sequence[str] | None = None,
    *,
    columns: int = 10,
    axes: Any = None,
) -> Array:
    """Show images with the names of their classes.

    Parameters
    ----------
    images : ndarray of shape (n, height, width), (n, height, width, 1) or (n, height, width, 3)
        Color images hold integers from 0 to 255 or floats from 0 to 1. A gray one is drawn from
        white, its smallest value, to black, its largest.
    labels : ndarray of int, shape (n,), optional
        Without them, the images have no titles.
    class_names : sequence of str, optional
        Without them, the titles are the integer labels.
    columns : int
        Images per row.
    axes : ndarray of Axes, optional
        At least n of them; unused ones are hidden.

    Returns
    -------
    ndarray of Axes

    Raises
    ------
    ValueError
        If the images have another shape, there is not exactly one label for each, or a label has
        no name.
    """
    images = _checked_images(images)
    if labels is not None:
        labels = _checked_labels("labels", labels, len(images))
        if class_names is not None and labels.max() >= len(class_names):
            raise ValueError(
                f"class_names: expected a name for each label up to {labels.max()}, got "
                f"{len(class_names)}"
            )
    grid, drawn = panels(len(images), columns, (1.15, 1.4), axes)
    for i, (ax, image) in enumerate(zip(drawn, images, strict=True)):
        _show(ax, image)
        if labels is not None:
            title = str(labels[i]) if class_names is None else class_names[labels[i]]
            ax.set_title(title, fontsize=8)
    return grid


def prediction_gallery(
    images: Array,
    y_true: Array,
    probabilities: Array,
    class_names: Sequence[str],
    *,
    columns: int = 6,
    axes: Any = None,
) -> Array:
    """Show images with the predicted class and its probability.

    The title of a correct prediction is green with a check mark. That of a wrong one is red with a
    cross, the true class and the probability predicted for it.

    Parameters
    ----------
    images : ndarray of shape (n, height, width), (n, height, width, 1) or (n, height, width, 3)
        As for `sample_images`.
    y_true : ndarray of int, shape (n,)
    probabilities : ndarray of shape (n, classes)
    class_names : sequence of str
    columns : int
        Images per row.
    axes : ndarray of Axes, optional
        At least n of them; unused ones are hidden.

    Returns
    -------
    ndarray of Axes

    Raises
    ------
    ValueError
        If the images have another shape, the arrays differ in length, or there is not exactly one
        name for each class.
    """
    images = _checked_images(images)
    probabilities = _checked_probabilities(probabilities, len(images))
    classes = probabilities.shape[1]
    _check_names(class_names, classes)
    y_true = _checked_labels("y_true", y_true, len(images), classes)
    grid, drawn = panels(len(images), columns, (1.8, 2.15), axes)
    for ax, image, true, p in zip(drawn, images, y_true, probabilities, strict=True):
        _show(ax, image)
        predicted = int(np.argmax(p))
        title = f"predicted {class_names[predicted]} ({p[predicted]:.0%})"
        if predicted == true:
            title, color = f"✓ {title}", GREEN_LETTERS
        else:
            title = f"✗ {title}\ntrue class {class_names[true]} ({p[true]:.0%})"
            color = VERMILION_LETTERS
        ax.set_title(title, fontsize=8, color=color)
    return grid


def most_confident_mistakes(y_true: Array, probabilities: Array, n: int = 18) -> Array:
    """Return the indices of the n most confident wrong predictions.

    Parameters
    ----------
    y_true : ndarray of int, shape (samples,)
    probabilities : ndarray of shape (samples, classes)
    n : int

    Returns
    -------
    ndarray of int, shape (at most n,)
        The most confident first.

    Raises
    ------
    ValueError
        If the arrays differ in length.
    """
    y_true = np.asarray(y_true).reshape(-1)
    probabilities = _checked_probabilities(probabilities, len(y_true))
    predicted = np.argmax(probabilities, axis=1)
    wrong = np.flatnonzero(predicted != y_true)
    sureness = probabilities[wrong, predicted[wrong]]
    return wrong[np.argsort(-sureness, kind="stable")][:n]


def _show(ax: Axes, image: Array) -> None:
    ax.imshow(image, cmap="gray_r")
    ax.set(xticks=[], yticks=[])  # matplotlib also measures ticks that are off: half of the time
    ax.set_axis_off()


def _checked_images(given: Any) -> Array:
    """Return gray images as (n, height, width), color images as they are."""
    images: Array = np.asarray(given)
    if images.ndim not in (3, 4) or images.shape[3:] not in ((), (1,), (3,)) or not images.size:
        hint = "; a single image needs a batch axis: image[None]" if images.ndim == 2 else ""
        raise ValueError(
            f"images: expected at least one, shape (n, height, width), (n, height, width, 1) or "
            f"(n, height, width, 3), got {images.shape}{hint}"
        )
    if images.ndim == 3 or images.shape[3] == 1:
        return images.reshape(images.shape[:3])
    top = 1 if images.dtype.kind == "f" else 255
    if images.min() < 0 or images.max() > top:
        raise ValueError(
            f"images: expected colors as integers from 0 to 255 or floats from 0 to 1, got "
            f"{images.dtype} from {images.min():.4g} to {images.max():.4g}; undo the preprocessing "
            f"for training"
        )
    return images


def _checked_labels(name: str, given: Any, n: int, classes: int | None = None) -> Array:
    labels: Array = np.asarray(given)
    if labels.shape not in ((n,), (n, 1)):
        raise ValueError(
            f"{name}: expected a label for each of the {n} images, shape ({n},), got {labels.shape}"
        )
    if labels.dtype.kind not in "iu":
        raise ValueError(f"{name}: expected integers, got {labels.dtype}")
    if labels.min() < 0:
        raise ValueError(f"{name}: expected labels of 0 or more, got {labels.min()}")
    if classes is not None and labels.max() >= classes:
        raise ValueError(f"{name}: expected labels from 0 to {classes - 1}, got {labels.max()}")
    return labels.reshape(-1)


def _checked_probabilities(given: Any, n: int) -> Array:
    probabilities: Array = np.asarray(given)
    if probabilities.ndim != 2 or len(probabilities) != n:
        raise ValueError(
            f"probabilities: expected shape ({n}, classes), a row for each label, got "
            f"{probabilities.shape}"
        )
    return probabilities


def _check_names(class_names: Sequence[str], classes: int) -> None:
    if len(class_names) != classes:
        raise ValueError(
            f"class_names: expected {classes}, one for each class, got {len(class_names)}"
        )
