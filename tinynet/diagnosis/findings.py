"""What a diagnosis says: for each check a verdict, a number, a sentence, and where to read on."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field

VERDICTS = ("ok", "look", "wrong")
WIDTH = 88  # characters of a line of the table
# The part of the documentation that a check belongs to; also the order of the table.
PAGES = {
    "targets": "diagnose.md#the-labels",
    "warnings": "diagnose.md#what-tinynet-warns-of",
    "finite numbers": "diagnose.md#nan-and-infinity",
    "batch statistics": "diagnose.md#the-statistics-of-a-batch",
    "input": "diagnose.md#the-input",
    "features": "diagnose.md#the-input",
    "labels": "diagnose.md#the-labels",
    "order": "diagnose.md#the-labels",
    "validation": "diagnose.md#training-and-validation",
    "starting weights": "diagnose.md#the-starting-weights",
    "loss": "diagnose.md#the-loss-before-training",
    "dead units": "diagnose.md#dead-and-saturated-units",
    "saturated units": "diagnose.md#dead-and-saturated-units",
    "gradients": "diagnose.md#the-gradient-of-each-layer",
    "updates": "diagnose.md#the-size-of-a-step",
    "few samples": "diagnose.md#twenty-samples",
}


@dataclass(frozen=True)
class Finding:
    """What one check has found.

    Attributes
    ----------
    check : str
        Which check: a key of `tinynet.diagnosis.findings.PAGES`.
    verdict : {"ok", "look", "wrong"}
        "look" says that the number is unusual, "wrong" that training will hardly work.
    value : float
        The measured number.
    measured : str
        The same as text, with what it is compared with.
    advice : str
        One sentence: what to do, or what a good number is.
    each : dict of str to float
        The number of every layer or weight, where there is one for each.
    """

    check: str
    verdict: str
    value: float
    measured: str
    advice: str
    each: Mapping[str, float] = field(default_factory=dict)

    @property
    def page(self) -> str:
        """The page of the documentation, and the part of it, that explains the check."""
        return PAGES[self.check]


class Diagnosis(list[Finding]):
    """All findings, in the order in which to look; `print` shows them as a table."""

    @property
    def ok(self) -> bool:
        """Whether no check has found anything."""
        return not self.problems

    @property
    def problems(self) -> list[str]:
        """Names of the checks whose verdict is not "ok"."""
        return [each.check for each in self if each.verdict != "ok"]

    def finding(self, check: str) -> Finding:
        """Return what a check has found.

        Raises
        ------
        ValueError
            If that check was not made: there is none of that name, the model has no such units, or
            an earlier finding stands in the way.
        """
        for each in self:
            if each.check == check:
                return each
        raise ValueError(f"check: expected one of {[each.check for each in self]}, got {check!r}")

    def __str__(self) -> str:
        """Return a row for each check; below those that found something, what to do about it."""
        wide = max(len(name) for name in PAGES)
        counts = [sum(each.verdict == verdict for each in self) for verdict in VERDICTS]
        lines = [", ".join(f"{n} {what}" for n, what in zip(counts, VERDICTS, strict=True))]
        for each in self:
            row = f"{each.verdict:5}  {each.check:{wide}}  "
            lines += _wrapped(each.measured, row)
            if each.verdict != "ok":
                lines += _wrapped(f"{each.advice} (docs/{each.page})", " " * len(row))
        return "\n".join(lines)


def _wrapped(text: str, first: str) -> list[str]:
    """Return the lines of a text that begins after `first`."""
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=first,
        subsequent_indent=" " * len(first),
        break_long_words=False,
        break_on_hyphens=False,
    )


def verdict(look: bool, wrong: bool) -> str:
    """Return the verdict where one of two limits may have been passed."""
    return "wrong" if wrong else "look" if look else "ok"
