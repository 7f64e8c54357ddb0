"""Which of Keras's public names are there? Walks them, and looks each up in tinynet.

    python -m parity_tests.keras_names

A name that is missing is asked for, and what the error says is the reason. What is there is
compared argument by argument. The page goes to docs/keras_names.md.
"""

from __future__ import annotations

import inspect
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import reduce
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import tinynet
from parity_tests.backend import keras
from tinynet.overriding import OF_LOSSES, OF_MODELS, OF_OPTIMIZERS
from tinynet.scope import OUT_OF_SCOPE, why_left_out
from tinynet.scripts.check import arguments_of

PAGE = Path(__file__).parents[1] / "docs" / "keras_names.md"
VERSION = "3.15.1"
MODULES = (
    "keras",
    "keras.models",
    "keras.layers",
    "keras.activations",
    "keras.initializers",
    "keras.regularizers",
    "keras.constraints",
    "keras.losses",
    "keras.metrics",
    "keras.optimizers",
    "keras.optimizers.schedules",
    "keras.callbacks",
    "keras.datasets",
    "keras.utils",
    "keras.saving",
    "keras.random",
    "keras.config",
    "keras.backend",
)
METHODS = ("compile", "fit", "evaluate", "predict")
# Modules of Keras's that are no names to be used: its source, and what it keeps of older versions.
INSIDE = ("legacy", "src")
OTHERS = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)

# Why an argument is left out, for all that have it or, with a dot, for one.
ARGUMENTS = {
    "activity_regularizer": "layers with weights have it",
    "autocast": "one float type for everything: `keras.config.set_floatx`",
    "axis": "classes are the last axis",
    "bounding_box_format": "no boxes",
    "data_format": "channels are last",
    "distribution_strategy": "one machine",
    "dtype": "one float type for everything: `keras.config.set_floatx`",
    "jit_compile": "every step is compiled, unless `run_eagerly=True`",
    "loss_scale_factor": "float32 or float64, nothing to scale",
    "lora_alpha": "no fine-tuning of large networks",
    "lora_rank": "no fine-tuning of large networks",
    "mask": "no masks",
    "max_shard_size": "the weights are one file",
    "quantization_config": "no quantized weights",
    "ragged": "every sample has the same shape",
    "sparse": "arrays have all their entries",
    "synchronized": "one machine",
    "tensor": "a model begins with a shape",
    "x": "it is called z, and is given by its place",
    "zero_output_for_mask": "no masks",
}


class Found(NamedTuple):
    """What became of a name: is it there, and if not, the sentence with which it is refused."""

    there: bool
    why: str = ""


def public(module: ModuleType) -> list[str]:
    """Return the names that a module of Keras offers."""
    return [name for name in dir(module) if not name.startswith("_") and name not in INSIDE]


def at(path: str, library: ModuleType) -> Any:
    """Return what a dotted name, "keras.layers.Dense", stands for in either library."""
    return reduce(getattr, path.split(".")[1:], library)


def look_up(path: str) -> Found:
    """Return what tinynet answers to a name of Keras's."""
    module, _, name = path.rpartition(".")
    try:
        home = at(module, tinynet)
        value = getattr(home, name)
    except AttributeError as error:
        why = why_left_out(path)
        return Found(False, why if why in str(error) else "")
    # A module without __all__ shows what it imports as well: those are no names of its own.
    origin = getattr(value, "__module__", None) or getattr(value, "__name__", "")
    return Found(origin.startswith("tinynet") or name in getattr(home, "__all__", ()))


def lacking(theirs: Callable[..., Any], ours: Callable[..., Any]) -> list[str]:
    """Return the arguments that Keras has and tinynet has not."""
    wanted = parameters(theirs)
    if inspect.isclass(theirs) and issubclass(theirs, keras.Layer) and takes_others(wanted):
        wanted = [*wanted, *parameters(keras.Layer)]  # which layers pass on
    taken, takes_any = arguments_of(ours)
    if takes_any or ours is tinynet.callbacks.LambdaCallback:  # any method of a callback's
        return []
    names = dict.fromkeys(each.name for each in wanted if each.kind not in OTHERS)
    return [name for name in names if name not in taken]


def parameters(called: Callable[..., Any]) -> list[inspect.Parameter]:
    """Return the parameters of a function or of a class's constructor."""
    function = called.__init__ if inspect.isclass(called) else called
    return list(inspect.signature(function).parameters.values())[inspect.isclass(called) :]


def takes_others(taken: list[inspect.Parameter]) -> bool:
    """Return whether there are more parameters than those with a name."""
    return any(each.kind is each.VAR_KEYWORD for each in taken)


def why_argument(piece: str, argument: str) -> str:
    """Return why an argument is left out, or nothing."""
    return ARGUMENTS.get(f"{piece}.{argument}") or ARGUMENTS.get(argument, "")


def pieces(there: dict[str, list[str]]) -> Iterator[tuple[str, str]]:
    """Return everything that is there and takes arguments, with its heading in the page."""
    for method in METHODS:
        yield f"Model.{method}", f"keras.Model.{method}"
    seen = set()
    for module in MODULES:
        for name in there[module]:
            value = at(f"{module}.{name}", keras)
            if callable(value) and id(value) not in seen:  # Keras has many under several names
                seen.add(id(value))
                yield f"{module}.{name}".removeprefix("keras."), f"{module}.{name}"


def page() -> str:
    """Return the text of docs/keras_names.md."""
    there: dict[str, list[str]] = defaultdict(list)
    refused: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    absent: dict[str, list[str]] = defaultdict(list)
    for module in MODULES:
        for name in public(at(module, keras)):
            found = look_up(f"{module}.{name}")
            if found.there:
                there[module].append(name)
            elif found.why:
                refused[module][found.why].append(name)
            else:
                absent[module].append(name)
    counts = {
        module: (
            len(there[module]),
            sum(map(len, refused[module].values())),
            len(absent[module]),
        )
        for module in MODULES
    }
    return "\n".join(
        [
            "# Keras's names",
            "",
            f"These are the public names of Keras {VERSION}. Each is *there*; or *refused*, which",
            "means left out on purpose, and the error says why; or *absent*: nobody has needed it",
            "here so far. Written by `python -m parity_tests.keras_names`, which looks every name",
            "up in both libraries; not edited.",
            "",
            "A function of your own can be a loss, a metric, an activation, an initializer or a",
            "constraint. It cannot be a regularizer, whose derivative is needed: derive a class",
            "from `Regularizer`, with `__call__(self, x)` and `gradient(self, x)`.",
            "",
            *table(
                ["", "there", "refused", "absent"],
                [[f"`{module}`", *map(str, counts[module])] for module in MODULES]
                + [["all", *(str(sum(column)) for column in zip(*counts.values(), strict=True))]],
            ),
            "",
            *(
                line
                for module in MODULES
                for line in section(module, there[module], refused[module], absent[module])
            ),
            *arguments_section(there),
            *overriding_section(),
        ]
    )


def section(
    module: str, there: list[str], refused: dict[str, list[str]], absent: list[str]
) -> list[str]:
    """Return the lines about a module's names."""
    lines = [f"## `{module}`", ""]
    if there:
        lines += [f"**There:** {listed(there)}", ""]
    if refused:
        lines += ["**Refused:**", ""]
        lines += [f"- {listed(refused[why])}: {why}" for _, why in OUT_OF_SCOPE if why in refused]
        lines += [""]
    if absent:
        lines += [f"**Absent:** {listed(absent)}", ""]
    return lines


def arguments_section(there: dict[str, list[str]]) -> list[str]:
    """Return the lines about the arguments of everything that is there."""
    rows, complete, left_out = [], [], defaultdict(list)
    for piece, path in pieces(there):
        missing = lacking(at(path, keras), at(path, tinynet))
        for name in missing:
            if why := why_argument(piece, name):
                left_out[name, why].append(piece)
        absent = [name for name in missing if not why_argument(piece, name)]
        if absent:
            rows.append([f"`{piece}`", listed(absent)])
        else:
            complete.append(piece)
    return [
        "## Arguments",
        "",
        "What is there takes Keras's arguments, each under its name, except these, which an error",
        "names. Left out on purpose:",
        "",
        *table(
            ["argument", "because", "in"],
            [[f"`{name}`", why, some(where)] for (name, why), where in sorted(left_out.items())],
        ),
        "",
        "Absent:",
        "",
        *table(["", "absent"], rows),
        "",
        f"Nothing is absent in {len(complete)} others.",
        "",
    ]


def overriding_section() -> list[str]:
    """Return the lines about the methods of Keras's that a subclass may not override alone."""
    rows = [
        ["layer", "`call`, `__call__`", "define `forward(x, training)` and `backward(dout)`"],
        ["`Model(inputs, outputs)`, `Sequential`", "`call`", "put what it does into the outputs"],
    ]
    for kind, names in (("model", OF_MODELS), ("optimizer", OF_OPTIMIZERS), ("loss", OF_LOSSES)):
        alike = defaultdict(list)
        for name, (_, instead) in names.items():
            alike[instead].append(name)
        rows += [[kind, listed(methods), instead] for instead, methods in alike.items()]
    rows += [["regularizer", "`__call__`", "define `gradient(x)`, too"]]
    return [
        "## Methods of a class of one's own",
        "",
        "A subclass that overrides one of these, as it would for Keras, is refused with an error,",
        "because tinynet does not call it, or not it alone:",
        "",
        *table(["of a", "method", "instead"], rows),
        "",
        "A `Model` of one's own without inputs and outputs has a `call`, which is run once, on",
        "tensors without numbers; a `train_step(batch)` may call a `compute_loss` of its class. A",
        "loss with a `call(y_true, y_pred)` is trained with, and called by hand, as in Keras, also",
        "if it extends another one and calls `super().call`; its gradient is measured.",
        "",
    ]


def some(names: list[str]) -> str:
    """Return names as code, or how many there are."""
    return listed(names) if len(names) < 4 else f"{len(names)} of them"


def listed(names: list[str]) -> str:
    """Return names as code, with commas between them."""
    return ", ".join(f"`{name}`" for name in names)


def table(head: list[str], rows: list[list[str]]) -> list[str]:
    """Return the lines of a Markdown table."""
    return [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows)]


def main() -> int:
    """Write the page; an error if Keras is of another version."""
    if keras.__version__ != VERSION:
        print(f"the page is about Keras {VERSION}, here is {keras.__version__}")
        return 1
    tinynet.files.write_atomically(PAGE, page())
    return 0


if __name__ == "__main__":
    sys.exit(main())
