"""A study in a database that says what it searches, so that no other search continues it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

import optuna
from optuna import distributions
from optuna.samplers import BaseSampler
from optuna.study import Study

from tinynet.interop.optuna.sampling import Space
from tinynet.interop.optuna.storage import shared_storage

DESCRIPTION = "search"  # the user attribute in which a study says what it searches


def open_study(
    storage: str,
    name: str,
    space: Space,
    *,
    conditions: Mapping[str, Any] | None = None,
    direction: Literal["maximize", "minimize"] = "maximize",
    sampler: BaseSampler | None = None,
    pruner: optuna.pruners.BasePruner | None = None,
    heartbeat: int = 20,
) -> Study:
    """Create a study in a database, or continue the one that is there.

    Parameters
    ----------
    storage : str
        Address of the database: ``"sqlite:///study.db"`` for a file on this machine,
        ``"postgresql+psycopg://user:password@host/database"`` for one that many machines share.
    name : str
        The study's name in it.
    space : dict of str to BaseDistribution
        What is searched, see `suggest`; kept in the study, so that no other search continues it.
    conditions : dict of str to object, optional
        What else all trials have to share to be comparable (the data, the epochs, say); kept in
        the study as well. JSON has to be able to hold it.
    direction : {"maximize", "minimize"}
    sampler, pruner
        Optuna's defaults if not given. For a seed see `TrialSeededSampler`.
    heartbeat : int
        Seconds between the signs of life of a running trial. After missing three, its process is
        considered dead; the trial fails, and `search` runs it again.

    Returns
    -------
    optuna.Study

    Raises
    ------
    ValueError
        If `storage` is not an address, or if the study in it has a different search space,
        different conditions or a different direction.
    ImportError
        If the package that connects to such a database is not installed.
    sqlalchemy.exc.SQLAlchemyError
        If the database cannot be reached.
    """
    wanted = description(space, conditions or {})
    study = optuna.create_study(
        storage=shared_storage(storage, heartbeat),
        sampler=sampler,
        pruner=pruner,
        study_name=name,
        direction=direction,
        load_if_exists=True,
    )
    found = study.user_attrs.get(DESCRIPTION)
    if found is None and not study.get_trials(deepcopy=False):
        study.set_user_attr(DESCRIPTION, wanted)
        found = wanted
    differences = _differences(found or {}, wanted)
    if study.direction.name.lower() != direction:
        differences.append(f"direction: {study.direction.name.lower()} there, {direction} here")
    if differences:
        raise ValueError(
            f"study {name!r} in this storage belongs to another search:\n  "
            + "\n  ".join(differences)
            + "\nIts trials cannot be compared with those of this search; choose another name "
            "for the study, or another storage."
        )
    return study


def description(space: Space, conditions: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a study searches, in JSON's types, as it comes back from a database."""
    said: dict[str, Any] = json.loads(json.dumps(dict(conditions)))
    for name, values in space.items():
        said[name] = json.loads(distributions.distribution_to_json(values))["attributes"]
    return said


def _differences(found: dict[str, Any], wanted: dict[str, Any]) -> list[str]:
    """Return a line for every entry in which two descriptions differ."""
    return [
        f"{name}: {_said(found, name)} there, {_said(wanted, name)} here"
        for name in {**found, **wanted}
        if name not in found or name not in wanted or found[name] != wanted[name]
    ]


def _said(description: dict[str, Any], name: str) -> str:
    if name not in description:
        return "nothing"
    said = description[name]
    if not isinstance(said, dict):
        return repr(said)
    if "choices" in said:
        return f"one of {said['choices']}"
    return f"{said['low']} to {said['high']}" + "".join(
        f", {option} {said[option]}" for option in ("step", "log") if said.get(option)
    )
