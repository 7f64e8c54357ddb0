"""What the comparisons found: the table at the end of a run, and the report file."""

from __future__ import annotations

import datetime as dt
import pickle
import platform
from pathlib import Path
from typing import Any

import numpy as np

from parity_tests.backend import BACKEND, device, versions
from parity_tests.both import RECORD, Entry

KINDS = ("float64", "float32", "equal")

# What the tests of the whole run add to the report: sentences, and curves for the figure.
SENTENCES: list[str] = []
CURVES: dict[str, dict[str, Any]] = {}


def packed() -> bytes:
    """Return what the tests of this process found, to be sent to the one that reports."""
    return pickle.dumps((RECORD, SENTENCES, CURVES))


def add(found: bytes) -> None:
    """Add what the tests of another process found."""
    record, sentences, curves = pickle.loads(found)
    for piece, entries in record.items():
        for kind, other in entries.items():
            entry = RECORD.setdefault(piece, {}).setdefault(kind, Entry())
            entry.cases |= other.cases
            entry.largest = max(entry.largest, other.largest)
            entry.tolerance = max(entry.tolerance, other.tolerance)
    SENTENCES.extend(sentences)
    CURVES.update(curves)


def rows() -> list[list[str]]:
    """Return the table: a head, a row for each piece, and a last row with the total."""
    head = ["piece", "cases", "float64", "allowed", "float32", "allowed", "equal bits"]
    table = [head]
    for piece, entries in sorted(RECORD.items()):
        cases = sum(len(entry.cases) for entry in entries.values())
        row = [piece, f"{cases:,}"]
        for kind in ("float64", "float32"):
            entry = entries.get(kind)
            row += [f"{entry.largest:.1e}", f"{entry.tolerance:.0e}"] if entry else ["", ""]
        table.append([*row, _equal(entries.get("equal"))])
    total = sum(len(entry.cases) for entries in RECORD.values() for entry in entries.values())
    return [*table, ["in all", f"{total:,}", "", "", "", "", ""]]


def _equal(entry: Entry | None) -> str:
    if entry is None:
        return ""
    return "yes" if entry.largest == 0 else f"no: {entry.largest:.1e}"


def _as_code(piece: str) -> str:
    """Write a name for Markdown, where two underscores would mean bold type."""
    name, *remark = piece.split(" ", 1)
    return " ".join([f"`{name}`", *remark])


def as_text() -> list[str]:
    """Return the lines of the table for a terminal."""
    table = rows()
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = [
        "  ".join(
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in table
    ]
    rule = "-" * max(map(len, lines))
    return [lines[0], rule, *lines[1:-1], rule, lines[-1], "", *SENTENCES]


def facts() -> dict[str, str]:
    """Return what a reader has to know about a run: date, device, versions."""
    packages = ", ".join(f"{name} {number}" for name, number in versions().items())
    return {
        "Date": f"{dt.date.today():%Y-%m-%d}",
        "Keras's backend": BACKEND,
        "Device on which Keras computed": device(),
        "Machine": f"{platform.system()}, {platform.machine()}",
        "Versions": packages,
    }


def write(path: Path, command: str, outcome: str) -> None:
    """Write the report, and the figure beside it where there are curves to draw.

    Parameters
    ----------
    path : Path
        The Markdown file; the figure gets the same name with ``.png``.
    command : str
        The command that prints the report.
    outcome : str
        How the tests ended: "521 passed, 3 skipped".
    """
    import tinynet

    head, *body, total = rows()
    lines = ["# tinynet against Keras", "", f"Written by `{command}`; not edited.", ""]
    lines += [f"- {name}: {value}" for name, value in facts().items()]
    lines += [f"- Tests: {outcome}", ""]
    if not device().startswith("GPU"):
        on_gpu = path.with_name("report_gpu.md")
        seen = f"see {on_gpu.name}" if on_gpu.exists() else "not run on a GPU yet"
        lines += [f"On a GPU: {seen}.", ""]
    if SENTENCES:
        lines += ["## The whole run", "", *(f"- {each}" for each in SENTENCES), ""]
    if CURVES:
        figure = path.with_suffix(".png")
        draw(figure)
        lines += [f"![Loss curves of both libraries, and their difference]({figure.name})", ""]
    lines += [
        "## Piece by piece",
        "",
        "The largest difference of any tensor, relative to the largest of the terms that were "
        "added to make it, and what is allowed. Where bits have to be equal, the last column "
        "says whether they are.",
        "",
        "| " + " | ".join(head) + " |",
        "|---|" + "---:|" * (len(head) - 1),
        *("| " + " | ".join([_as_code(row[0]), *row[1:]]) + " |" for row in body),
        "| " + " | ".join(f"**{cell}**" if cell else "" for cell in total) + " |",
    ]
    tinynet.files.write_atomically(path, "\n".join(lines) + "\n")


def draw(path: Path) -> None:
    """Draw both libraries' curves on top of each other, and below them their difference."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(
        2,
        len(CURVES),
        figsize=(5.5 * len(CURVES), 6.4),
        squeeze=False,
        sharex="col",
        height_ratios=(3, 2),
        layout="constrained",
    )
    for (top, bottom), (title, curves) in zip(axes.T, CURVES.items(), strict=True):
        top.set_title(title)
        for number, (name, (own, theirs)) in enumerate(curves["values"].items()):
            x = np.arange(1, len(own) + 1)
            color = f"C{number}"
            top.plot(x, theirs, color=color, alpha=0.35, linewidth=5, label=f"{name}, Keras")
            top.plot(x, own, color=color, linewidth=1.2, label=f"{name}, tinynet")
            gap = np.abs(np.subtract(own, theirs)) / np.abs(theirs)
            bottom.plot(x, _visible(gap), ".-", color=color, linewidth=0.6, markersize=3)
        for number, (name, gap) in enumerate(curves["gaps"].items()):
            color = f"C{len(curves['values']) + number}"
            x = np.arange(1, len(gap) + 1)
            bottom.plot(x, _visible(gap), ".-", color=color, linewidth=0.6, markersize=3)
            bottom.plot([], [], color=color, label=name)
        bottom.axhline(curves["allowed"], color="0.3", linestyle="--", linewidth=1)
        bottom.text(1, curves["allowed"], " allowed", va="bottom", fontsize=9, color="0.3")
        bottom.set(yscale="log", xlabel=curves["unit"], ylabel="relative difference")
        bottom.set_ylim(3e-18, max(1e-7, 30 * curves["allowed"]))
        top.set_ylabel("loss")
        top.legend(fontsize=9)
        if curves["gaps"]:
            bottom.legend(fontsize=9, loc="center right")
        for each in (top, bottom):
            each.grid(alpha=0.3)
    figure.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(figure)


def _visible(gap: Any) -> Any:
    """Raise an exact zero, which a log scale cannot show, to the lower edge of the plot."""
    return np.maximum(gap, 1e-17)
