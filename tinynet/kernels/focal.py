"""Focal cross-entropies: cross-entropies in which a sample that is right already counts less.

As in cross_entropy.py, `losses` holds one number per row, and a ``_backward`` writes the gradient
of sum(weights*losses) into its last argument. Each reads probabilities, or logits z, from which
they are computed.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinynet.arrays import Array
from tinynet.kernels.registry import called_by_loops, kernel


@kernel(targets="iJ", p="iJ", losses=">i")
def focal_cross_entropy(
    targets: Array, p: Array, gamma: float, epsilon: float, from_logits: bool, losses: Array
) -> None:
    """losses[i] = -sum over j of t*(1 - c)^gamma*log(c), c = clip(q), q the shares of row i.

    q = p/sum(p); from logits z, q = softmax(z).
    """
    low = p.dtype.type(epsilon)
    q, _ = _shares(p, from_logits)
    c = np.clip(q, low, 1 - low)
    np.negative(np.sum(targets * (1 - c) ** p.dtype.type(gamma) * np.log(c), axis=1), out=losses)


def _shares(p: Array, from_logits: bool) -> tuple[Array, Array]:
    """Return q, and the sum of each row by which it was divided."""
    parts = np.exp(p - np.max(p, axis=1, keepdims=True)) if from_logits else p
    total = np.sum(parts, axis=1, keepdims=True)
    return parts / total, total


@called_by_loops
def largest_and_sum(p: Array, i: int, from_logits: bool) -> tuple[Any, Any]:
    """Return the largest logit of row i, or 0; and what the parts of the row add up to."""
    largest, total = p.dtype.type(0), p.dtype.type(0)
    if from_logits:
        largest = p[i, 0]
        for j in range(p.shape[1]):
            largest = p[i, j] if p[i, j] > largest else largest
    for j in range(p.shape[1]):
        total += np.exp(p[i, j] - largest) if from_logits else p[i, j]
    return largest, total


@called_by_loops
def clipped(q: Any, low: Any, high: Any) -> Any:
    """Return q, moved to the nearest limit if it is below low or above high; NaN stays."""
    return low if q < low else high if q > high else q


@focal_cross_entropy.loops
def focal_cross_entropy_loops(
    targets: Array, p: Array, gamma: float, epsilon: float, from_logits: bool, losses: Array
) -> None:
    rows, classes = p.shape
    number = p.dtype.type
    power, low = number(gamma), number(epsilon)
    high = number(1) - low
    for i in range(rows):
        largest, total = largest_and_sum(p, i, from_logits)
        loss = number(0)
        for j in range(classes):
            part = np.exp(p[i, j] - largest) if from_logits else p[i, j]
            c = clipped(part / total, low, high)
            loss -= targets[i, j] * (number(1) - c) ** power * np.log(c)
        losses[i] = loss


@kernel(targets="iJ", p="iJ", weights="i", dp=">iJ")
def focal_cross_entropy_backward(
    targets: Array,
    p: Array,
    gamma: float,
    epsilon: float,
    from_logits: bool,
    weights: Array,
    dp: Array,
) -> None:
    """dp = (dq - sum over the row of dq*q)/sum(p), or from logits that times softmax(z), not 1/sum.

    dq = weights*t*(gamma*(1 - c)^(gamma - 1)*log(c) - (1 - c)^gamma/c), 0 where q was clipped.
    """
    low, power = p.dtype.type(epsilon), p.dtype.type(gamma)
    q, total = _shares(p, from_logits)
    c = np.clip(q, low, 1 - low)
    slope = power * (1 - c) ** (power - 1) * np.log(c) - (1 - c) ** power / c
    dq = np.where((q < low) | (q > 1 - low), 0, weights[:, None] * targets * slope)
    inner = np.sum(dq * q, axis=1, keepdims=True)
    np.multiply(dq - inner, q if from_logits else 1 / total, out=dp)


@focal_cross_entropy_backward.loops
def focal_cross_entropy_backward_loops(
    targets: Array,
    p: Array,
    gamma: float,
    epsilon: float,
    from_logits: bool,
    weights: Array,
    dp: Array,
) -> None:
    rows, classes = p.shape
    number = p.dtype.type
    power, low, one = number(gamma), number(epsilon), number(1)
    high = one - low
    for i in range(rows):
        largest, total = largest_and_sum(p, i, from_logits)
        inner = number(0)
        for j in range(classes):
            q = (np.exp(p[i, j] - largest) if from_logits else p[i, j]) / total
            c = clipped(q, low, high)
            slope = power * (one - c) ** (power - one) * np.log(c) - (one - c) ** power / c
            beyond = q < low or q > high
            dp[i, j] = number(0) if beyond else weights[i] * targets[i, j] * slope  # dq so far
            inner += dp[i, j] * q
        for j in range(classes):
            factor = np.exp(p[i, j] - largest) / total if from_logits else one / total
            dp[i, j] = (dp[i, j] - inner) * factor


@kernel(targets="iJ", p="iJ", losses=">i")
def binary_focal_cross_entropy(
    targets: Array,
    p: Array,
    gamma: float,
    yes: float,
    no: float,
    epsilon: float,
    from_logits: bool,
    losses: Array,
) -> None:
    """losses[i] = mean over j of (t*yes + (1 - t)*no)*(1 - r)^gamma*b, b the cross-entropy.

    r = t*p + (1 - t)*(1 - p) is the probability of what is right; yes and no weigh the targets.
    """
    number = p.dtype.type
    weight = targets * number(yes) + (1 - targets) * number(no)
    q, entropy, _ = _two_sided(targets, p, epsilon, from_logits)
    wrong = 1 - (targets * q + (1 - targets) * (1 - q))
    np.mean(weight * wrong ** number(gamma) * entropy, axis=1, out=losses)


def _two_sided(
    targets: Array, p: Array, epsilon: float, from_logits: bool
) -> tuple[Array, Array, Array]:
    """Return the probability, the cross-entropy and its derivative of every entry."""
    if from_logits:
        e = np.exp(-np.abs(p))
        q = np.where(p >= 0, 1, e) / (1 + e)
        return q, np.maximum(p, 0) - p * targets + np.log1p(e), q - targets
    low = p.dtype.type(epsilon)
    c = np.clip(p, low, 1 - low)
    entropy = -(targets * np.log(c) + (1 - targets) * np.log(1 - c))
    slope = (1 - targets) / (1 - c) - targets / c
    return p, entropy, np.where((p < low) | (p > 1 - low), 0, slope)


@called_by_loops
def two_sided(t: Any, p: Any, low: Any, one: Any, from_logits: bool) -> tuple[Any, Any, Any]:
    """Return the probability, the cross-entropy and its derivative of one entry."""
    if from_logits:
        e = np.exp(-abs(p))
        q = (one if p >= 0 else e) / (one + e)
        return q, (p if p > 0 else one - one) - p * t + np.log1p(e), q - t
    c = low if p < low else one - low if p > one - low else p
    entropy = -(t * np.log(c) + (one - t) * np.log(one - c))
    slope = (one - t) / (one - c) - t / c
    return p, entropy, one - one if p < low or p > one - low else slope


@binary_focal_cross_entropy.loops
def binary_focal_cross_entropy_loops(
    targets: Array,
    p: Array,
    gamma: float,
    yes: float,
    no: float,
    epsilon: float,
    from_logits: bool,
    losses: Array,
) -> None:
    rows, columns = p.shape
    number = p.dtype.type
    one, low = number(1), number(epsilon)
    for i in range(rows):
        total = number(0)
        for j in range(columns):
            t = targets[i, j]
            q, entropy, _ = two_sided(t, p[i, j], low, one, from_logits)
            weight = t * number(yes) + (one - t) * number(no)
            wrong = one - (t * q + (one - t) * (one - q))
            total += weight * wrong ** number(gamma) * entropy
        losses[i] = total / number(columns)


@kernel(targets="iJ", p="iJ", weights="i", dp=">iJ")
def binary_focal_cross_entropy_backward(
    targets: Array,
    p: Array,
    gamma: float,
    yes: float,
    no: float,
    epsilon: float,
    from_logits: bool,
    weights: Array,
    dp: Array,
) -> None:
    """dp = weights/columns*w*((1 - r)^gamma*db - gamma*(1 - r)^(gamma - 1)*(2*t - 1)*b).

    w, r and b as above, db the derivative of b. From logits, the second term has the factor
    p*(1 - p), the derivative of the sigmoid.
    """
    number = p.dtype.type
    power = number(gamma)
    weight = targets * number(yes) + (1 - targets) * number(no)
    q, entropy, slope = _two_sided(targets, p, epsilon, from_logits)
    wrong = 1 - (targets * q + (1 - targets) * (1 - q))
    turn = (2 * targets - 1) * (q * (1 - q) if from_logits else 1)
    each = wrong**power * slope - power * wrong ** (power - 1) * turn * entropy
    np.multiply(weight * each, (weights / p.shape[1])[:, None], out=dp)


@binary_focal_cross_entropy_backward.loops
def binary_focal_cross_entropy_backward_loops(
    targets: Array,
    p: Array,
    gamma: float,
    yes: float,
    no: float,
    epsilon: float,
    from_logits: bool,
    weights: Array,
    dp: Array,
) -> None:
    rows, columns = p.shape
    number = p.dtype.type
    one, low, power = number(1), number(epsilon), number(gamma)
    for i in range(rows):
        scale = weights[i] / number(columns)
        for j in range(columns):
            t = targets[i, j]
            q, entropy, slope = two_sided(t, p[i, j], low, one, from_logits)
            weight = t * number(yes) + (one - t) * number(no)
            wrong = one - (t * q + (one - t) * (one - q))
            turn = t + t - one
            if from_logits:
                turn *= q * (one - q)
            each = wrong**power * slope - power * wrong ** (power - one) * turn * entropy
            dp[i, j] = weight * each * scale
