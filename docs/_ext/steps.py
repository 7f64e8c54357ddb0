"""The training steps that pages show in a frame, each with the numbers of its page."""

import numpy as np

import tinynet as tn
from tinynet import layers

FROM_LOGITS = tn.losses.SparseCategoricalCrossentropy(from_logits=True)


def start():
    """Return the step on the first page: two inputs, three hidden units, two classes."""
    tn.utils.set_random_seed(3)
    hidden = layers.Dense(3, activation="relu", name="hidden")
    model = tn.Sequential([tn.Input((2,)), hidden, layers.Dense(2, name="top")], name="2-3-2")
    model.compile(tn.optimizers.SGD(0.5), FROM_LOGITS)
    return tn.trace(model, [[1, 2], [-1, 1]], [1, 0])


def by_hand():
    """Return the step that docs/map.md makes by hand."""
    tn.utils.set_random_seed(0)
    hidden = layers.Dense(5, activation="relu", name="dense")
    model = tn.Sequential([tn.Input((4,)), hidden, layers.Dense(3, name="dense_1")])
    model.compile(tn.optimizers.SGD(0.1), FROM_LOGITS)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(8, 4)).astype("float32")
    return tn.trace(model, x, rng.integers(0, 3, 8))


def small():
    """Return the step of docs/trace.md."""
    tn.utils.set_random_seed(3)
    hidden = layers.Dense(4, activation="relu", name="hidden")
    model = tn.Sequential([tn.Input((3,)), hidden, layers.Dense(2, name="top")], name="small")
    model.compile(tn.optimizers.SGD(0.5), FROM_LOGITS)
    return tn.trace(model, [[1, 2, -1], [0, 1, 3]], [1, 0])


def dense():
    """Return the step of the dense layer: two units with ReLU."""
    layer = layers.Dense(2, activation="relu", name="dense")
    kernel, bias = [[1, -1], [2, 0], [0.5, 1]], [0.5, -1]
    return _one_layer(layer, [kernel, bias], "mse", [[1, 2, -1], [0, 1, 3]], [[3, -4], [6, 1]])


def one_neuron():
    """Return the step of one neuron for four samples."""
    neuron = layers.Dense(1, activation="sigmoid", name="neuron")
    x, y = [[2], [1], [-1], [3]], [[1], [0], [0], [1]]
    return _one_layer(neuron, [[[0.5]], [-1.5]], "binary_crossentropy", x, y, rate=0.5)


def losses():
    """Return a step with the squared error; the inputs are unit vectors, so the kernel is out."""
    top = layers.Dense(2, use_bias=False, name="top")
    return _one_layer(top, [[[1, 2], [0, 4]]], "mse", np.eye(2), [[0, 2], [2, 1]])


def softmax():
    """Return a step with the cross-entropy; as above, the kernel is the logits."""
    top = layers.Dense(3, use_bias=False, name="top")
    return _one_layer(top, [[[2, 1, -1], [0, 0, 0]]], FROM_LOGITS, np.eye(2), [1, 2])


def regularization():
    """Return a step with an L2 penalty."""
    rule = tn.regularizers.L2(0.1)
    top = layers.Dense(1, use_bias=False, kernel_regularizer=rule, name="top")
    return _one_layer(top, [[[2], [-1]]], "mse", np.eye(2), [[1], [0]], rate=0.5)


def adam():
    """Return the first step of Adam for three gradients of very different sizes."""
    top = layers.Dense(1, use_bias=False, name="top")
    optimizer = tn.optimizers.Adam(0.01)
    # The absolute error hands on 1, so the gradients of the weights are the inputs.
    model = _model([top], (3,), "mae", optimizer)
    model.set_weights([np.ones((3, 1))])
    return tn.trace(model, [[5000, -0.5, 0.05]], [[0]])


def momentum():
    """Return the second step with momentum, for a gradient that is always 2."""
    top = layers.Dense(1, use_bias=False, name="top")
    model = _model([top], (1,), "mae", tn.optimizers.SGD(0.1, momentum=0.9))
    model.set_weights([[[1]]])
    model.train_on_batch([[2]], [[-10]])
    return tn.trace(model, [[2]], [[-10]])


def activations():
    """Return a step through four layers with sigmoids."""
    return _deep("sigmoid", 4, stddev=6**-0.5)


def initialization():
    """Return a step through five layers whose weights are too small."""
    return _deep("tanh", 5, stddev=0.1)


def batch_norm():
    """Return the step of a batch normalization."""
    x, dout = [[1, 10], [2, 30], [3, 20], [6, 20]], [[1, 0], [0, 1], [0, 0], [0, 0]]
    return _above(layers.BatchNormalization(name="norm", dtype="float64"), x, dout)


def layer_norm():
    """Return the step of a layer normalization whose first feature has learned a scale."""
    norm = layers.LayerNormalization(name="norm", dtype="float64")
    norm.build((4,))
    norm.set_weights([[2, 1, 1, 1], np.zeros(4)])
    return _above(norm, [[1, 2, 3, 6], [10, 30, 20, 20]], [[1, 1, 0, 0], [0, 1, 0, 0]])


def dropout():
    """Return the step of a dropout of one in five."""

    def drop():
        return layers.Dropout(0.2, seed=1, name="dropout", dtype="float64")

    x = np.arange(1.0, 9).reshape(2, 4)
    dout = np.array([[1.0, 2, -1, 4], [4, -1, 2, -3]])
    # Not by _above, whose forward pass would take the first draw. As there, 2/size is undone.
    targets = drop().forward(x, training=True) - dout * dout.size / 2
    return tn.trace(_model([_below((4,)), drop()], (4,), "mse"), x, targets)


def convolution():
    """Return the step of a convolution with one window."""
    window = layers.Conv2D(1, 2, use_bias=False, name="window", dtype="float64")
    window.build((3, 4, 1))
    window.set_weights([np.reshape([1.0, -1, 0, 2], (2, 2, 1, 1))])
    x = np.reshape([1.0, 0, 2, 1, 0, 3, 1, 0, 2, 1, 0, 1], (1, 3, 4, 1))
    return _above(window, x, np.reshape([1.0, 0, -1, 0, 2, 0], (1, 2, 3, 1)))


def pooling():
    """Return the step of a max pooling of two windows."""
    pool = layers.MaxPooling2D(2, name="pool", dtype="float64")
    x = np.reshape([1.0, 3, 2, 0, 4, 0, 1, 2], (1, 2, 4, 1))
    return _above(pool, x, np.reshape([2.0, -4], (1, 1, 2, 1)))


def graph():
    """Return the step of the graph whose tensor `low` goes two ways."""
    tn.utils.set_random_seed(0)
    x = tn.Input((4,), name="x")
    low = layers.Dense(3, activation="tanh", name="low")(x)
    left = layers.Dense(2, name="left")(low)
    right = layers.Dense(2, activation="relu", name="right")(low)
    met = layers.Add(name="met")([left, right])
    side = layers.Concatenate(name="side")([met, x])
    model = tn.Model(x, layers.Dense(3, name="out")(side), name="graph")
    model.compile(tn.optimizers.SGD(0.1), FROM_LOGITS)
    return tn.trace(model, [[1, 2, -1, 0], [0, 1, 3, 1]], [1, 0])


class Gate(layers.Layer):
    """A ReLU, with a mistake that the reader of docs/museum.md is to find."""

    def forward(self, x, training=False):
        """Return x where it is above 0."""
        return np.maximum(x, 0)

    def backward(self, dout):
        """Return dout, and not only where x was above 0."""
        return dout.copy()


def bug():
    """Return a step of a network whose ReLU lets the whole gradient through."""
    tn.utils.set_random_seed(3)
    parts = layers.Dense(4, name="hidden"), Gate(name="gate"), layers.Dense(2, name="top")
    model = _model(parts, (3,), FROM_LOGITS)
    return tn.trace(model, [[1, 2, -1], [0, 1, 3]], [1, 0])


def _model(parts, shape, loss, optimizer=None):
    model = tn.Sequential([tn.Input(shape), *parts], name=parts[-1].name)
    model.compile(optimizer or tn.optimizers.SGD(0.1), loss)
    return model


def _one_layer(layer, weights, loss, x, y, rate=0.1):
    model = _model([layer], np.shape(x)[1:], loss, tn.optimizers.SGD(rate))
    model.set_weights(weights)
    return tn.trace(model, x, y)


def _below(shape):
    """Return a layer that changes nothing: below the first layer that learns there is no dx."""
    if len(shape) == 1:
        below = layers.Dense(shape[0], use_bias=False, name="below", dtype="float64")
    else:
        below = layers.Conv2D(1, 1, use_bias=False, name="below", dtype="float64")
    below.build(shape)
    below.set_weights([np.eye(shape[-1]).reshape(below.params["kernel"].shape)])
    return below


def _above(layer, x, dout):
    """Return a step in which a layer is given x from below and dout from the loss."""
    x, dout = np.array(x, "float64"), np.array(dout, "float64")
    model = _model([_below(x.shape[1:]), layer], x.shape[1:], "mse")
    # The squared error hands on 2/size times the residuals.
    targets = layer.forward(x, training=True) - dout * dout.size / 2
    return tn.trace(model, x, targets)


def _deep(activation, depth, stddev):
    """Return a step of a deep network with six units in each layer."""
    tn.utils.set_random_seed(0)
    parts = [
        layers.Dense(
            6,
            activation,
            kernel_initializer=tn.initializers.RandomNormal(stddev=stddev),
            name=f"hidden{number}",
        )
        for number in range(1, depth + 1)
    ]
    model = _model([*parts, layers.Dense(2, name="top")], (6,), FROM_LOGITS)
    x = np.random.default_rng(0).normal(size=(4, 6)).round(1)
    return tn.trace(model, x, [0, 1, 0, 1])


# Each with the height of its frame, and the array that the text names first: the frame opens at the
# line that writes it, or where the first layer begins.
STEPS = {
    "start": (start, "30rem", ""),
    "map": (by_hand, "36rem", ""),
    "small": (small, "44rem", ""),
    "dense": (dense, "36rem", "d dense/kernel"),
    "one_neuron": (one_neuron, "36rem", "neuron.dz"),
    "losses": (losses, "36rem", "top.dz"),
    "softmax": (softmax, "36rem", "top.dz"),
    "regularization": (regularization, "36rem", "d top/kernel"),
    "adam": (adam, "36rem", "top/kernel"),
    "momentum": (momentum, "36rem", "top/kernel"),
    "activations": (activations, "36rem", "hidden4.dz"),
    "initialization": (initialization, "36rem", "hidden1.out"),
    "batch_norm": (batch_norm, "36rem", "norm.dx"),
    "layer_norm": (layer_norm, "36rem", "norm.dx"),
    "dropout": (dropout, "36rem", "dropout.dx"),
    "convolution": (convolution, "36rem", "window.dx"),
    "fast_convolution": (convolution, "36rem", "window.windows"),
    "pooling": (pooling, "36rem", "pool.dx"),
    "graph": (graph, "36rem", ""),
    "bug": (bug, "40rem", ""),
}
