"""What goes on inside a model: weights as images, and how its numbers are distributed."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.ticker import MaxNLocator

from tinynet import config
from tinynet.arrays import Array
from tinynet.data import Batch, Dataset
from tinynet.layers import (
    DepthwiseConv2D,
    Dropout,
    Flatten,
    GaussianDropout,
    GaussianNoise,
    Layer,
    Reshape,
    SeparableConv2D,
    ZeroPadding2D,
)
from tinynet.models import Sequential
from tinynet.plots.panels import BLUE, VERMILION_LETTERS, panels

# Outside training, the outputs of these are the numbers of their inputs.
PASSES_ON = (Dropout, Flatten, GaussianDropout, GaussianNoise, Reshape, ZeroPadding2D)


def first_layer_weights(
    model: Sequential,
    shape: Sequence[int] | None = None,
    *,
    n: int = 32,
    columns: int = 8,
    axes: Any = None,
) -> Array:
    """Show as images the kernels of the first layer that has any.

    Red is a positive weight, blue a negative one, white is 0; the scale is the same for all.
    A kernel with three channels is drawn in color, where gray is 0 in all of them; the channels of
    other kernels are averaged.

    Parameters
    ----------
    model : Sequential
    shape : (height, width) or (height, width, channels), optional
        Of the images whose pixels are a Dense layer's inputs, row by row. By default the
        model's input shape if it is that of an image, else a square.
    n : int
        Show the first n units or filters, or all if there are fewer.
    columns : int
        Images per row.
    axes : ndarray of Axes, optional
        At least as many as there are images; those left over are hidden.

    Returns
    -------
    ndarray of Axes

    Raises
    ------
    ValueError
        If the model has no weights yet, no layer has a kernel, or the weights of a unit cannot
        be reshaped to `shape`.
    """
    model.require_built()
    if n < 1:
        raise ValueError(f"n: expected a positive integer, got {n}")
    name, kernels = _first_kernels(model, shape)
    images = kernels[:n]
    limit = float(np.abs(images).max()) or 1.0
    color_map = "gray" if images.ndim == 4 else "RdBu_r"
    norm = Normalize(-limit, limit)
    grid, drawn = panels(len(images), columns, (1.1, 1.1), axes, below=0.6)
    for ax, image in zip(drawn, images, strict=True):
        if image.ndim == 3:
            ax.imshow(norm(image))
        else:
            ax.imshow(image, cmap=color_map, norm=norm)
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set(color="0.7", linewidth=0.6)
    shown = f"all {len(kernels)}" if n >= len(kernels) else f"the first {n} of {len(kernels)}"
    bar = drawn[0].figure.colorbar(
        ScalarMappable(norm, color_map),
        ax=drawn,
        location="bottom",
        ticks=MaxNLocator(nbins=4),
        aspect=40,
        shrink=0.7,
    )
    bar.set_label(f"{name}, {shown}", fontsize=9)
    bar.ax.tick_params(labelsize=8)
    return grid


def activation_histograms(model: Sequential, x: Any, *, axes: Any = None) -> Array:
    """Draw how the outputs of every layer are distributed for one batch.

    Layers that only pass on what they get, such as Flatten and, outside training, Dropout, are
    left out. Outputs that are exactly 0 are not drawn but counted: after a ReLU, most are.
    A unit, or a channel of an image, that is 0 for the whole batch may be dead; such units are
    counted too.

    Parameters
    ----------
    model : Sequential
    x : array_like of shape (n, ...)
        A batch, sent through the model all at once, outside training.
    axes : ndarray of Axes, optional
        At least one for each layer that is drawn; those left over are hidden.

    Returns
    -------
    ndarray of Axes

    Raises
    ------
    ValueError
        If the model has no weights yet, `x` does not fit it, or no layer computes anything.
    """
    model.require_built()
    out = _batch(model, x).x
    outputs = {}
    for layer in model.layers:
        out = layer.forward(out)
        if not isinstance(layer, PASSES_ON):
            outputs[layer.name] = out
    if not outputs:
        raise ValueError(f"{model.name}: no layer does anything but pass on its input")
    grid, drawn = _histograms(outputs, "output", axes)
    for ax, values in zip(drawn, outputs.values(), strict=True):
        units = values.shape[-1]
        always = int((values.reshape(-1, units) == 0).all(axis=0).sum())
        if always:
            _note(ax, f"{always} of {units} always 0", line=1)
    return grid


def gradient_histograms(model: Sequential, x: Any, y: Any, *, axes: Any = None) -> Array:
    """Draw how the gradient of the loss is distributed in every weight, for one batch.

    The gradients are those of a training step, penalties included. They are computed in a copy:
    nothing in the model is changed, neither weights and the optimizer's memory nor moving
    statistics, random sequences and metrics.

    Parameters
    ----------
    model : Sequential
        Compiled.
    x, y : array_like of shape (n, ...)
        A batch, sent through the model all at once.
    axes : ndarray of Axes, optional
        At least one for each trainable weight; those left over are hidden.

    Returns
    -------
    ndarray of Axes
        Entries that are exactly 0 are not drawn but counted.

    Raises
    ------
    RuntimeError
        If the model is not compiled.
    ValueError
        If it has no weights yet or no trainable ones, or `x` and `y` do not fit it.
    """
    model.require_built()
    batch = _batch(model, x, y, needs_targets=True)
    trained = copy.deepcopy(model)
    trained.loss_value(trained.forward(batch.x, training=True), batch.y)
    trained.backward_from_loss()
    if not trained.grads:
        raise ValueError(f"{model.name} has no trainable weights")
    grid, _ = _histograms(trained.grads, "gradient", axes)
    return grid


def _first_kernels(model: Sequential, shape: Sequence[int] | None) -> tuple[str, Array]:
    """Return the name of the first kernel and its images, (n, height, width[, 3])."""
    for layer in model.layers:
        for key in ("kernel", "depthwise_kernel"):
            if key in layer.params:
                return f"{layer.name}/{key}", _images(model, layer, layer.params[key], shape)
    raise ValueError(f"{model.name}: expected a layer with a kernel, there is none")


def _images(model: Sequential, layer: Layer, kernel: Array, shape: Sequence[int] | None) -> Array:
    if isinstance(layer, (DepthwiseConv2D, SeparableConv2D)):  # each sees a single channel
        kernel = kernel.reshape(*kernel.shape[:2], 1, -1)
    elif kernel.ndim == 2:
        kernel = kernel.reshape(*_folded(model, len(kernel), shape), -1)
    images = np.moveaxis(kernel, -1, 0)  # (n, height, width[, channels])
    if images.ndim == 4 and images.shape[3] != 3:
        return np.asarray(images.mean(axis=3))
    return images


def _folded(model: Sequential, inputs: int, shape: Sequence[int] | None) -> tuple[int, ...]:
    """Return the shape of the image whose pixels are a Dense layer's inputs."""
    if shape is not None:
        if len(shape) not in (2, 3) or math.prod(shape) != inputs:
            raise ValueError(
                f"shape: expected (height, width) or (height, width, channels) with a product of "
                f"{inputs}, the inputs of a unit, got {tuple(shape)}"
            )
        return tuple(shape)
    given = model.sample_shape or ()
    if len(given) in (2, 3) and math.prod(given) == inputs:
        return given
    side = math.isqrt(inputs)
    if side**2 != inputs:
        raise ValueError(
            f"shape: expected (height, width), since the {inputs} inputs of a unit make no square"
        )
    return side, side


def _batch(model: Sequential, x: Any, y: Any = None, needs_targets: bool = False) -> Batch:
    """Return everything as one batch for the model, after a check."""
    data = Dataset(x, y, None, config.floatx())
    model.check(data, needs_targets)
    return data.batch(np.arange(len(data)))


def _histograms(arrays: Mapping[str, Array], what: str, axes: Any) -> tuple[Array, list[Axes]]:
    grid, drawn = panels(len(arrays), 4, (2.6, 2.1), axes)
    for ax, (name, array) in zip(drawn, arrays.items(), strict=True):
        values = np.asarray(array, np.float64).reshape(-1)
        shown = values[np.isfinite(values) & (values != 0)]
        bins = min(40, 5 + math.isqrt(len(shown)))  # fewer for the few of a bias
        heights, _, _ = ax.hist(
            shown, bins, weights=np.full(shown.shape, 1 / values.size), color=BLUE
        )
        ax.set_ylim(0, 1.4 * np.max(heights) or 1)  # the notes go above the bars
        ax.set_title(name, fontsize=9)
        ax.set_xlabel(what, fontsize=8)
        ax.set_ylabel("share of all", fontsize=8)
        ax.tick_params(labelsize=8)
        ax.xaxis.get_offset_text().set_fontsize(8)
        ax.xaxis.set_major_locator(MaxNLocator(nbins=4))
        ax.yaxis.set_major_locator(MaxNLocator(nbins=4))
        ax.yaxis.set_major_formatter(lambda share, _: f"{100 * share:.3g}%")
        ax.spines[["top", "right"]].set_visible(False)
        _note(ax, f"{np.mean(values == 0):.1%} exactly 0")
        if not np.isfinite(values).all():
            _note(ax, f"{np.mean(~np.isfinite(values)):.1%} not finite", line=2)
    return grid, drawn


def _note(ax: Axes, text: str, line: int = 0) -> None:
    ax.text(
        *(0.98, 0.97 - 0.13 * line),
        text,
        transform=ax.transAxes,
        ha="right",
        va="top",
        fontsize=8,
        color=VERMILION_LETTERS,
    )
