"""How training went: the curves of one run, and several runs compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from tinynet.arrays import Array
from tinynet.plots.panels import BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILION, panels

Run = Mapping[str, Sequence[float]]

# Colors repeat after seven runs, line styles after four: 28 runs look different.
COLORS = (BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY, "black")
DASHES = ("-", "--", "-.", ":")
MARKERS = "osD^vP*X"


def learning_curves(
    history: Run, *, monitor: str = "val_loss", axes: Sequence[Axes] | None = None
) -> list[Axes]:
    """Draw the loss and the accuracy over the epochs.

    Cuts of the learning rate are dotted lines, the best epoch (the smallest `monitor`, or the
    largest where it is neither a loss nor an error) is a dot.

    Parameters
    ----------
    history : dict of str to sequence of float
        What `fit` returns as ``history``: ``loss``, and if they are there ``accuracy``,
        their ``val_`` counterparts and ``learning_rate``.
    monitor : str
        What decides which epoch is best; if it is not in `history`, none is marked.
    axes : sequence of Axes, optional
        One for each of loss and accuracy that is in `history`.

    Returns
    -------
    list of Axes

    Raises
    ------
    TypeError
        If `history` is not a mapping, such as the `History` itself.
    ValueError
        If it has neither loss nor accuracy, or no epochs, or there are too few axes.
    """
    _check_run("history", history)
    names = [name for name in ("loss", "accuracy") if len(history.get(name, ()))]
    if not names:
        raise ValueError(
            f"history: expected 'loss' or 'accuracy' with one entry per epoch, got {_held(history)}"
        )
    _, drawn = panels(len(names), 2, (5.5, 3.8), axes)
    best = _best_epoch(history[monitor], monitor) if monitor in history else None
    cuts = _cuts(history.get("learning_rate", ()))
    for ax, name in zip(drawn, names, strict=True):
        epochs = np.arange(1, len(history[name]) + 1)
        for at in cuts:
            ax.axvline(at + 0.5, color=GREY, linestyle=":", linewidth=1, zorder=0)
        marker = "." if len(epochs) == 1 else ""  # a single epoch makes no line
        ax.plot(epochs, history[name], color=BLUE, marker=marker, label="training")
        if f"val_{name}" in history:
            values = history[f"val_{name}"]
            ax.plot(epochs, values, f"--{marker}", color=VERMILION, label="validation")
            if best is not None:
                label = f"best epoch ({best + 1})"
                ax.plot(best + 1, values[best], "o", color=VERMILION, label=label)
        if name == names[0] and cuts:
            ax.plot([], [], color=GREY, linestyle=":", label="learning rate cut")
        ax.set(ylabel=name, title=name.capitalize())
        _over_epochs(ax)
        ax.legend(edgecolor="none")  # over the dotted lines
    return drawn


def compare_runs(
    histories: Mapping[str, Run | Sequence[Run]],
    figure: str = "val_accuracy",
    *,
    ax: Axes | None = None,
) -> Axes:
    """Draw one metric of several runs over the epochs.

    The best epoch of every run is marked, and its value is in the legend. For a run that was
    repeated with different seeds, the line is the mean and the band reaches from the lowest to the
    highest, for as many epochs as all of them had.

    Parameters
    ----------
    histories : dict of str to history, or to sequence of histories
        Names of the runs, and what `fit` returned as ``history``.
    figure : str
        What to compare, such as ``"val_loss"``. Lower is better if the name ends in "loss" or
        "error".
    ax : Axes, optional

    Returns
    -------
    Axes

    Raises
    ------
    TypeError
        If a history is not a mapping.
    ValueError
        If there are no histories, or one has no such entry or no epochs.
    """
    if not isinstance(histories, Mapping):
        raise TypeError(
            f"histories: expected a dict from names to histories, got {type(histories).__name__}"
        )
    if not histories:
        raise ValueError("histories: expected at least one run, got none")
    curves = {name: _curves(name, given, figure) for name, given in histories.items()}
    beside = ax is None and len(curves) > 5  # that many names would hide the curves
    if ax is None:
        _, ax = plt.subplots(figsize=(9.6 if beside else 6.4, 4.2), layout="constrained")
    looks = zip(cycle(COLORS), cycle(DASHES), cycle(MARKERS), strict=False)
    for (name, values), (color, dashes, marker) in zip(curves.items(), looks, strict=False):
        mean = values.mean(axis=0)
        epochs = np.arange(1, len(mean) + 1)
        best = _best_epoch(mean, figure)
        several = f", mean of {len(values)}" if len(values) > 1 else ""
        ax.plot(
            epochs,
            mean,
            color=color,
            linestyle=dashes,
            marker=marker,
            markevery=[] if best is None else [best],
            markersize=7,
            label=name if best is None else f"{name}{several}: {mean[best]:#.4g}, epoch {best + 1}",
        )
        if len(values) > 1:
            band = values.min(axis=0), values.max(axis=0)
            ax.fill_between(epochs, *band, color=color, alpha=0.18, linewidth=0)
    ax.set(ylabel=figure)
    _over_epochs(ax)
    place: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (1.01, 1)} if beside else {}
    ax.legend(frameon=False, title="best", alignment="left", **place)
    return ax


def _over_epochs(ax: Axes) -> None:
    ax.set_xlabel("epoch")
    ax.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True, min_n_ticks=1))
    ax.spines[["top", "right"]].set_visible(False)


def _curves(name: str, given: Run | Sequence[Run], figure: str) -> Array:
    """Return the values of all histories of one run, shape (histories, epochs)."""
    runs = [given] if isinstance(given, Mapping) or not isinstance(given, Sequence) else given
    if not runs:
        raise ValueError(f"histories: expected at least one history of {name!r}, got none")
    for run in runs:
        _check_run(f"histories[{name!r}]", run)
        if not len(run.get(figure, ())):
            raise ValueError(f"figure: {name!r} has no {figure!r}, only {_held(run)}")
    epochs = min(len(run[figure]) for run in runs)
    return np.array([run[figure][:epochs] for run in runs], np.float64)


def _check_run(name: str, history: object) -> None:
    if not isinstance(history, Mapping):
        hint = "; pass its attribute history" if hasattr(history, "history") else ""
        raise TypeError(
            f"{name}: expected a dict from names to one number per epoch, got "
            f"{type(history).__name__}{hint}"
        )


def _held(history: Run) -> str:
    return ", ".join(repr(name) for name in history if len(history[name])) or "nothing"


def _best_epoch(values: Sequence[float] | Array, name: str) -> int | None:
    """Return the best epoch, counted from 0; None if all values are NaN."""
    array = np.asarray(values, np.float64)
    if np.isnan(array).all():
        return None
    return int(np.nanargmin(array) if name.endswith(("loss", "error")) else np.nanargmax(array))


def _cuts(rates: Sequence[float]) -> list[int]:
    """Return the epochs, counted from 1, after which the learning rate went down."""
    return [i for i in range(1, len(rates)) if rates[i] < rates[i - 1]]
