"""A model's architecture and what it was compiled with, as Keras writes them in JSON."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from tinynet import config
from tinynet.configurable import is_own
from tinynet.custom_objects import (
    get_custom_objects,
    get_registered_name,
    get_registered_object,
)
from tinynet.described import (
    BASE,
    BUILT,
    as_built,
    base_of,
    beside,
    given_beside,
    is_by_class,
    makes_itself,
    number_shared,
    with_batch_axis,
)
from tinynet.interop import compiled, configs
from tinynet.interop.configs import COUNTERPARTS, Config
from tinynet.interop.keras_files import custom
from tinynet.layers import InputLayer
from tinynet.stack import Network, Stack
from tinynet.training import Trainer

# What Keras calls the classes of models, and which of them are here.
NETWORKS = {"Sequential": "Sequential", "Functional": "Model"}
# What it says of every one, beside what a class of the user's takes.
SAID = {"name", "trainable", "dtype", "layers", "build_input_shape"} | {
    *("input_layers", "output_layers"),
}
SHARED = "shared_object_id"  # Keras's name for the number of a layer that several models have
# The modules that the older form, of ``.h5``, leaves out.
MODULES = {
    "optimizer": "keras.optimizers",
    "loss": "keras.losses",
    "metrics": "keras.metrics",
    "weighted_metrics": "keras.metrics",
}
OF_MODULE = "of_module"  # a key of tinynet's own, so that a class of the user's may have any name


def keras_form(model: Trainer, with_parts: bool) -> Config:
    """Write a model as ``keras.saving.serialize_keras_object`` does.

    Parameters
    ----------
    model : Model
    with_parts : bool
        Whether to write what it was compiled with.

    Raises
    ------
    ValueError
        If it has a part that cannot be written.
    """
    written = _network(model)
    if not is_by_class(model):
        number_shared(model.layers, written["config"]["layers"], SHARED)
    if with_parts:
        parts = compiled.parts_for_keras(model, custom.written)
        written["compile_config"] = {**compiled.WITHOUT_EFFECT, **parts, "jit_compile": "auto"}
    return written


def _network(model: Network) -> Config:
    if is_by_class(model):
        shape = {"input_shape": with_batch_axis(model.sample_shape)}
        written = custom.written(model, model.name)
        return {**written, "build_config": shape, BUILT: as_built(model)}
    if isinstance(model, Stack):
        written = configs.keras_object("keras", "Sequential", _stack(model))
    else:
        written = configs.keras_object("keras.src.models.functional", "Functional", _graph(model))
        written["registered_name"] = "Functional"
    kind = type(model)
    if is_own(kind):
        return written
    return {
        "module": kind.__module__,
        "class_name": kind.__name__,
        "config": written["config"] | given_beside(model).get("given", {}),
        "registered_name": get_registered_name(kind),
        BASE: base_of(kind),
    }


def _stack(model: Stack) -> Config:
    layers = [_layer(each) for each in model.layers]
    if model.sample_shape is not None:
        begin = InputLayer(model.sample_shape, None, model.input_dtype, model.input_name)
        layers.insert(0, _layer(begin))
    return {
        "name": model.name,
        "trainable": model.trainable,
        "dtype": config.floatx(),
        "layers": layers,
        "build_input_shape": model.input_shape and list(model.input_shape),
    }


def _layer(layer: Any) -> Any:
    if isinstance(layer, Network):  # a model as a layer of another
        return _network(layer)
    if isinstance(layer, InputLayer):
        options = {
            "batch_shape": list(layer.batch_shape),
            "dtype": layer.dtype,
            "sparse": False,
            "ragged": False,
            "name": layer.name,
            "optional": False,
        }
        return configs.keras_object("keras.layers", "InputLayer", options)
    written = configs.keras_config(layer, layer.name, custom.written)
    return written if is_own(type(layer)) else {**written, **beside(layer)}


# A graph: Keras says of every call of a layer (a node) which calls its tensors come from; here the
# tensors have numbers.


def _graph(model: Any) -> Config:
    shapes = model.shapes_of_tensors(model.sample_shape)
    history = {number: [layer.name, 0, 0] for number, layer in enumerate(model.begins)}
    nodes: dict[str, list[Config]] = {layer.name: [] for layer in model.layers}

    def tensor(number: int) -> Config:
        about = {"shape": [None, *shapes[number]], "dtype": config.floatx()}
        about["keras_history"] = history[number]
        return {"class_name": "__keras_tensor__", "config": about}

    for wire in model.wires:
        name = wire.layer.name
        for i, number in enumerate(wire.gives):
            history[number] = [name, len(nodes[name]), i]
        given = [tensor(number) for number in wire.takes]
        nodes[name].append({"args": [given if wire.as_list else given[0]], "kwargs": {}})
    begins = [history[number] for number in range(len(model.begins))]
    begun = {each.name for each in model.layers if _has_a_call(type(each))}
    wanted = [history[number] for number in model.wanted]
    ends: Any = [[name, node + (name in begun), i] for name, node, i in wanted]
    if model.keys:
        ends = model.as_given(ends)
    elif len(ends) == 1:
        ends = ends[0]
    return {
        "name": model.name,
        "trainable": model.trainable,
        "layers": [
            {**_layer(each), "name": each.name, "inbound_nodes": nodes[each.name]}
            for each in model.layers
        ],
        "input_layers": begins if len(begins) > 1 else begins[0],
        "output_layers": ends,
    }


def _has_a_call(kind: Any) -> bool:
    """Return whether Keras counts a call of a model before all others, for the ends of a graph.

    It does if the model is a graph, which has been called on its own inputs.
    """
    if not (isinstance(kind, type) and issubclass(kind, Network)):
        return False
    return not (issubclass(kind, Stack) or hasattr(kind, "call"))


def own_form(written: Any) -> Config:
    """Turn what Keras wrote about a model into what `get_config` returns: with wires for a graph.

    For a class of the user's, it is what `tinynet.described.layer_config` returns.

    Raises
    ------
    ValueError
        If it is another kind of model, or has a part that tinynet lacks.
    """
    kind = written.get("class_name") if isinstance(written, dict) else written
    base = base_in(written) if isinstance(kind, str) else None
    if base is None:
        if isinstance(kind, str) and _is_by_class(written):
            return _own_by_class(written)
        raise ValueError(f"expected a Sequential or a Functional model, got {kind}")
    given = written["config"]
    own = _own_stack(given) if base == "Sequential" else _own_graph(given)
    if not _is_foreign(written):
        return own
    return {
        "class_name": written.get("registered_name") or kind,
        "module": str(written.get("module") or "__main__"),
        "config": {**own, "given": {key: given[key] for key in given.keys() - SAID}},
        BASE: base,
    }


def base_in(written: Mapping[str, Any]) -> str | None:
    """Return the class here of a model that is described by its layers; None for other things.

    For a class of the user's, it is the one that this is derived from.
    """
    if not _is_foreign(written):
        return NETWORKS.get(written["class_name"])
    if BASE in written:
        return str(written[BASE])
    found = get_registered_object(_full_name(written))
    if not (isinstance(found, type) and issubclass(found, Network)) or makes_itself(found):
        return None
    return base_of(found) if "layers" in (written.get("config") or {}) else None


def _full_name(written: Mapping[str, Any]) -> str:
    return str(written.get("registered_name") or written["class_name"])


def _is_foreign(written: Mapping[str, Any]) -> bool:
    """Return whether something is of a class of the user's, even if that has a name of Keras's."""
    module = str(written.get("module") or "keras").partition(".")[0]
    return BASE in written or written["class_name"] not in NETWORKS or module != "keras"


def _own_stack(given: Config) -> Config:
    layers = list(given["layers"])
    shape, name, dtype = given.get("build_input_shape"), "input_layer", ""
    shape = None if shape is None else list(shape[1:])
    if layers and layers[0]["class_name"] == "InputLayer":
        shape, name, dtype = _own_input(layers.pop(0)["config"])
    return {
        "name": given["name"],
        "input_shape": shape,
        "input_name": name,
        "input_dtype": dtype,
        "layers": [_own_layer(each) for each in layers],
    }


def _is_by_class(written: Config) -> bool:
    """Return whether a model is of a class of the user's, which makes it."""
    name = written.get("registered_name") or written["class_name"]
    if not isinstance(written.get("config"), dict):
        return False
    module = str(written.get("module") or "keras").partition(".")[0]
    known = isinstance(name, str) and get_registered_object(name) is not None
    return BUILT in written or known or module != "keras"


def _own_by_class(written: Config) -> Config:
    found = custom.read(written, str(written["class_name"]))
    if BUILT in written:
        return {**found, BUILT: written[BUILT]}
    shape = (written.get("build_config") or {}).get("input_shape")
    if shape:
        several = isinstance(shape[0], list)
        shape = [each[1:] for each in shape] if several else shape[1:]
    name = {"name": written["name"]} if "name" in written else {}
    return {**found, BUILT: {"input_shape": shape, **name}}


def _own_input(given: Config) -> tuple[list[int], str, str]:
    if "batch_shape" not in given:
        raise ValueError(
            f"{given['name']}: expected batch_shape, got {', '.join(given)}, as Keras 2 wrote it; "
            f"make the model here, and load its weights alone: model.load_weights(filepath)"
        )
    # A model that was called on 24 samples says that batches have 24, but Keras takes others.
    return configs.own_input({**given, "batch_shape": [None, *given["batch_shape"][1:]]})


def _own_layer(written: Config) -> Any:
    own = _own_alone(written)
    if "module" in own and own.keys().isdisjoint((BASE, BUILT)):
        own |= {key: written[key] for key in ("name", "trainable") if key in written}
    shape = (written.get("build_config") or {}).get("input_shape")
    if isinstance(shape, list) and all(type(size) is int for size in shape[1:]):
        own = {**own, "built_for": shape[1:]}
    return {**own, "shared": written[SHARED]} if SHARED in written else own


def _own_alone(written: Config) -> Config:
    kind = written["class_name"]
    base = base_in(written)
    if base:
        own = own_form(written)
        return own if BASE in own else {"class_name": base, "config": own}
    if kind == "InputLayer":
        shape, name, dtype = _own_input(written["config"])
        return {"class_name": kind, "config": {"shape": shape, "name": name, "dtype": dtype}}
    if BUILT in written:
        return _own_by_class(written)
    found: Config = configs.own_config(written, str(written["config"].get("name")), custom.read)
    return found


def _own_graph(given: Config) -> Config:
    layers = {each["name"]: _own_layer(each) for each in given["layers"]}
    first = given["input_layers"]
    if isinstance(first, dict) and all(key == begin[0] for key, begin in first.items()):
        first = [first[key] for key in sorted(first)]
    begins = _histories(first)
    numbers = {each: number for number, each in enumerate(begins)}
    nodes, users = {}, defaultdict(list)
    most: dict[tuple[str, int], int] = defaultdict(lambda: 1)
    for each in given["layers"]:
        for i, node in enumerate(each["inbound_nodes"]):
            takes, as_list = _taken(node, each["name"])
            nodes[each["name"], i] = takes, as_list
            for source in {history[:2] for history in takes}:
                users[source].append((each["name"], i))
            for name, call, place in takes:  # Keras says of no layer how many outputs it has
                most[name, call] = max(most[name, call], place + 1)
    ends, keys = given["output_layers"], {}
    if isinstance(ends, dict):
        ends, keys = [ends[key] for key in sorted(ends)], {"keys": list(ends)}
    ends = _without_first_calls(_histories(ends), given, users)
    for name, call, place in ends:
        most[name, call] = max(most[name, call], place + 1)
    missing = {key: len({history[:2] for history in takes}) for key, (takes, _) in nodes.items()}
    wires, ready = [], [history[:2] for history in begins]
    for key in ready:  # grows while it is gone through: each call after those that it waits for
        if key in nodes:
            takes, as_list = nodes[key]
            layer = layers[key[0]]
            outputs = len(layer["config"].get("wanted", range(most[key])))
            outputs = layer.get(BUILT, {}).get("outputs", outputs)
            gives = [len(numbers) + i for i in range(outputs)]
            wires.append([key[0], [numbers[history] for history in takes], gives, as_list])
            numbers |= {(*key, i): number for i, number in enumerate(gives)}
        for user in users[key]:
            missing[user] -= 1
            if not missing[user]:
                ready.append(user)
    return {
        "name": given["name"],
        "trainable": given.get("trainable", True),
        "layers": list(layers.values()),
        "begins": [name for name, *_ in begins],
        "wires": wires,
        "wanted": [numbers[each] for each in ends],
        **keys,
    }


def _without_first_calls(
    ends: list[tuple[str, int, int]], given: Config, users: Mapping[tuple[str, int], Any]
) -> list[tuple[str, int, int]]:
    """Return the ends of a graph, with calls numbered as elsewhere: without that of a model alone.

    In older files of tinynet's they were. There, the last call is one that nobody takes from.
    """
    begun = {
        each["name"]: len(each["inbound_nodes"])
        for each in given["layers"]
        if base_in(each) == "Model" or _has_a_call(get_registered_object(_full_name(each)))
    }
    found, there = [], {end[:2] for end in ends}
    for name, node, i in ends:
        older = node == 0 or (
            node < begun.get(name, 0) and not users[name, node] and (name, node + 1) not in there
        )
        found.append((name, node if older or name not in begun else node - 1, i))
    return found


def _histories(given: Any) -> list[tuple[str, int, int]]:
    """Return where some tensors come from: layer, call, place among the outputs."""
    if isinstance(given, dict):
        raise ValueError("inputs under other keys than their names are not in tinynet")
    found = [given] if given and isinstance(given[0], str) else given
    return [(str(name), int(node), int(tensor)) for name, node, tensor in found]


def _taken(node: Config, name: str) -> tuple[list[tuple[str, int, int]], bool]:
    """Return where the tensors of a call come from, and whether they are given as a list."""
    options = {key: value for key, value in node["kwargs"].items() if not _is_nothing(key, value)}
    if len(node["args"]) != 1 or options:
        raise ValueError(f"{name}: called with {options or node['args']} is not in tinynet")
    given = node["args"][0]
    tensors = given if isinstance(given, list) else [given]
    return _histories([each["config"]["keras_history"] for each in tensors]), tensors is given


def _is_nothing(key: str, value: Any) -> bool:
    """Return whether an option of a call is one that Keras notes although nobody gave it.

    These are no masks, one for each input, and what a layer does as long as `fit` does not say
    that it is trained.
    """
    if isinstance(value, list):
        return all(_is_nothing(key, each) for each in value)
    return value is None or (key == "training" and value is False)


def own_parts(given: Config | None) -> Config:
    """Return what tinynet's `compile` has to be given, from what Keras's was.

    Raises
    ------
    ValueError
        If there is a part or an option that tinynet lacks.
    """
    if not given:
        return {}
    compiled.require_only_parts(given)
    if given["loss"] is None:
        raise ValueError("the model was compiled without a loss; read it with compile=False")

    def metric(each: Any) -> Any:
        return compiled.own_metrics([each], custom.read_metric)[0]

    return {
        "optimizer": compiled.own_optimizer(given["optimizer"], custom.read),
        "loss": compiled.for_each(
            lambda each: compiled.own_loss(each, custom.read_loss), given["loss"]
        ),
        "loss_weights": given.get("loss_weights"),
        "metrics": compiled.for_each(metric, given["metrics"]),
        "weighted_metrics": compiled.for_each(metric, given["weighted_metrics"]),
        "run_eagerly": given.get("run_eagerly", False),
        "steps_per_execution": given.get("steps_per_execution", 1),
    }


# The older form, of .h5: layers, losses and the like without the module they are from.


def older_form(written: Config) -> tuple[Config, Config | None]:
    """Return the texts ``model_config`` and ``training_config`` of an ``.h5`` file, as values."""
    by_class = written.get(BUILT)
    layers = by_class["layers"] if by_class else written["config"]["layers"]
    if any("layers" in each if by_class else _is_network(each) for each in layers):
        raise ValueError("a model as a layer of another is not written as .h5; save it as .keras")
    model, kind = written["config"], written["class_name"]
    own = {key: written[key] for key in (BASE, BUILT) if key in written}
    if own:
        kind = written["registered_name"]
    if not by_class:
        model = {**model, "layers": [_short(each) for each in layers]}
    parts = written.get("compile_config")
    if parts is not None:
        parts = {key: _nested(_short, value) for key, value in parts.items()}
        parts["optimizer_config"] = parts.pop("optimizer")
    return {"class_name": kind, "config": model, **own}, parts


def _is_network(written: Config) -> bool:
    return base_in(written) is not None or BUILT in written


def newer_form(model: Config, parts: Config | None) -> Config:
    """Undo `older_form`; Keras also writes models as layers of others in this form."""
    written = _newer_model(model)
    if parts is not None:
        parts = {**parts, "optimizer": parts["optimizer_config"]}
        del parts["optimizer_config"]
        for key, module in MODULES.items():
            parts[key] = _nested(partial(_with_module, module=module), parts.get(key))
        written["compile_config"] = parts
    return written


def _newer_model(model: Config) -> Config:
    if base_in(model) is None:
        return model
    layers = [
        _newer_model(each) if base_in(each) else _with_module(each, "keras.layers")
        for each in model["config"]["layers"]
    ]
    return {**model, "config": {**model["config"], "layers": layers}}


def _nested(function: Callable[[Any], Any], value: Any) -> Any:
    """Call a function with each object in nested lists and in dicts by the names of outputs."""
    if isinstance(value, list):
        return [_nested(function, each) for each in value]
    if isinstance(value, dict) and "class_name" not in value:
        return {name: _nested(function, each) for name, each in value.items()}
    return function(value)


def _short(value: Any) -> Any:
    """Have the module of an object where only tinynet looks; a function becomes its name."""
    if not isinstance(value, dict):
        return value
    if value["class_name"] == "function":
        return value["config"]
    name = value["registered_name"] or value["class_name"]
    keys = ("config", "name", "trainable", "inbound_nodes")
    kept = {key: value[key] for key in keys if key in value}
    return {"class_name": name, **kept, OF_MODULE: value["module"]}


def _with_module(value: Any, module: str) -> Any:
    """Say which module an object is from, if it does not; one of the user's own is from none."""
    if isinstance(value, str):
        return value if _is_keras(value, module) else custom.function_form(value)
    if not isinstance(value, Mapping) or "module" in value:
        return value
    found = module if _is_keras(value["class_name"], module) else None
    return {"module": value.get(OF_MODULE, found), "registered_name": None, **value}


def _is_keras(name: str, module: str) -> bool:
    """Return whether a name without a module is Keras's: one that is lent comes first.

    What is registered does not, because a file has its full name, with the package.
    """
    lent = get_registered_object(name)
    packed = any(each is lent and ">" in full for full, each in get_custom_objects().items())
    return name in COUNTERPARTS[module] and (lent is None or packed)
