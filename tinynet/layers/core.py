"""The input, an activation as a layer, and changes of shape and scale."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tinynet import activations
from tinynet.arrays import Array
from tinynet.checks import entries, integer, number, sample_shape
from tinynet.config import through_float32
from tinynet.configurable import INPUT_NAME, checked_name
from tinynet.kernels import rows
from tinynet.layers.activated import Activated
from tinynet.layers.base import Layer, Shape
from tinynet.symbolic import Call, KerasTensor


class InputLayer(Layer):
    """Where a sample enters a model: it returns what it is given.

    Parameters
    ----------
    shape : sequence of int
        Of one sample, without the batch axis: ``(784,)`` or ``(28, 28)``.
    batch_size : int, optional
        Shown in shapes; a batch may have any size.
    dtype : str, optional
        By default `tinynet.config.floatx()`. With a type of integers, ``"uint8"``, what goes in
        loses its fractions; the first layer that computes with it makes floats of it.
    name : str, optional
    **kwargs
        `batch_shape`: the shape with the batch axis, in place of `shape` and `batch_size`.
        `input_shape` is what Keras 2 called `shape`.

    Raises
    ------
    ValueError
        If an entry of `shape` is not a positive integer.

    Notes
    -----
    Follows keras/src/layers/core/input_layer.py.
    """

    only_kernels = True

    def __init__(
        self,
        shape: Sequence[int] | None = None,
        batch_size: int | None = None,
        dtype: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        shape = kwargs.pop("input_shape", shape)
        if "batch_shape" in kwargs:
            if shape is not None:
                raise ValueError("batch_shape: expected shape or batch_shape, got both")
            batch_size, *shape = kwargs.pop("batch_shape")
        if kwargs:
            raise TypeError(
                f"{next(iter(kwargs))}: not an argument of Input; it takes shape, batch_size, "
                f"dtype, name and batch_shape"
            )
        self.shape = sample_shape("shape", shape)
        self.batch_size = None if batch_size is None else integer("batch_size", batch_size)
        if name not in (None, ""):
            checked_name(name, INPUT_NAME)
        whole = integer_type(dtype)
        super().__init__(name=name and "input", dtype=None if whole else dtype)
        self.name = name or self.name
        self.dtype = whole or self.dtype
        self.built = True
        self._begin()

    def _begin(self) -> None:
        self._calls = [Call(self, [], [self.shape])]
        self.output.shape = self.batch_shape

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take on a copy's attributes; it is a beginning of its own."""
        super().__setstate__(state)
        self._begin()

    @property
    def batch_shape(self) -> tuple[int | None, ...]:
        """The shape with the batch axis, which is None if it can have any size."""
        return (self.batch_size, *self.shape)

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return x."""
        return x

    def backward(self, dout: Array) -> Array:
        """Return dout."""
        return dout

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain Python values."""
        return {key: getattr(self, key) for key in ("shape", "batch_size", "dtype", "name")}


def integer_type(dtype: Any) -> str | None:
    """Return the name of a type of integers or of "bool"; None for any other."""
    try:
        found = np.dtype(dtype)
    except TypeError:
        return None
    return found.name if dtype is not None and found.kind in "iub" else None


def Input(  # noqa: N802 (Keras's name)
    shape: Sequence[int] | None = None,
    batch_size: int | None = None,
    dtype: str | None = None,
    name: str | None = None,
    **kwargs: Any,
) -> KerasTensor:
    """Return the input of a model: a tensor that has a shape and no numbers yet.

    It is the first entry of a `Sequential`, or layers are called on it, and ``Model(inputs,
    outputs)`` makes a model from the first and the last tensor.

    Parameters
    ----------
    shape, batch_size, dtype, name, **kwargs
        See `InputLayer`.

    Returns
    -------
    KerasTensor
        Its shape has the batch axis: ``(None, 784)``.
    """
    tensor: KerasTensor = InputLayer(shape, batch_size, dtype, name, **kwargs).output
    return tensor


class Activation(Activated):
    r"""An activation as a layer of its own: :math:`out = f(x)`, :math:`dx = dout \cdot f'(x)`.

    Parameters
    ----------
    activation : str or Activation
        f.
    **kwargs
        See `Layer`.

    Notes
    -----
    Derived on the page :doc:`/backprop/activations`.
    """

    only_activates = True  # so another layer can take it as its `activation`

    def __init__(self, activation: object, **kwargs: Any) -> None:
        self.activation = activations.get(activation)
        super().__init__(**kwargs)

    def forward(self, x: Array, training: bool = False) -> Array:
        """Compute f(x)."""
        return self.activate(x)

    def backward(self, dout: Array, from_logits: bool = False) -> Array:
        """Return dx, the gradient before f."""
        return self.before_activation(dout, from_logits)


class Flatten(Layer):
    """Turn every sample into a vector, in row-major order; backward restores the shape."""

    only_kernels = True

    def forward(self, x: Array, training: bool = False) -> Array:
        """Reshape (batch, ...) to (batch, features)."""
        self.shape = x.shape
        return x.reshape(len(x), math.prod(x.shape[1:]))

    def backward(self, dout: Array) -> Array:
        """Reshape back."""
        return dout.reshape(self.kept("shape"))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the number of features."""
        return (math.prod(input_shape),)


class Reshape(Layer):
    """Give every sample another shape, in row-major order.

    Parameters
    ----------
    target_shape : sequence of int
        Without the batch axis; one entry may be -1 and is then inferred.
    **kwargs
        See `Layer`.

    Raises
    ------
    ValueError
        If the sizes do not agree; if an entry is not positive, except for one -1.
    """

    only_kernels = True

    def __init__(self, target_shape: Sequence[int], **kwargs: Any) -> None:
        sizes = entries(target_shape)
        if (
            sizes is None
            or sizes.count(-1) > 1
            or not all(type(n) is int and (n > 0 or n == -1) for n in sizes)
        ):
            raise ValueError(
                f"target_shape: expected positive integers and at most one -1, got {target_shape!r}"
            )
        self.target_shape = tuple(sizes)
        super().__init__(**kwargs)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the target shape with -1 inferred."""
        size = math.prod(input_shape)
        known = math.prod(n for n in self.target_shape if n != -1)
        if size % known or (-1 not in self.target_shape and size != known):
            raise ValueError(
                f"{self.name}: a sample of shape {input_shape} has {size} numbers and cannot "
                f"take the target_shape {self.target_shape}"
            )
        return tuple(size // known if n == -1 else n for n in self.target_shape)

    def forward(self, x: Array, training: bool = False) -> Array:
        """Reshape every sample."""
        self.shape = x.shape
        return x.reshape(len(x), *self.compute_output_shape(x.shape[1:]))

    def backward(self, dout: Array) -> Array:
        """Reshape back."""
        return dout.reshape(self.kept("shape"))


class Permute(Layer):
    """Put the axes of every sample into another order; backward puts them back.

    Parameters
    ----------
    dims : sequence of int
        The axes in their new order, counted from the batch axis 0: (2, 1) swaps the two axes of a
        matrix.
    **kwargs
        See `Layer`.

    Raises
    ------
    ValueError
        If `dims` does not have each axis from 1 on once; if samples have another number of axes.

    Notes
    -----
    Follows keras/src/layers/reshaping/permute.py.
    """

    def __init__(self, dims: Sequence[int], **kwargs: Any) -> None:
        axes = entries(dims) or []
        if sorted(map(str, axes)) != sorted(map(str, range(1, len(axes) + 1))) or not axes:
            raise ValueError(
                f"dims: expected the axes of a sample in some order, each from 1 on once, got "
                f"{dims!r}; axis 0, that of the batch, stays in front"
            )
        self.dims = tuple(axes)
        super().__init__(**kwargs)

    def check_input(self, input_shape: Shape) -> None:
        """Raise an error unless samples have as many axes."""
        if len(input_shape) != len(self.dims):
            raise ValueError(
                f"{self.name}: expected samples with {len(self.dims)} axes for dims {self.dims}, "
                f"got samples of shape {input_shape}"
            )

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the sizes in the new order."""
        self.check_input(input_shape)
        return tuple(input_shape[axis - 1] for axis in self.dims)

    def forward(self, x: Array, training: bool = False) -> Array:
        """Move the axes."""
        self.check_input(x.shape[1:])
        out = np.ascontiguousarray(x.transpose(0, *self.dims))
        self.out_shape = out.shape
        return out

    def backward(self, dout: Array) -> Array:
        """Move them back."""
        self.check_dout(dout, self.kept("out_shape"))
        return np.ascontiguousarray(dout.transpose(np.argsort((0, *self.dims))))


class Rescaling(Layer):
    r"""Scale and shift: :math:`out = x \cdot scale + offset`, :math:`dx = dout \cdot scale`.

    ``Rescaling(1/255)`` maps gray values 0..255 to 0..1 inside the model, so that nobody who
    uses the model can forget it.

    Parameters
    ----------
    scale, offset : float, or array_like
        An array is broadcast to the shape of a sample: three numbers are for three channels.
        Numbers and lists are rounded through float32, as in TensorFlow; NumPy arrays are not.
    **kwargs
        See `Layer`.

    Raises
    ------
    ValueError
        If `scale` or `offset` does not consist of numbers; if it does not fit a sample.

    Notes
    -----
    Follows keras/src/layers/preprocessing/rescaling.py.
    """

    only_kernels = True

    def __init__(self, scale: Any, offset: Any = 0.0, **kwargs: Any) -> None:
        self.scale = _factors("scale", scale)
        self.offset = _factors("offset", offset)
        super().__init__(**kwargs)

    def forward(self, x: Array, training: bool = False) -> Array:
        """Compute x*scale + offset in the layer's own dtype."""
        self.shape = x.shape
        return self._rescaled(x, self.scale, self.offset)

    def backward(self, dout: Array) -> Array:
        """Return dout*scale."""
        self.check_dout(dout, self.kept("shape"))
        return self._rescaled(dout, self.scale, 0.0)

    def _rescaled(self, x: Array, scale: Any, offset: Any) -> Array:
        out = np.empty(x.shape, self.dtype)
        if np.ndim(scale) == np.ndim(offset) == 0:
            scale, offset = through_float32(scale), through_float32(offset)
            rows.rescale(x.reshape(-1), scale, offset, out.reshape(-1))
        else:
            self.check_input(x.shape[1:])
            columns = [self._columns(each, x.shape[1:]) for each in (scale, offset)]
            samples = len(x), columns[0].size
            rows.rescale_columns(x.reshape(samples), *columns, out.reshape(samples))
        return out

    def _columns(self, factors: Any, shape: Shape) -> Array:
        """Return one factor for each number of a sample, in the layer's own dtype."""
        if not isinstance(factors, np.ndarray):
            factors = np.asarray(factors, np.float32)
        return np.broadcast_to(factors, shape).reshape(-1).astype(self.dtype)

    def check_input(self, input_shape: Shape) -> None:
        """Raise an error unless scale and offset can be broadcast to the shape."""
        for name, factors in (("scale", self.scale), ("offset", self.offset)):
            try:
                fits = np.broadcast_shapes(np.shape(factors), input_shape) == input_shape
            except ValueError:
                fits = False
            if not fits:
                raise ValueError(
                    f"{self.name}: expected a {name} that can be broadcast to samples of shape "
                    f"{input_shape}, got shape {np.shape(factors)}"
                )


def _factors(name: str, value: Any) -> Any:
    """Return a number, a list of numbers or an array as it is kept; refuse anything else."""
    if entries(value) is None:
        return number(name, value)
    try:
        factors = np.array(value, np.float64)
    except (TypeError, ValueError):
        factors = np.array(np.nan)
    if not factors.size or not np.isfinite(factors).all():
        raise ValueError(f"{name}: expected a number, a list of numbers or an array, got {value!r}")
    return factors if isinstance(value, np.ndarray) else factors.tolist()
