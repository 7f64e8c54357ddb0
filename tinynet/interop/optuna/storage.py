"""The database behind a study; several processes write to it, and any of them may be killed."""

from __future__ import annotations

import random
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import optuna
import sqlalchemy
from optuna.storages import RDBStorage, RetryHeartbeatStaleTrialCallback
from optuna.study import Study
from optuna.trial import FrozenTrial

MISSED = 3  # a process is considered dead after missing this many heartbeats
LOCK_FILE = "BEGIN IMMEDIATE"  # SQLite's way to say: nobody else writes until this is done
ATTEMPTS = 8  # to find a new database's tables made, by this process or by another
RETRIES = 3  # a trial that kills its process again and again is then given up


def shared_storage(address: str, heartbeat: int) -> RDBStorage:
    """Return the database at an address, ready for several processes."""
    try:
        url = sqlalchemy.make_url(address)
        is_sqlite = url.get_backend_name() == "sqlite"
        url.get_dialect()
    except sqlalchemy.exc.ArgumentError as error:
        raise ValueError(
            "storage: expected the address of a database, such as sqlite:///study.db or "
            f"postgresql+psycopg://user:password@host/database, got {address!r} ({error})"
        ) from None
    if is_sqlite:
        _check_file(url.database or ":memory:")
    # A file is locked only briefly, a connection over the network may break overnight.
    options = {"connect_args": {"timeout": 60}} if is_sqlite else {"pool_pre_ping": True}
    storage = _with_tables(address, options, heartbeat)
    if is_sqlite:
        # Optuna reads a row and then changes it, and trusts that the database has locked the row
        # in between. SQLite does not lock rows: two processes would take the same trial.
        sqlalchemy.event.listen(
            storage.engine, "begin", lambda connection: connection.exec_driver_sql(LOCK_FILE)
        )
    return storage


def _with_tables(address: str, options: dict[str, Any], heartbeat: int) -> RDBStorage:
    """Return Optuna's storage, whose tables another process may be making at this moment."""
    for attempt in range(ATTEMPTS):
        try:
            with experiments():
                return RDBStorage(
                    address,
                    options,
                    heartbeat_interval=heartbeat,
                    grace_period=MISSED * heartbeat,
                    heartbeat_stale_trial_callback=begin_again,
                )
        except (sqlalchemy.exc.SQLAlchemyError, optuna.exceptions.StorageInternalError):
            if attempt == ATTEMPTS - 1:
                raise
        time.sleep(random.SystemRandom().uniform(0, 0.4))  # so that they do not collide again
    raise AssertionError("not reached")


def _check_file(path: str) -> None:
    if path == ":memory:":
        raise ValueError(
            "storage: expected a database that outlives this process, got SQLite in memory; "
            "name a file: sqlite:///study.db"
        )
    folder = Path(path).parent
    if not path.startswith("file:") and not folder.is_dir():
        raise FileNotFoundError(f"storage: there is no folder {str(folder)!r} for {path!r}")


def retried(trial: FrozenTrial) -> list[int]:
    """Return the numbers of the trials that a trial repeats."""
    history: list[int] = trial.system_attrs.get("retry_history", [])
    return history


def begin_again(study: Study, trial: FrozenTrial) -> None:
    """Queue a trial that did not end once more, unless that has failed too often."""
    with experiments():
        RetryHeartbeatStaleTrialCallback(max_retry=RETRIES)(study, trial)


@contextmanager
def experiments() -> Iterator[None]:
    """Silence warnings that what Optuna calls experimental may change: its version is pinned."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        yield
