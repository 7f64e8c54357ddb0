"""Layers in which branches meet: they are given a list, and give back a gradient for each entry.

Derived on the page :doc:`/graphs`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinynet.arrays import Array
from tinynet.checks import integer
from tinynet.kernels import merging
from tinynet.kernels.registry import Kernel
from tinynet.layers.base import Layer, Shape
from tinynet.step.tape import call, in_order


class Merge(Layer):
    """What the layers share that go through their inputs one after the other.

    ``out = join(join(x[0], x[1]), x[2])``, and so on; a subclass defines `join` and its derivative
    `part`, for two arrays of the same shape. Arrays of other shapes are repeated along axes of
    size 1, as in NumPy; those with fewer axes get some behind that of the batch.
    """

    only_kernels = True
    takes_list = True

    def join(self, a: Array, b: Array) -> Array:
        """Return the two in one."""
        raise NotImplementedError

    def part(self, dout: Array, a: Array, b: Array) -> tuple[Array, Array]:
        """Return the gradients at a and b."""
        raise NotImplementedError

    def forward(self, x: Any, training: bool = False) -> Array:
        """Join the arrays from left to right."""
        self.check_count(x)
        shapes = [each.shape for each in x]
        _require_one_size(self.name, shapes)
        axes = max(map(len, shapes))
        self.full = [(len(each), *[1] * (axes - each.ndim), *each.shape[1:]) for each in x]
        shape = np.broadcast_shapes(*self.full)
        alike = (each.reshape(full) for each, full in zip(x, self.full, strict=True))
        out, *others = (_repeated(each, shape) for each in alike)
        pairs = []
        for other in others:
            pairs.append((out, other))
            out = self.join(out, other)
        self.shapes, self.shape, self.pairs = shapes, shape, pairs
        return out

    def backward(self, dout: Array) -> Any:
        """Part the gradient from right to left."""
        pairs = self.kept("pairs")
        self.check_dout(dout, self.shape)
        dout = in_order(dout)
        dx: list[Array] = []
        for a, b in reversed(pairs):
            dout, db = self.part(dout, a, b)
            dx.insert(0, db)
        summed = [_summed(each, full) for each, full in zip([dout, *dx], self.full, strict=True)]
        return [each.reshape(shape) for each, shape in zip(summed, self.shapes, strict=True)]

    def check_count(self, x: Any) -> None:
        """Raise an error unless there is a list."""
        if not isinstance(x, (list, tuple)) or not x or isinstance(x[0], int):  # a single shape
            raise ValueError(f"{self.name}: expected a list of inputs, {self.name}([a, b])")

    def compute_output_shape(self, input_shape: Any) -> Shape:
        """Return the shape that all can be repeated to."""
        self.check_count(input_shape)
        try:
            return np.broadcast_shapes(*input_shape)
        except ValueError:
            raise ValueError(
                f"{self.name}: expected inputs of the same shape, or of size 1 along an axis, got "
                f"samples of the shapes {', '.join(map(str, input_shape))}"
            ) from None


def _require_one_size(name: str, shapes: list[Shape]) -> None:
    """Raise an error unless all batches have the same size."""
    if len({shape[0] for shape in shapes}) > 1:
        raise ValueError(
            f"{name}: expected batches of the same size, got arrays of the shapes "
            f"{', '.join(map(str, shapes))}"
        )


def _paired(kernel: Kernel, *arrays: Array) -> Array:
    """Call a kernel for flat arrays on some of one shape; return what it writes."""
    out = np.empty(arrays[0].shape, np.result_type(*arrays))
    kernel(*(each.reshape(-1) for each in arrays), out.reshape(-1))
    return out


def _scaled(x: Array, factor: float) -> Array:
    out = np.empty(x.shape, x.dtype)
    merging.scale_by(x.reshape(-1), factor, out.reshape(-1))
    return out


def _repeated(x: Array, shape: Shape) -> Array:
    if x.shape == shape:
        return in_order(x)
    found: Array = call(_broadcast, x, shape)
    return found


def _broadcast(x: Array, shape: Shape) -> Array:
    return np.ascontiguousarray(np.broadcast_to(x, shape))


def _summed(dout: Array, shape: Shape) -> Array:
    """Add the gradients of all repetitions."""
    if dout.shape == shape:
        return dout
    axes = tuple(i for i, (a, b) in enumerate(zip(dout.shape, shape, strict=True)) if a != b)
    found: Array = call(_sum, dout, axes)
    return found


def _sum(dout: Array, axes: tuple[int, ...]) -> Array:
    total: Array = np.sum(dout, axis=axes, keepdims=True)
    return total


class Add(Merge):
    r"""Sum of the inputs: :math:`out = x_1 + x_2 + \ldots`, :math:`dx_k = dout`.

    Notes
    -----
    Follows keras/src/layers/merging/add.py.
    """

    def join(self, a: Array, b: Array) -> Array:
        """Return a + b."""
        return _paired(merging.add, a, b)

    def part(self, dout: Array, a: Array, b: Array) -> tuple[Array, Array]:
        """Return dout twice."""
        return dout, dout


class Average(Add):
    r"""Mean of the inputs: :math:`out = (x_1 + \ldots + x_k)/k`, :math:`dx_k = dout/k`.

    Notes
    -----
    Follows keras/src/layers/merging/average.py.
    """

    def forward(self, x: Any, training: bool = False) -> Array:
        """Add up, and divide by their number."""
        total: Array = super().forward(x)
        return _scaled(total, 1 / len(x))

    def backward(self, dout: Array) -> Any:
        """Divide by their number."""
        dout = in_order(dout)
        return super().backward(_scaled(dout, 1 / len(self.kept("shapes"))))


class Subtract(Merge):
    r"""Difference of two inputs: :math:`out = a - b`, :math:`da = dout, db = -dout`.

    Notes
    -----
    Follows keras/src/layers/merging/subtract.py.
    """

    def check_count(self, x: Any) -> None:
        """Raise an error unless there is a list of two."""
        super().check_count(x)
        if len(x) != 2:
            raise ValueError(f"{self.name}: expected a list of two inputs, got {len(x)}")

    def join(self, a: Array, b: Array) -> Array:
        """Return a - b."""
        return _paired(merging.subtract, a, b)

    def part(self, dout: Array, a: Array, b: Array) -> tuple[Array, Array]:
        """Return dout and -dout."""
        return dout, _scaled(dout, -1.0)


class Multiply(Merge):
    r"""Product of the inputs: :math:`out = a \cdot b`, :math:`da = dout\,b, db = dout\,a`.

    Notes
    -----
    Follows keras/src/layers/merging/multiply.py.
    """

    def join(self, a: Array, b: Array) -> Array:
        """Return a * b."""
        return _paired(merging.multiply, a, b)

    def part(self, dout: Array, a: Array, b: Array) -> tuple[Array, Array]:
        """Return dout*b and dout*a."""
        return _paired(merging.multiply, dout, b), _paired(merging.multiply, dout, a)


class Maximum(Merge):
    r"""Largest of the inputs; the gradient goes to it, to the first one if several are.

    Notes
    -----
    Follows keras/src/layers/merging/maximum.py; at a tie, TensorFlow.
    """

    def join(self, a: Array, b: Array) -> Array:
        """Return max(a, b)."""
        return _paired(merging.maximum, a, b)

    def part(self, dout: Array, a: Array, b: Array) -> tuple[Array, Array]:
        """Return dout where a >= b, and the rest."""
        return _chosen(merging.maximum_backward, dout, a, b)


class Minimum(Merge):
    r"""Smallest of the inputs; the gradient goes to it, to the first one if several are.

    Notes
    -----
    Follows keras/src/layers/merging/minimum.py; at a tie, TensorFlow.
    """

    def join(self, a: Array, b: Array) -> Array:
        """Return min(a, b)."""
        return _paired(merging.minimum, a, b)

    def part(self, dout: Array, a: Array, b: Array) -> tuple[Array, Array]:
        """Return dout where a <= b, and the rest."""
        return _chosen(merging.minimum_backward, dout, a, b)


def _chosen(kernel: Kernel, dout: Array, a: Array, b: Array) -> tuple[Array, Array]:
    da, db = np.empty(a.shape, dout.dtype), np.empty(a.shape, dout.dtype)
    kernel(*(each.reshape(-1) for each in (a, b, dout, da, db)))
    return da, db


class Concatenate(Layer):
    r"""The inputs side by side along an axis; the gradient is cut up at the same places.

    Parameters
    ----------
    axis : int
        With that of the batch, which is 0; by default the last one.
    **kwargs
        See `Layer`.

    Raises
    ------
    ValueError
        If `axis` is that of the batch; if the inputs differ along another axis.

    Notes
    -----
    Follows keras/src/layers/merging/concatenate.py.
    """

    only_kernels = True
    takes_list = True

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        self.axis = integer("axis", axis, least=None)
        if self.axis == 0:
            raise ValueError("axis: expected an axis of the samples, got 0, that of the batch")
        super().__init__(**kwargs)

    def forward(self, x: Any, training: bool = False) -> Array:
        """Copy each input beside the one before."""
        shape = (len(x[0]), *self.compute_output_shape([each.shape[1:] for each in x]))
        self.shapes = [each.shape for each in x]
        _require_one_size(self.name, self.shapes)
        out = np.zeros(shape, np.result_type(*x))
        first = 0
        for each in x:
            flat = self._flat(each)
            merging.put_columns(flat, first, self._flat(out))
            first += flat.shape[1]
        self.shape = shape
        return out

    def backward(self, dout: Array) -> Any:
        """Cut the gradient up."""
        self.check_dout(dout, self.kept("shape"))
        dx, first = [], 0
        for shape in self.shapes:
            part = np.empty(shape, dout.dtype)
            flat = self._flat(part)
            merging.take_columns(self._flat(dout), first, flat)
            dx.append(part)
            first += flat.shape[1]
        return dx

    def _flat(self, x: Array) -> Array:
        """Return x as a matrix: before the axis, and from it on."""
        axis = self.axis % x.ndim
        return in_order(x).reshape(math.prod(x.shape[:axis]), math.prod(x.shape[axis:]))

    def compute_output_shape(self, input_shape: Any) -> Shape:
        """Add up the sizes along the axis."""
        if not isinstance(input_shape, (list, tuple)) or not isinstance(
            input_shape[0], (list, tuple)
        ):
            raise ValueError(f"{self.name}: expected a list of inputs, {self.name}([a, b])")
        first = input_shape[0]
        axes = len(first) + 1
        if not -axes < self.axis < axes or self.axis % axes == 0:
            raise ValueError(
                f"{self.name}: expected an axis of samples of shape {first}, got {self.axis}"
            )
        at = self.axis % axes - 1
        if any(_without(at, each) != _without(at, first) for each in input_shape):
            raise ValueError(
                f"{self.name}: expected inputs that differ along axis {self.axis} only, got "
                f"samples of the shapes {', '.join(map(str, input_shape))}"
            )
        return (*first[:at], sum(each[at] for each in input_shape), *first[at + 1 :])


def _without(axis: int, shape: Any) -> Shape:
    return (*shape[:axis], *shape[axis + 1 :])


def add(inputs: Any, **kwargs: Any) -> Any:
    """Return ``Add(**kwargs)(inputs)``."""
    return Add(**kwargs)(inputs)


def subtract(inputs: Any, **kwargs: Any) -> Any:
    """Return ``Subtract(**kwargs)(inputs)``."""
    return Subtract(**kwargs)(inputs)


def multiply(inputs: Any, **kwargs: Any) -> Any:
    """Return ``Multiply(**kwargs)(inputs)``."""
    return Multiply(**kwargs)(inputs)


def average(inputs: Any, **kwargs: Any) -> Any:
    """Return ``Average(**kwargs)(inputs)``."""
    return Average(**kwargs)(inputs)


def maximum(inputs: Any, **kwargs: Any) -> Any:
    """Return ``Maximum(**kwargs)(inputs)``."""
    return Maximum(**kwargs)(inputs)


def minimum(inputs: Any, **kwargs: Any) -> Any:
    """Return ``Minimum(**kwargs)(inputs)``."""
    return Minimum(**kwargs)(inputs)


def concatenate(inputs: Any, axis: int = -1, **kwargs: Any) -> Any:
    """Return ``Concatenate(axis, **kwargs)(inputs)``."""
    return Concatenate(axis, **kwargs)(inputs)
