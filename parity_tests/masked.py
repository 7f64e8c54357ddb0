"""tinynet's dropout masks, passed to Keras: for backends that draw other random numbers."""

from __future__ import annotations

import copy

import keras
import numpy as np

import tinynet


class MaskedDropout(keras.layers.Layer):
    """In training, drop values according to the next of some given masks.

    Parameters
    ----------
    rate : float
    masks : ndarray of uint8, shape (steps, batch, ...)
        1 where a value is kept; one mask for every training step, of which a smaller batch takes
        the first rows.
    """

    def __init__(self, rate, masks):
        super().__init__()
        self.rate = rate
        self.masks = self.add_weight(
            shape=masks.shape, dtype="uint8", trainable=False, initializer="zeros", name="masks"
        )
        self.masks.assign(masks)
        self.step = self.add_weight(
            shape=(), dtype="int32", trainable=False, initializer="zeros", name="step"
        )

    def call(self, x, training=False):
        if not training:
            return x
        mask = keras.ops.take(self.masks, self.step, axis=0)[: keras.ops.shape(x)[0]]
        self.step.assign(self.step + 1)
        return x * keras.ops.cast(mask, x.dtype) * (1 / (1 - self.rate))


def masks_of(model, n, batch_size, epochs=1):
    """Return the masks that a tinynet model is going to draw, for each of its Dropout layers.

    Parameters
    ----------
    model : tinynet.Sequential
        Built; its seed generators are not advanced.
    n, batch_size, epochs : int
        Samples per epoch and per step, and the number of epochs.

    Returns
    -------
    list of ndarray of uint8, shape (steps, batch_size, ...)
    """
    sizes = [min(batch_size, n - start) for start in range(0, n, batch_size)] * epochs
    shapes = model.shapes_behind(model.sample_shape)
    found = []
    for layer, shape in zip(model.layers, shapes, strict=True):
        if isinstance(layer, tinynet.layers.Dropout) and layer.rate > 0:
            seed = copy.deepcopy(layer.seed_generator)
            masks = np.zeros((len(sizes), batch_size, *shape), np.uint8)
            for mask, size in zip(masks, sizes, strict=True):
                u = tinynet.random.uniform((size, *shape), dtype=layer.dtype, seed=seed)
                mask[:size] = u >= u.dtype.type(layer.rate)
            found.append(masks)
    return found


def own_weights(keras_model):
    """Return the arrays of a Keras model, without those of its masks."""
    layers = [layer for layer in keras_model.layers if not isinstance(layer, MaskedDropout)]
    return [array for layer in layers for array in layer.get_weights()]


def copy_weights(model, keras_model):
    """Copy tinynet's weights into a Keras model that is the same except for its dropout."""
    for own, theirs in zip(model.layers, keras_model.layers, strict=True):
        if own.arrays:
            theirs.set_weights(own.get_weights())
