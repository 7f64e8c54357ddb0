"""Trials until there are enough, run by one process or by several."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import optuna
from optuna.storages._heartbeat import BaseHeartbeat
from optuna.study import Study
from optuna.trial import FrozenTrial, Trial, TrialState

from tinynet.interop.optuna.storage import begin_again, experiments, retried

TrialCallback = Callable[[Study, FrozenTrial], None]
POLL = 1.0  # seconds between two checks of what other processes do


def search(
    study: Study,
    objective: Callable[[Trial], float],
    n_trials: int,
    callbacks: Sequence[TrialCallback] = (),
) -> None:
    """Run trials until the study has `n_trials` finished ones, whichever process ran them.

    Any number of processes may do this with one study of `open_study` at the same time; each
    takes the next trial. Nothing is finished twice: a process with no trial left to begin waits
    for the others, and takes over the trials of those that die.

    Parameters
    ----------
    study : optuna.Study
        From `open_study`.
    objective : callable
        Takes a trial, returns its value.
    n_trials : int
        How many trials the study has in the end, complete or pruned, including those that it had
        before and those of other processes. If two processes begin a trial at the very same
        moment, there may be one more.
    callbacks : sequence of callable, optional
        Called with the study and the finished trial after every trial of this process.

    Raises
    ------
    ValueError
        If `n_trials` is not positive.
    Exception
        What `objective` raises; its trial is marked as failed, and not run again.

    Notes
    -----
    A trial whose process was killed is begun again with the same parameters under the next free
    number, and so is one interrupted at the keyboard; its system attribute ``failed_trial`` says
    which one it repeats. After three new attempts it is left as failed, and another is drawn. A
    process that was only asleep drops its own attempt when it wakes.

    ``study.stop`` only ends Optuna's own loop; to end the search earlier, raise an exception.
    """
    if isinstance(n_trials, bool) or not isinstance(n_trials, int) or n_trials < 1:
        raise ValueError(f"n_trials: expected a positive integer, got {n_trials!r}")
    seen: set[int] = set()
    while True:
        with experiments():
            optuna.storages.fail_stale_trials(study)
        trials = study.get_trials(deepcopy=False)
        finished = sum(each.state in (TrialState.COMPLETE, TrialState.PRUNED) for each in trials)
        running = [each for each in trials if each.state == TrialState.RUNNING]
        if finished + len(running) < n_trials or any(map(_is_retry_in_queue, trials)):
            _make_one_trial(study, objective, callbacks)
            continue
        if finished >= n_trials:
            return
        if not seen:
            print(f"{len(running)} still running in other processes: waiting")
        for number in {each.number for each in running} - seen:
            _give_first_heartbeat(study, number)
            seen.add(number)
        time.sleep(POLL)


def _is_retry_in_queue(trial: FrozenTrial) -> bool:
    """Return whether a trial repeats one that was lost, and is waiting to begin."""
    return trial.state == TrialState.WAITING and bool(retried(trial))


def _make_one_trial(
    study: Study, objective: Callable[[Trial], float], callbacks: Sequence[TrialCallback]
) -> None:
    """Run a trial; one that is interrupted at the keyboard gets a second chance."""
    number = -1

    def attempt(trial: Trial) -> float:
        nonlocal number
        number = trial.number
        try:
            return objective(trial)
        except KeyboardInterrupt:
            begin_again(study, study.get_trials()[number])
            raise

    try:
        study.optimize(attempt, 1, callbacks=callbacks)
    except Exception:  # Optuna says in several ways that a trial is no longer ours
        if not any(number in retried(each) for each in study.get_trials(deepcopy=False)):
            raise
        print(f"trial {number} was given to another process: this one showed no sign of life")


def _give_first_heartbeat(study: Study, number: int) -> None:
    """Let a running trial count as alive from now on, though its process may have died at once.

    Optuna considers a trial dead when its last heartbeat is old, so one whose process was killed
    before the first would run forever. A process that is alive continues with its own.
    """
    storage = study._storage
    assert isinstance(storage, BaseHeartbeat)
    storage.record_heartbeat(study.get_trials(deepcopy=False)[number]._trial_id)
