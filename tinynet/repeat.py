"""The steps of one call of `fit`: the first of each size is written down, the others repeat it."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinynet.arrays import Array, Packed
from tinynet.data import Dataset
from tinynet.step.tape import Step, begin_part, write_down


class Repeat:
    """Makes steps of training, by the lines of an earlier one where there is one.

    Parameters
    ----------
    model : Trainer
    data : Dataset
    """

    def __init__(self, model: Any, data: Dataset) -> None:
        self.model, self.data = model, data
        self.written: dict[int, tuple[Array, Step]] = {}
        self.belongs_to: list[object] = []
        # A train_step of the user's own may do anything.
        self.eager = model.run_eagerly or not model.writes_steps()

    def check(self) -> None:
        """Forget lines whose arrays are no longer those of the model: somebody put new ones in."""
        found = self.model.arrays_of_a_step()
        same = len(found) == len(self.belongs_to)
        if not (same and all(a is b for a, b in zip(found, self.belongs_to, strict=True))):
            self.belongs_to = found
            self.written.clear()

    def take(self, rows: Array) -> None:
        """Make a step with some samples.

        Parameters
        ----------
        rows : ndarray of int64, shape (rows,)
        """
        if self.eager:
            self.model.train_step(self.data.batch(rows))
        elif len(rows) in self.written:
            places, step = self.written[len(rows)]
            places[...] = rows
            step.run()
        else:
            places, learned = rows.copy(), self.model.learned()
            step = self.write_down(places)
            if self.model.learned() is learned:  # no layer has made its gradients only now
                self.written[len(rows)] = places, step
            self.belongs_to = self.model.arrays_of_a_step()

    def write_down(self, rows: Array) -> Step:
        """Make a step with some samples, and return its lines, which look up `rows` again."""
        with write_down() as step:
            begin_part("batch")
            batch = self.data.batch(rows)
            self.model.train_step(batch)
        known = {"data.x": self.data.flat, "data.y": self.data.y, "rows": rows}
        known |= {"x": batch.x, "y": batch.y, **self.model.arrays}
        known |= {f"d {name}": each for name, each in self.model.grads.items()}
        for name, each in zip(("weights", "d weights"), self.model.learned(), strict=True):
            if isinstance(each, Packed):
                known[name] = each.flat
        for slot, each in self.model.optimizer.flat_slots.items():
            known[slot] = each
        step.name(**known)
        step.kept = {layer.name: _arrays(layer) for layer in self.model.layers}
        return step


def _arrays(part: object) -> dict[str, Array]:
    return {name: each for name, each in vars(part).items() if isinstance(each, np.ndarray)}
