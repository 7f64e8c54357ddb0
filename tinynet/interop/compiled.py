"""What a model was compiled with, in either library: optimizer, loss and metrics."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from tinynet import config, losses, metrics, optimizers
from tinynet.configurable import to_snake_case
from tinynet.interop import configs
from tinynet.interop.configs import Config, naming
from tinynet.metrics import Metric
from tinynet.models import Sequential

# Names of metrics that need not be the name of the metric's class.
SHORT_NAMES = {"accuracy", "Accuracy", "acc", "mse", "MSE", "mae", "MAE"}


# From tinynet to Keras.


def parts_for_keras(model: Sequential) -> Config:
    """Return what Keras's `compile` has to be given; nothing if the model is not compiled.

    Raises
    ------
    ValueError
        If a part is the user's own.
    """
    if model.optimizer is None:
        return {}
    figures = model.figures
    plain, weighted = (
        [_keras_metric(choice, metric) for choice, metric in zip(choices, found, strict=True)]
        for choices, found in zip(figures.choices, (figures.plain, figures.weighted), strict=True)
    )
    return {
        "optimizer": configs.keras_config(model.optimizer, "optimizer"),
        "loss": configs.keras_config(model.loss, "loss"),
        "metrics": plain or None,
        "weighted_metrics": weighted or None,
        "run_eagerly": model.run_eagerly,
    }


def compile_in_keras(keras: Any, keras_model: Any, parts: Config, excluded: list[str]) -> None:
    """Compile a Keras model with what `parts_for_keras` returned.

    Parameters
    ----------
    excluded : list of str
        As `Optimizer.excluded_from_decay`.
    """
    # XLA would draw different random numbers than TensorFlow itself does.
    jit_compile = False if keras.backend.backend() == "tensorflow" else "auto"
    made = keras.saving.deserialize_keras_object(parts)
    keras_model.compile(**made, jit_compile=jit_compile)
    if excluded:
        # As one pattern: Keras would join several in an order that differs from run to run.
        keras_model.optimizer.exclude_from_weight_decay(var_names=["|".join(excluded)])


def _keras_metric(choice: object, metric: Metric) -> Any:
    """Write a metric as it was given: its name, or else its config."""
    name = type(metric).__name__
    if isinstance(choice, str) and choice in {name, to_snake_case(name), *SHORT_NAMES}:
        return choice
    return configs.keras_config(metric, "metrics")


# From Keras to tinynet.


def parts_from_keras(keras: Any, keras_model: Any) -> dict[str, Any]:
    """Return what tinynet's `compile` has to be given; nothing if the model is not compiled.

    Raises
    ------
    ValueError
        If there is a part or an option that tinynet lacks.
    """
    if not keras_model.compiled:
        return {}
    given = keras_model._compile_config.config
    parts = ("optimizer", "loss", "metrics", "weighted_metrics", "run_eagerly")
    defaults = configs.signature(keras.Model.compile)
    for option, value in given.items():
        # jit_compile has the value that Keras has chosen for the machine.
        if option not in (*parts, "jit_compile") and value != defaults[option].default:
            raise ValueError(
                f"compile: {option}={value!r} is not in tinynet, whose compile has "
                f"{', '.join(parts)}"
            )
    return {
        "optimizer": _own_optimizer(keras_model.optimizer),
        "loss": _own_loss(keras_model.loss),
        "metrics": _own_metrics(given["metrics"]),
        "weighted_metrics": _own_metrics(given["weighted_metrics"]),
        "run_eagerly": given["run_eagerly"],
    }


def _own_optimizer(theirs: Any) -> optimizers.Optimizer:
    where = "optimizer"
    written = configs.own_config(configs.described(theirs, "keras.optimizers", where), where)
    arguments = written["config"]
    if isinstance(arguments["learning_rate"], float):
        rate = arguments["learning_rate"]
        arguments["learning_rate"] = configs.decimal(np.dtype(config.floatx()).type(rate), rate)
    with naming(where):
        optimizer = optimizers.get(written)
    if getattr(theirs, "_exclude_from_weight_decay", None):
        raise ValueError(
            f"{where}: exclude_from_weight_decay(var_list=...) is not in tinynet, which excludes "
            f"weights by name: var_names=['bias']"
        )
    pattern = getattr(theirs, "_exclude_from_weight_decay_pattern", None)
    if pattern is not None:
        has_groups = re.search(r"[\\(\[]", pattern.pattern)
        names = [pattern.pattern] if has_groups else pattern.pattern.split("|")
        optimizer.exclude_from_weight_decay(names)
    return optimizer


def _own_loss(theirs: Any) -> losses.Loss:
    where = "loss"
    if isinstance(theirs, str):
        with naming(where):
            return losses.get(theirs)
    described = configs.described(theirs, "keras.losses", where)
    # What a loss passes on to its function is not in every config: Huber's delta is missing.
    described["config"] |= {"dtype": theirs.dtype, **theirs._fn_kwargs}
    written = configs.own_config(described, where)
    with naming(where):
        return losses.get(written)


def _own_metrics(given: Any) -> list[Any]:
    """Return metrics as tinynet's `compile` takes them: by name, or by config."""
    where = "metrics"
    if isinstance(given, dict):
        raise ValueError(f"{where}: a dictionary is not in tinynet; expected a list, got {given}")
    choices = [
        each
        if isinstance(each, str)
        else configs.own_config(configs.described(each, "keras.metrics", where), where)
        for each in given or ()
    ]
    with naming(where):
        for choice in choices:
            metrics.get(choice)
    return choices
