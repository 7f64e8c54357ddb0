"""A callback that stops when the loss is not finite."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinynet.callbacks.base import Callback, Logs
from tinynet.callbacks.watching import Explanation, LastSteps
from tinynet.checks import flag
from tinynet.terminal import say


class TerminateOnNaN(Callback):
    """Stop when the loss of a batch is NaN or infinite.

    Parameters
    ----------
    raise_error : bool
        Whether to raise instead of stopping with a message.
    explain : bool
        Whether to look where it began. From time to time the weights are copied, with the
        optimizer's memory; then the steps since the last time are made once more with a copy of
        the model, until an array gets a number that is not finite. Only Keras lacks this argument.

    Attributes
    ----------
    explanation : Explanation or None
        With `explain`, what was found: the batch, the layer, the array, what wrote it, and the
        likely cause. None as well if the same steps stay finite when they are made again, as they
        may if something outside of the model changes it.

    Raises
    ------
    RuntimeError
        At such a batch, with `raise_error`.

    Examples
    --------
    >>> import numpy as np, tinynet as tn
    >>> tn.utils.set_random_seed(0)
    >>> model = tn.Sequential([tn.Input((3,)), tn.layers.Dense(1, name="top")])
    >>> model.compile(tn.optimizers.SGD(1e25), "mse")
    >>> nan = tn.callbacks.TerminateOnNaN(explain=True)
    >>> x, y = np.ones((8, 3)), np.ones(8)
    >>> history = model.fit(x, y, batch_size=4, verbose=0, callbacks=[nan])
    Batch 1: Invalid loss, terminating training
    ...
    >>> nan.explanation.batch, nan.explanation.array
    (1, 'loss.losses')
    """

    def __init__(self, raise_error: bool = False, explain: bool = False) -> None:
        super().__init__()
        self.raise_error = flag("raise_error", raise_error)
        self.explain = flag("explain", explain)
        self.explanation: Explanation | None = None
        self.steps: Any = None  # what makes the steps of `fit`
        self.last: LastSteps | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Begin to keep the last steps, if they may have to be explained."""
        self.explanation = None
        known = self.explain and self.steps is not None  # not in a loop of somebody's own
        self.last = LastSteps(self.model, self.steps) if known else None

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Copy the weights, if the steps may have to be explained."""
        if self.last is not None:
            self.last.copy_before(0)

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Check the loss."""
        loss = (logs or {}).get("loss")
        if loss is None or np.isfinite(loss):
            if self.last is not None:
                self.last.went_well()
            return
        why = self._explained()
        if self.raise_error:
            raise RuntimeError(f"batch {batch}: the loss is {loss}{why and '; '}{why}")
        say(f"Batch {batch}: Invalid loss, terminating training")
        if why:
            say(why)
        self.model.stop_training = True

    def _explained(self) -> str:
        if self.last is None:
            return ""
        self.explanation = self.last.explain()
        if self.explanation is None:
            return (
                "made once more, the steps stay finite: what changed the model or the logs between "
                "two of them?"
            )
        return str(self.explanation)

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Forget the steps, whose samples may be large."""
        self.last = self.steps = None
