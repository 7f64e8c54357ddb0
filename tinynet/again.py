"""The forward pass of a few samples, which comes again and again: of one image, for instance.

To call the layers takes longer than their arithmetic for one image. So `predict_on_batch` writes
the pass down, and runs these lines for the next batch of the same shape, as long as the model is as
it was.
"""

from __future__ import annotations

import itertools
import operator
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from tinynet import config, repeat
from tinynet.arrays import Array
from tinynet.data import Dataset
from tinynet.kernels.registry import here
from tinynet.layers import Layer
from tinynet.layers.activated import Activated
from tinynet.settings import as_it_is, changeable, set_in_use, settings
from tinynet.step.tape import write_down
from tinynet.written import is_our_network, is_ours, parts_of_layers

ROWS = 32  # with more of them, the arithmetic takes longer than the calls
SHAPES = 4  # of batches; each takes the memory of a pass
# What a pass reads in another way, or not at all.
UNREAD = {"params", "grads", "state", "regularizers", "constraints", "name", "input_shape"}
UNREAD |= {"trainable", "seed", "seed_generator"}
FORWARD = operator.attrgetter("forward")
WEIGHTS = operator.itemgetter("params", "state")


class Passes:
    """The passes of one model, by the shapes of their batches.

    They belong to the model's arrays: a copy of the model, or a pickle, begins without any.
    """

    def __init__(self) -> None:
        self.written: dict[object, Pass] = {}
        self.lock = threading.Lock()

    def __reduce__(self) -> Any:
        return Passes, ()

    def again(self, x: Any) -> Any:
        """Return what the layers would return for samples like those of a pass; None without one.

        Such samples need no other check than for numbers that are not finite.
        """
        if type(x) is not np.ndarray or not self.lock.acquire(blocking=False):
            return None
        try:
            written = self.written.get(_kind(x))
            if written is None or not written.holds():
                return None
            if written.may_be_nan and not np.isfinite(x).all():
                return None
            return written.run(x)
        finally:
            self.lock.release()

    def forward(self, model: Any, data: Dataset) -> Any:
        """Return what ``model.forward`` returns for some samples; layers keep what they have kept.

        Where code of the user's runs in a pass, the layers are called.
        """
        out = self.again(data.x)
        if out is not None:
            return out
        x = data.whole().x
        if not isinstance(x, np.ndarray) or not self.lock.acquire(blocking=False):
            return model.forward(x)
        try:
            if not _is_only_lines(model):
                return model.forward(x)
            with _keeping(model.leaves.values()):
                kind = _kind(data.x)
                full = kind not in self.written and len(self.written) == SHAPES
                if len(x) > ROWS or full:
                    return model.forward(x)
                with repeat.one_at_a_time:  # after a fork, it is another one
                    self.written[kind] = written = Pass(model, x)
            return written.out.copy()
        finally:
            self.lock.release()


def _kind(x: Array) -> object:
    """Return what the lines of a pass depend on, of its samples."""
    return x.shape, x.dtype, config.floatx()


class Pass:
    """A forward pass that is written down, while it is made.

    Parameters
    ----------
    model : Trainer
    x : ndarray of shape (rows, ...)
        From then on the pass's own.

    Attributes
    ----------
    out : ndarray of shape (rows, ...)
        What came out, which the next pass overwrites.
    """

    def __init__(self, model: Any, x: Array) -> None:
        self.model, self.x = model, x
        with write_down() as self.step:
            self.out = model.forward(x)
        self.may_be_nan = x.dtype.kind not in "biu"
        leaves = [*model.leaves.values()]
        self.networks = model.networks
        functions = [leaf.activation for leaf in leaves if isinstance(leaf, Activated)]
        watched: list[Any] = [*leaves, *self.networks, *functions]
        self.keys = [vars(each).keys() for each in watched]
        self.known = [set_in_use(each.__class__).union(vars(each)) for each in watched]
        self.sizes = [*map(len, self.keys)]
        self.kinds = [*{type(each) for each in watched}]
        self.own = [vars(leaf) for leaf in leaves]
        self.contents = [
            (vars(leaf), name, as_it_is(value))
            for leaf in leaves
            for name, value in changeable(leaf).items()
        ]
        self.names = [operator.itemgetter("params", "state", *_options(leaf)) for leaf in leaves]
        self.with_weights = [vars(leaf) for leaf in leaves if leaf.params or leaf.state]
        self.layers, self.options, self.arrays = self._layers(), self._options(), self._arrays()
        self.forwards = [*map(FORWARD, self.kinds)]

    # What the lines depend on. For one image, a loop in Python would take as long as they do.

    def _layers(self) -> list[list[Layer]]:
        return [[*network.layers] for network in self.networks]

    def _options(self) -> list[object]:
        return [*map(operator.call, self.names, self.own)]

    def _arrays(self) -> list[Array]:
        chain = itertools.chain.from_iterable
        return [*chain(map(dict.values, chain(map(WEIGHTS, self.with_weights))))]

    def _methods_are_the_same(self) -> bool:
        """Return whether nobody has put a function of his own into an object or a class."""
        sizes = [*map(len, self.keys)]
        if sizes != self.sizes:  # training, too, leaves something there
            if not all(map(operator.le, self.keys, self.known)):
                return False
            self.sizes = sizes
        return [*map(FORWARD, self.kinds)] == self.forwards

    def holds(self) -> bool:
        """Return whether the lines do what the layers would do now."""
        arrays = self._arrays()
        try:
            same = self._layers() == self.layers and self._options() == self.options
        except ValueError:  # an array has become another one
            same = False
        return (
            same
            and len(arrays) == len(self.arrays)
            and all(map(operator.is_, arrays, self.arrays))
            and all(as_it_is(own[name]) == value for own, name, value in self.contents)
            and not self.model.run_eagerly
            and self._methods_are_the_same()
        )

    def run(self, x: Array) -> Array:
        """Run the lines for another batch."""
        self.x[...] = x
        self.step.run()
        out: Array = self.out.copy()
        return out


def _options(layer: Layer) -> list[str]:
    """Return the names of a layer's options that count in a forward pass."""
    others = ("_initializer", "_regularizer", "_constraint")
    return [name for name in settings(layer) if not name.endswith(others) and name not in UNREAD]


def _is_only_lines(model: Any) -> bool:
    """Return whether nothing but tinynet's own kernels runs in a pass."""
    return (
        not model.run_eagerly
        and here.tape is None
        and all(map(is_our_network, model.networks))
        and all(layer.only_kernels for layer in model.leaves.values())
        and all(map(is_ours, parts_of_layers(model)))
    )


@contextmanager
def _keeping(layers: Iterable[Layer]) -> Iterator[None]:
    """Have layers keep what they keep now."""
    before = [(vars(layer), dict(vars(layer))) for layer in layers]
    try:
        yield
    finally:
        for own, old in before:
            for name in own.keys() - old.keys():  # other threads may add some, or take them away
                own.pop(name, None)
            own.update(old)
