"""A callback that ends trials early."""

from __future__ import annotations

from typing import Any

import optuna
from optuna.study import StudyDirection
from optuna.trial import BaseTrial, Trial

from tinynet.callbacks.base import Logs
from tinynet.callbacks.monitors import MonitorCallback


class PruningCallback(MonitorCallback):
    """Report a metric to Optuna after every epoch, and end a trial that is not promising.

    Training ends as `EarlyStopping` ends it: the epoch is in the history, other callbacks have
    closed their files. Then `fit` raises ``optuna.TrialPruned``, which is meant for Optuna and
    should not be caught. The model can be used and trained further.

    Parameters
    ----------
    trial : optuna.trial.BaseTrial
        The trial given to the objective. With ``study.best_trial`` or a ``FixedTrial`` in its
        place, nothing is reported and no trial is ended.
    monitor : str
        Name of the metric in the logs.

    Raises
    ------
    ValueError
        Before training begins: if the logs will not have `monitor`, or if the study maximizes
        what should go down (or the reverse), so that the best trials would be ended.
    RuntimeError
        If the study has several objectives, which no pruner can weigh.
    optuna.TrialPruned
        At the end of training, if the study's pruner has decided so.

    Notes
    -----
    Replaces ``optuna_integration.KerasPruningCallback``, which raises in the middle of
    ``on_epoch_end``, so that callbacks after it never learn that training is over. Put this one
    last in the list all the same: callbacks after it do not get ``on_train_end``.

    What is reported goes straight to the study's storage, so pruners compare the trials of all
    processes. A storage keeps the first value of an epoch: a second `fit` in the same trial
    that counts from epoch 0 again is not compared.

    Examples
    --------
    >>> import optuna
    >>> from tinynet.interop.optuna import PruningCallback
    >>> def objective(trial):
    ...     model = build(trial)
    ...     history = model.fit(x, y, validation_split=0.2, callbacks=[PruningCallback(trial)])
    ...     return max(history.history["val_accuracy"])
    ...
    >>> study = optuna.create_study(direction="maximize")
    >>> study.optimize(objective, n_trials=50)
    """

    def __init__(self, trial: BaseTrial, monitor: str = "val_accuracy") -> None:
        self.trial = trial
        self.pruned = False
        direction = trial.study.direction if isinstance(trial, Trial) else None
        self.study_minimizes = None if direction is None else direction == StudyDirection.MINIMIZE
        super().__init__(monitor, "min" if self.study_minimizes else "max")

    def set_params(self, params: dict[str, Any]) -> None:
        """Check that there will be something to report, and that the study's direction fits."""
        super().set_params(params)
        direction = self.model.directions.get(self.monitor.removeprefix("val_"))
        if self.study_minimizes is None or direction is None:
            return
        goes_down = direction == "down"
        if goes_down != self.study_minimizes:
            better, wanted = ("lower", "minimize") if goes_down else ("higher", "maximize")
            raise ValueError(
                f"PruningCallback: a {better} {self.monitor!r} is better, but the study's "
                f"direction is {'minimize' if self.study_minimizes else 'maximize'!r}; create it "
                f"with direction={wanted!r}, or monitor another metric"
            )

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Forget the previous run."""
        self.pruned = False

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Report the value, and ask whether to continue."""
        current = self.get_monitor_value(logs)
        if current is None:
            return
        self.trial.report(current, step=epoch)
        if self.trial.should_prune():
            self.pruned = True
            self.model.stop_training = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Tell Optuna that the trial ended early."""
        if self.pruned:
            epoch = self.model.history.epoch[-1] + 1
            raise optuna.TrialPruned(f"ended with epoch {epoch}: {self.monitor} not promising")
