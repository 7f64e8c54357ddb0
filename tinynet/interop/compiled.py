"""What a model was compiled with, in either library: optimizer, loss and metrics."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tinynet import config, losses, metrics, optimizers
from tinynet.configurable import to_snake_case
from tinynet.interop import configs
from tinynet.interop.configs import Config, Custom, naming
from tinynet.losses.outputs import OutputLosses
from tinynet.metrics import Metric
from tinynet.output_figures import OutputFigures
from tinynet.training import Trainer

# Names of metrics that need not be the name of the metric's class.
SHORT_NAMES = {"accuracy", "Accuracy", "acc", "mse", "MSE", "mae", "MAE"}

PARTS = (
    *("optimizer", "loss", "loss_weights", "metrics", "weighted_metrics", "run_eagerly"),
    "steps_per_execution",
)
# What else Keras's compile takes, with the values at which it is not in the way. (In a file,
# jit_compile has the value that Keras has chosen for the machine.)
WITHOUT_EFFECT: Config = {
    "loss_weights": None,
    "auto_scale_loss": True,
}


# From tinynet to Keras.


def parts_for_keras(model: Trainer, custom: Custom = configs.refused) -> Config:
    """Return what Keras's `compile` has to be given; nothing if the model is not compiled.

    Parameters
    ----------
    model : Sequential
    custom : callable
        As for `configs.keras_config`.

    Raises
    ------
    ValueError
        If a part is the user's own.
    """
    if model.optimizer is None:
        return {}
    figures = model.figures
    plain, weighted = (
        [
            _keras_metric(choice, metric, custom)
            for choice, metric in zip(choices, found, strict=True)
        ]
        for choices, found in zip(figures.choices, (figures.plain, figures.weighted), strict=True)
    )
    parts = {
        "optimizer": configs.keras_config(model.optimizer, "optimizer", custom),
        "metrics": plain or None,
        "weighted_metrics": weighted or None,
        "run_eagerly": model.run_eagerly,
        "steps_per_execution": model.steps_per_execution,
    }
    if isinstance(model.loss, OutputLosses):
        singles = [
            each and configs.keras_config(each, "loss", custom) for each in model.loss.losses
        ]
        parts |= {"loss": singles, "loss_weights": model.loss.weights.tolist()}
        if getattr(model, "keys", ()):  # what Keras reports of a dict comes in its order
            parts["loss"] = {model.loss.names[i]: singles[i] for i in model.loss.order}
    else:
        parts["loss"] = configs.keras_config(model.loss, "loss", custom)
    if isinstance(figures, OutputFigures):
        for argument, found, of in zip(
            ("metrics", "weighted_metrics"), (plain, weighted), figures.of, strict=True
        ):
            by_output: list[list[Any]] = [[] for _ in figures.outputs]
            for metric, number in zip(found, of, strict=True):
                by_output[number].append(metric)
            parts[argument] = by_output if found else None
    return parts


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


def _keras_metric(choice: object, metric: Metric, custom: Custom) -> Any:
    """Write a metric as it was given: its name, or else its config."""
    name = type(metric).__name__
    if isinstance(choice, str) and choice in {name, to_snake_case(name), *SHORT_NAMES}:
        return choice
    return configs.keras_config(metric, "metrics", custom)


# From Keras to tinynet.


def parts_from_keras(keras_model: Any) -> dict[str, Any]:
    """Return what tinynet's `compile` has to be given; nothing if the model is not compiled.

    Raises
    ------
    ValueError
        If there is a part or an option that tinynet lacks.
    """
    if not keras_model.compiled:
        return {}
    given = keras_model._compile_config.config
    require_only_parts(given)
    loss = keras_model.loss
    return {
        "optimizer": _own_optimizer(keras_model.optimizer),
        "loss": _own_loss(None) if loss is None else for_each(_own_loss, loss),
        "loss_weights": given["loss_weights"],
        "metrics": for_each(_own_metric, given["metrics"]),
        "weighted_metrics": for_each(_own_metric, given["weighted_metrics"]),
        "run_eagerly": given["run_eagerly"],
        "steps_per_execution": given["steps_per_execution"],
    }


def require_only_parts(given: Config) -> None:
    """Check that a Keras model was compiled with nothing that tinynet's `compile` lacks."""
    for option, value in given.items():
        if option not in (*PARTS, "jit_compile") and value != WITHOUT_EFFECT.get(option):
            raise ValueError(
                f"compile: {option}={value!r} is not in tinynet, whose compile has "
                f"{', '.join(PARTS)}"
            )


def _own_optimizer(theirs: Any) -> optimizers.Optimizer:
    where = "optimizer"
    optimizer = own_optimizer(configs.described(theirs, "keras.optimizers", where))
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


def own_optimizer(
    described: Config | str, custom: Custom = configs.unknown
) -> optimizers.Optimizer:
    """Make the optimizer of a Keras config, or of a name, as in files of early versions."""
    where = "optimizer"
    written = configs.own_config(described, where, custom)
    arguments = {} if isinstance(written, str) else written["config"]
    if isinstance(arguments.get("learning_rate"), float):
        rate = arguments["learning_rate"]
        arguments["learning_rate"] = configs.decimal(np.dtype(config.floatx()).type(rate), rate)
    with naming(where):
        return optimizers.get(written)


def _own_loss(theirs: Any) -> Any:
    if isinstance(theirs, str):
        return own_loss(theirs)
    described = configs.described(theirs, "keras.losses", "loss")
    # What a loss passes on to its function is not in every config: Huber's delta is missing.
    described["config"] |= {"dtype": theirs.dtype, **theirs._fn_kwargs}
    return own_loss(described)


def for_each(read: Callable[[Any], Any], given: Any) -> Any:
    """Read one loss or metric, or each in the lists and dicts that there are for outputs."""
    if isinstance(given, (list, tuple)):
        return [for_each(read, each) for each in given]
    if isinstance(given, Mapping) and "class_name" not in given:
        return {name: for_each(read, each) for name, each in given.items()}
    return None if given is None else read(given)


def own_loss(given: Any, custom: Custom = configs.unknown) -> losses.Loss:
    """Make the loss of a name or a Keras config."""
    where = "loss"
    written = configs.own_config(given, where, custom)
    with naming(where):
        found: losses.Loss = losses.loss_of(written)
    return found


def _own_metric(theirs: Any) -> Any:
    if not isinstance(theirs, str):
        theirs = configs.described(theirs, "keras.metrics", "metrics")
    return own_metrics([theirs])[0]


def own_metrics(given: Any, custom: Custom = configs.unknown) -> list[Any]:
    """Return metrics as tinynet's `compile` takes them: by name, or by config."""
    where = "metrics"
    choices = [configs.own_config(each, where, custom) for each in given or ()]
    with naming(where):
        for choice in choices:
            metrics.metric_of(choice)
    return choices
