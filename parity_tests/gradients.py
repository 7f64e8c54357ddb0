"""Derivatives that Keras's backend computes, under one name for each backend."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from parity_tests.backend import BACKEND
from parity_tests.both import numpy


def of_layer(
    layer: Any, x: np.ndarray, upstream: np.ndarray, training: bool
) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """Run a built layer or model; return its output, the input's and the weights' gradients.

    The layer's state (moving averages, random number generators) changes as in a call.
    """
    weights = layer.trainable_variables
    if BACKEND == "tensorflow":
        import tensorflow as tf

        given = tf.convert_to_tensor(x)
        with tf.GradientTape() as tape:
            tape.watch(given)
            out = _call(layer, given, training)
        sources = [given, *(w.value for w in weights)]
        got = tape.gradient(out, sources, output_gradients=tf.convert_to_tensor(upstream))
        found = [np.zeros(s.shape) if g is None else g for g, s in zip(got, sources, strict=True)]
    elif BACKEND == "jax":
        import jax

        fixed = [w.value for w in layer.non_trainable_variables]

        def run(values: list[Any], given: Any) -> tuple[Any, Any]:
            kwargs = {"training": training} if layer._call_has_training_arg else {}
            return layer.stateless_call(values, fixed, given, **kwargs)

        out, pull, state = jax.vjp(
            run, [w.value for w in weights], jax.numpy.asarray(x), has_aux=True
        )
        dweights, dx = pull(jax.numpy.asarray(upstream))
        for variable, value in zip(layer.non_trainable_variables, state, strict=True):
            variable.assign(value)
        found = [dx, *dweights]
    else:
        import torch

        given = _on_device(x).requires_grad_()
        out = _call(layer, given, training)
        sources = [given, *(w.value for w in weights)]
        got = torch.autograd.grad(out, sources, _on_device(upstream), allow_unused=True)
        found = [
            np.zeros(tuple(s.shape)) if g is None else g for g, s in zip(got, sources, strict=True)
        ]
    dx, *dweights = (numpy(each) for each in found)
    return numpy(out), dx, dweights


def of_function(
    function: Callable[[Any], Any], x: np.ndarray, upstream: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the value of a function of one tensor, and its gradient.

    `upstream` is the gradient at the value; by default it is all ones.
    """
    if BACKEND == "tensorflow":
        import tensorflow as tf

        given = tf.convert_to_tensor(x)
        with tf.GradientTape() as tape:
            tape.watch(given)
            value = function(given)
        above = None if upstream is None else tf.convert_to_tensor(upstream)
        gradient = tape.gradient(value, given, output_gradients=above)
    elif BACKEND == "jax":
        import jax

        value, pull = jax.vjp(function, jax.numpy.asarray(x))
        above = jax.numpy.ones_like(value) if upstream is None else jax.numpy.asarray(upstream)
        (gradient,) = pull(above)
    else:
        import torch

        given = _on_device(x).requires_grad_()
        value = function(given)
        above = torch.ones_like(value) if upstream is None else _on_device(upstream)
        (gradient,) = torch.autograd.grad(value, [given], above)
    return numpy(value), numpy(gradient)


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function as fit runs it: on TensorFlow as a graph, which sometimes rounds
    differently (a division by a constant becomes a multiplication by its reciprocal).
    """
    if BACKEND == "tensorflow":
        import tensorflow as tf

        return tf.function(function)
    return function


def _on_device(x: np.ndarray) -> Any:
    """Return an array as a tensor where Keras computes; torch.tensor would be on the CPU."""
    return keras.ops.convert_to_tensor(x)


def _call(layer: Any, x: Any, training: bool) -> Any:
    return layer(x, training=training) if layer._call_has_training_arg else layer(x)
