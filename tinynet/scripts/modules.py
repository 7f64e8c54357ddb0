"""What a script gets when it imports Keras or TensorFlow: modules that look in tinynet.

Every name has one home. `PARTS` says, for each module of Keras, where in tinynet its names are;
those of older versions of Keras, such as ``keras.layers.core``, lead to the same places.
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import FrameType, ModuleType
from typing import Any, NamedTuple

from tinynet.scope import what_to_write, why_left_out
from tinynet.scripts.tensors import answer_with_tensors

# The versions whose names and behavior are meant; scripts print and compare them.
VERSIONS = {"keras": "3.15.1", "tensorflow": "2.21.0"}

# Names under which Keras is imported, the longest first.
KERAS = ("tensorflow.python.keras", "tensorflow.keras", "tf_keras", "keras")
TUNER = ("kerastuner", "keras_tuner")
# Packages that stand on Keras: importing one says what to do instead.
REFUSED = (
    "keras_cv",
    "keras_hub",
    "scikeras",
    "tensorflow_addons",
    "tensorflow_datasets",
    "tensorflow_hub",
    "tensorflow_probability",
)
TOPS = {*(name.partition(".")[0] for name in (*KERAS, *TUNER)), *REFUSED}

LAYERS = ("tinynet.layers",)
TENSORS = ("tinynet.scripts.tensors",)
TUNING = ("tinynet.interop.keras_tuner",)


# What scripts' own losses and metrics are made of.
ARITHMETIC = (
    *("abs", "equal", "exp", "greater", "greater_equal", "less", "less_equal", "maximum"),
    *("minimum", "not_equal", "ones_like", "reshape", "round", "sign", "square", "tanh"),
    "zeros_like",
)
OF_TWO = ("add", "divide", "logical_and", "logical_not", "logical_or", "multiply", "subtract")
OF_TENSORFLOW = (*ARITHMETIC, *OF_TWO, "clip_by_value", "pow", "reduce_min", "where")
REDUCTIONS = ("argmax", "argmin", "max", "mean", "min", "sum")
OF_BACKEND = (
    *("backend", "clear_session", "epsilon", "floatx", "get_value", "image_data_format"),
    *("set_epsilon", "set_floatx", "set_image_data_format", "set_value", "cast", "constant"),
    *("expand_dims", *ARITHMETIC, *REDUCTIONS, "batch_flatten", "binary_crossentropy"),
    *(
        "categorical_crossentropy",
        "clip",
        "cos",
        "flatten",
        "log",
        "pow",
        "sin",
        "sqrt",
        "squeeze",
        "std",
        "var",
    ),
)
OF_OPS = (
    *(*ARITHMETIC, *OF_TWO, *REDUCTIONS, "arange", "cast", "clip", "concatenate", "cos"),
    *("convert_to_numpy", "convert_to_tensor", "expand_dims", "log", "log1p", "matmul", "one_hot"),
    *("ones", "power", "relu", "shape", "sigmoid", "sin", "softmax", "sqrt", "squeeze", "stack"),
    *("transpose", "where", "zeros"),
)


class Part(NamedTuple):
    """Where the names of a module are: the modules of tinynet, and which of their names."""

    homes: tuple[str, ...] = ()
    names: tuple[str, ...] | None = None  # None: all public ones


def _under(path: str, *names: str, homes: tuple[str, ...]) -> dict[str, Part]:
    return {f"{path}.{name}": Part(homes) for name in names}


PARTS: dict[str, Part] = {
    "keras": Part(("tinynet",)),
    **{
        f"keras.{name}": Part((f"tinynet.{name}",))
        for name in (
            "activations",
            "callbacks",
            "config",
            "constraints",
            "datasets",
            "datasets.cifar10",
            "datasets.fashion_mnist",
            "datasets.kmnist",
            "datasets.mnist",
            "initializers",
            "layers",
            "losses",
            "metrics",
            "models",
            "optimizers",
            "optimizers.schedules",
            "random",
            "regularizers",
            "saving",
        )
    },
    "keras.utils": Part(("tinynet.scripts.folders", "tinynet.utils")),
    "keras.backend": Part(("tinynet.backend", "tinynet.scripts.arithmetic", *TENSORS), OF_BACKEND),
    "keras.ops": Part(("tinynet.scripts.ops", "tinynet.scripts.arithmetic", *TENSORS), OF_OPS),
    # Older layouts.
    **_under(
        "keras.layers",
        "advanced_activations",
        "convolutional",
        "core",
        "experimental",
        "experimental.preprocessing",
        "merge",
        "noise",
        "normalization",
        "pooling",
        "preprocessing",
        homes=LAYERS,
    ),
    **_under(
        "keras.utils",
        "data_utils",
        "generic_utils",
        "layer_utils",
        "np_utils",
        "vis_utils",
        homes=("tinynet.utils",),
    ),
    **_under(
        "keras.optimizers",
        "adam_v2",
        "experimental",
        "gradient_descent_v2",
        "legacy",
        "rmsprop_v2",
        homes=("tinynet.optimizers",),
    ),
    "keras.preprocessing": Part(
        ("tinynet.scripts.folders", "tinynet.preprocessing", "tinynet.utils")
    ),
    "keras.preprocessing.image": Part(
        ("tinynet.preprocessing.image", "tinynet.preprocessing", "tinynet.utils")
    ),
    "keras.engine": Part(),
    "keras.engine.topology": Part(LAYERS),
    "keras.engine.training": Part(("tinynet.models",)),
    # TensorFlow.
    "tensorflow": Part(
        (*TENSORS, "tinynet.scripts.arithmetic"),
        (
            *OF_TENSORFLOW,
            "argmax",
            "bool",
            "cast",
            "constant",
            "convert_to_tensor",
            "executing_eagerly",
            "expand_dims",
            "float32",
            "float64",
            "get_logger",
            "int32",
            "int64",
            "newaxis",
            "one_hot",
            "reduce_max",
            "reduce_mean",
            "reduce_sum",
            "string",
            "uint8",
        ),
    ),
    "tensorflow.config": Part(
        TENSORS, ("list_logical_devices", "list_physical_devices", "set_visible_devices")
    ),
    "tensorflow.config.experimental": Part(
        TENSORS, ("get_memory_growth", "list_physical_devices", "set_memory_growth")
    ),
    "tensorflow.data": Part(("tinynet.scripts.pipelines",), ("AUTOTUNE", "Dataset")),
    "tensorflow.data.experimental": Part(
        ("tinynet.scripts.pipelines",), ("AUTOTUNE", "INFINITE_CARDINALITY", "cardinality")
    ),
    "tensorflow.math": Part(
        (*TENSORS, "tinynet.scripts.arithmetic"),
        (
            *(*OF_TENSORFLOW, "argmax", "confusion_matrix", "log", "reduce_max", "reduce_mean"),
            "reduce_sum",
        ),
    ),
    **{  # TensorFlow has them twice
        f"tensorflow.{name}": Part((f"tinynet.{name}",))
        for name in ("initializers", "losses", "metrics", "optimizers", "optimizers.schedules")
    },
    "tensorflow.nn": Part(("tinynet.activations",), ("relu", "sigmoid", "softmax", "tanh", "elu")),
    "tensorflow.python": Part(),
    "tensorflow.random": Part(TENSORS, ("set_seed",)),
    "tensorflow.test": Part(TENSORS, ("gpu_device_name", "is_built_with_cuda", "is_gpu_available")),
    "keras_tuner": Part(TUNING),
    **_under(
        "keras_tuner",
        "engine",
        "engine.hypermodel",
        "engine.hyperparameters",
        "tuners",
        homes=TUNING,
    ),
}


class MissingError(Exception):
    """A name that a script uses and the stand-in lacks; the text says what there is instead."""


def canonical(name: str) -> str:
    """Return a dotted name as `PARTS` has it: "tensorflow.keras.layers" is "keras.layers"."""
    for names in (KERAS, TUNER):
        for each in names:
            if name == each or name.startswith(f"{each}."):
                return names[-1] + name[len(each) :]
    return name


def find(path: str) -> Any:
    """Return what a canonical dotted name stands for: a module, a class, a function, a value.

    Raises
    ------
    MissingError
        If there is no such name in the module; if it exists, but an attribute of it does not,
        `AttributeError`.
    """
    module = path
    while module not in PARTS:
        module, dot, _ = module.rpartition(".")
        if not dot:
            raise MissingError(explained(path))
    found: Any = module_of(module)
    rest = path[len(module) + 1 :].split(".") if path != module else []
    for number, name in enumerate(rest):
        found = look_up(module, name) if number == 0 else getattr(found, name)
    return found


def look_up(module: str, name: str) -> Any:
    """Return what a name in a module of `PARTS` stands for.

    Raises
    ------
    MissingError
        If the stand-in has no such name.
    """
    path = canonical(f"{module}.{name}")
    if path in PARTS and _exists(path):
        return module_of(path)
    part = PARTS[module]
    if part.names is None or name in part.names:
        for home in _homes(part):
            found = getattr(home, name, MissingError)
            if found is not MissingError and not isinstance(found, ModuleType):
                return found
    raise MissingError(explained(path))


@cache
def module_of(path: str) -> StandIn:
    """Return the module of `PARTS` with this name; there is one, however it is imported."""
    return StandIn(path)


class StandIn(ModuleType):
    """A module whose names are looked up in tinynet when a script asks for them."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.__path__: list[str] = []  # it has modules in it, but no folder
        if path in VERSIONS:
            self.__version__ = VERSIONS[path]

    def __getattr__(self, name: str) -> Any:
        if name == "__all__":
            return names_in(self.__name__)
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            found = look_up(self.__name__, name)
        except MissingError as error:
            raise AttributeError(f"{_place()}{error}") from None
        setattr(self, name, found)
        return found

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *names_in(self.__name__)]

    def __repr__(self) -> str:
        return f"<module {self.__name__!r}, for which tinynet stands in>"


class Finder(MetaPathFinder, Loader):
    """Answers ``import keras`` and ``import tensorflow``, whatever is installed."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Claim every module of the packages that tinynet stands in for."""
        if fullname.partition(".")[0] not in TOPS:
            return None
        return ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Return the stand-in for a module; raise ImportError where there is none."""
        path = canonical(spec.name)
        if path not in PARTS or not _exists(path):
            raise ImportError(f"{_place()}{explained(path)}", name=spec.name)
        return module_of(path)

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing: names are looked up when they are used."""


def standin() -> None:
    """Let tinynet stand in for Keras and TensorFlow until this process ends.

    After it, ``import keras``, ``import tensorflow as tf``, ``from tensorflow.keras.layers import
    Dense`` and the like give tinynet, whether or not these packages are installed. A name that
    is missing raises an ImportError or AttributeError with the line that asked for it, and says
    what there is instead.

    Raises
    ------
    RuntimeError
        If Keras or TensorFlow itself has been imported already. In a notebook, restart the kernel
        and call this first.

    Notes
    -----
    ``python -m tinynet run script.py`` does the same for a file.
    """
    loaded = sorted(
        name for name in TOPS & set(sys.modules) if not isinstance(sys.modules[name], StandIn)
    )
    if loaded:
        raise RuntimeError(
            f"standin: {' and '.join(loaded)} imported already; call tinynet.standin() before "
            f"that, in a fresh process (in a notebook: restart the kernel)"
        )
    if not any(isinstance(each, Finder) for each in sys.meta_path):
        sys.meta_path.insert(0, Finder())
        answer_with_tensors()


def names_in(module: str) -> list[str]:
    """Return the public names of a module of `PARTS`, without the modules in it."""
    part = PARTS[module]
    if part.names is not None:
        return list(part.names)
    return sorted({name for home in _homes(part) for name in _public(home)})


def explained(path: str) -> str:
    """Return what is missing, why, and what there is instead, in one line."""
    tensorflow = path.partition(".")[0] == "tensorflow"
    shown = path.replace("tensorflow", "tf", 1) if tensorflow else path
    why = why_left_out(path)
    if tensorflow and not why:
        return f"{shown}: tinynet is no TensorFlow; write {what_to_write(path)}"
    nearest = "" if tensorflow else _nearest(path)
    said = [f"{shown} is not in tinynet", *([why] if why else []), *([nearest] if nearest else [])]
    return "; ".join(said)


def _nearest(path: str) -> str:
    """Return which names are like a missing one, in its module or under the same name elsewhere."""
    module, _, name = path.rpartition(".")
    elsewhere = sorted(
        other
        for other in PARTS
        if other.count(".") < 2 and other.startswith("keras.") and name in names_in(other)
    )
    if elsewhere:
        return f"there is {elsewhere[0]}.{name}"
    if module not in PARTS:
        return ""
    names = {each.lower(): each for each in names_in(module)}
    close = difflib.get_close_matches(name.lower(), names, n=1, cutoff=0.7)
    return f"there is {module}.{names[close[0]]}" if close else ""


def _homes(part: Part) -> Iterator[ModuleType]:
    for home in part.homes:
        if _is_there(home):
            yield import_module(home)


def _exists(path: str) -> bool:
    """Return whether the stand-in has a module: one with homes has to have one in tinynet."""
    homes = PARTS[path].homes
    return not homes or any(map(_is_there, homes))


@cache
def _is_there(home: str) -> bool:
    try:
        return find_spec(home) is not None
    except ModuleNotFoundError:
        return False


def _public(home: ModuleType) -> list[str]:
    """Return a module's own names; without ``__all__``, what tinynet has defined in it."""
    if hasattr(home, "__all__"):
        names = [*home.__all__, *getattr(home, "ALSO", ())]
        return [name for name in names if not _is_there(f"{home.__name__}.{name}")]
    return [
        name
        for name, value in vars(home).items()
        if not name.startswith("_") and getattr(value, "__module__", None) == home.__name__
    ]


def _place() -> str:
    """Return the line of the script that asks: the nearest one that is not of this part."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        name = frame.f_globals.get("__name__", "")
        if not name.startswith(("tinynet.scripts", "importlib", "_frozen")):
            return f"{frame.f_code.co_filename}, line {frame.f_lineno}: "
        frame = frame.f_back
    return ""
