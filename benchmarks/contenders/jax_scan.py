"""JAX: the whole epoch compiled as one scan over the batches."""

import time
from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

UNITS = (256, 128, 64)
RATES = (0.3, 0.2, 0.1)
EPSILON, MOMENTUM = 1e-3, 0.99


def start(key: jax.Array) -> dict[str, list[jax.Array]]:
    """Make the weights, including batch normalization's gammas and betas."""
    sizes = [784, *UNITS, 10]
    glorot = jax.nn.initializers.glorot_uniform()
    keys = jax.random.split(key, len(sizes) - 1)
    pairs = zip(keys, sizes[:-1], sizes[1:], strict=True)
    return {
        "kernels": [glorot(key, (n, m)) for key, n, m in pairs],
        "gammas": [jnp.ones(n) for n in UNITS],
        "betas": [jnp.zeros(n) for n in UNITS],
        "bias": [jnp.zeros(10)],
    }


def dropped(x: jax.Array, rate: float, key: jax.Array) -> jax.Array:
    """Drop a fraction of x and scale up the rest."""
    return jnp.where(jax.random.bernoulli(key, 1 - rate, x.shape), x / (1 - rate), 0)


def loss_of(params, averages, x, labels, key):
    """Return the loss of a batch, with the new moving averages and how many labels are right."""
    keys = jax.random.split(key, 4)
    x, moved = dropped(x, 0.1, keys[0]), []
    for i, rate in enumerate(RATES):
        z = x @ params["kernels"][i]
        mean, variance = z.mean(0), z.var(0)
        moved.append(
            tuple(
                MOMENTUM * old + (1 - MOMENTUM) * new
                for old, new in zip(averages[i], (mean, variance), strict=True)
            )
        )
        scale = params["gammas"][i] * jax.lax.rsqrt(variance + EPSILON)
        x = dropped(jax.nn.relu((z - mean) * scale + params["betas"][i]), rate, keys[i + 1])
    logits = x @ params["kernels"][-1] + params["bias"][0]
    picked = jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], 1)
    return -picked.mean(), (moved, (logits.argmax(1) == labels).sum())


@partial(jax.jit, static_argnums=4, donate_argnums=0)
def epoch(state, x, y, key, batch_size):
    """Train for one epoch; return the state, the mean loss and the accuracy."""
    steps = len(x) // batch_size
    order_key, key = jax.random.split(key)
    order = jax.random.permutation(order_key, len(x))[: steps * batch_size]

    def step(state, job):
        params, averages, m, v, t = state
        rows, key = job
        (loss, (averages, right)), grads = jax.value_and_grad(loss_of, has_aux=True)(
            params, averages, x[rows].astype(jnp.float32) / 255, y[rows], key
        )
        t = t + 1
        m = jax.tree.map(lambda m, g: m + (g - m) * 0.1, m, grads)
        v = jax.tree.map(lambda v, g: v + (g * g - v) * 0.001, v, grads)
        rate = 0.001 * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        params = jax.tree.map(lambda w, m, v: w - rate * m / (jnp.sqrt(v) + 1e-7), params, m, v)
        return (params, averages, m, v, t), (loss, right)

    jobs = order.reshape(steps, batch_size), jax.random.split(key, steps)
    state, (losses, right) = jax.lax.scan(step, state, jobs)
    return state, losses.mean(), right.sum() / (steps * batch_size)


def train(
    images: np.ndarray,
    labels: np.ndarray,
    batch_size: int,
    epochs: int,
    generator: str = "threefry2x32",
) -> list[float]:
    """Train and return the seconds of each epoch."""
    jax.config.update("jax_default_prng_impl", generator)
    key = jax.random.key(0)
    params = start(key)
    averages = [(jnp.zeros(n), jnp.ones(n)) for n in UNITS]
    m, v = (jax.tree.map(jnp.zeros_like, params) for _ in range(2))
    state = (params, averages, m, v, jnp.zeros((), jnp.int32))
    x = jnp.asarray(images.reshape(len(images), -1))
    y = jnp.asarray(labels, jnp.int32)
    seconds = []
    for number in range(epochs):
        begin = time.perf_counter()
        state, loss, accuracy = epoch(state, x, y, jax.random.fold_in(key, number), batch_size)
        float(loss), float(accuracy)
        seconds.append(time.perf_counter() - begin)
    return seconds


def predictor() -> Callable[[np.ndarray], np.ndarray]:
    """Return the fastest way from a batch of images to its probabilities."""
    params = start(jax.random.key(0))
    averages = [(jnp.zeros(n), jnp.ones(n)) for n in UNITS]

    @jax.jit
    def forward(params, averages, images):
        x = images.reshape(len(images), -1).astype(jnp.float32) / 255
        for i, (mean, variance) in enumerate(averages):
            scale = params["gammas"][i] * jax.lax.rsqrt(variance + EPSILON)
            x = jax.nn.relu((x @ params["kernels"][i] - mean) * scale + params["betas"][i])
        return jax.nn.softmax(x @ params["kernels"][-1] + params["bias"][0])

    return lambda images: np.asarray(forward(params, averages, images))
