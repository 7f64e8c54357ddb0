"""A callback that evaluates with averages of the weights."""

from __future__ import annotations

from typing import Any

from tinynet.arrays import Array
from tinynet.callbacks.base import Callback, Logs
from tinynet.checks import flag


class SwapEMAWeights(Callback):
    """Evaluate and predict with the averages of the parameters that the optimizer keeps.

    Before an evaluation or predictions, the parameters and their averages change places, and
    afterward they change back.

    Parameters
    ----------
    swap_on_epoch : bool
        Whether they change places at the end of every epoch, too, and back at the begin of the
        next, so that callbacks after this one see the averages.

    Raises
    ------
    ValueError
        Before anything has begun: if the optimizer keeps no averages (``use_ema=True``).

    Notes
    -----
    Follows keras/src/callbacks/swap_ema_weights.py. Keras leaves the averages in the model after
    predictions, and the last parameters after a training that stops early with `swap_on_epoch`
    (findings/keras_early_stopping_drops_averages.sh).
    """

    remembers = ("swapped",)

    def __init__(self, swap_on_epoch: bool = False) -> None:
        super().__init__()
        self.swap_on_epoch = flag("swap_on_epoch", swap_on_epoch)

    @property
    def swapped(self) -> bool:
        """Whether the averages are in the place of the parameters; the optimizer knows it, too."""
        return bool(self.model.optimizer.swapped)

    @swapped.setter
    def swapped(self, value: bool) -> None:
        self.model.optimizer.swapped = value

    def set_params(self, params: dict[str, Any]) -> None:
        """Check that there will be averages."""
        super().set_params(params)
        if self.model.optimizer is None or not self.model.optimizer.use_ema:
            raise ValueError(
                "SwapEMAWeights: the optimizer keeps no averages; give it use_ema=True"
            )

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Change back."""
        if self.swap_on_epoch:
            self._put(averages=False)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Change places, if requested."""
        if self.swap_on_epoch:
            self._put(averages=True)

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Leave the averages in both places, as every `fit` with averages does."""
        if self.swapped:
            self.swapped = False
            for w, average in self._pairs():
                average[...] = w

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Change places."""
        self._put(averages=True)

    def on_test_end(self, logs: Logs | None = None) -> None:
        """Change back."""
        self._put(averages=False)

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """Change places."""
        self._put(averages=True)

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """Change back."""
        self._put(averages=False)

    def _put(self, averages: bool) -> None:
        if averages != self.swapped:
            self.swapped = averages
            for w, average in self._pairs():
                w[...], average[...] = average.copy(), w.copy()

    def _pairs(self) -> list[tuple[Array, Array]]:
        """Return each parameter with its average; before the first step there are none."""
        slots, params = self.model.optimizer.slots, self.model.params
        return [
            (w, slots[key]["average"].reshape(w.shape)) for key, w in params.items() if key in slots
        ]
