"""Drawn apparel: ten kinds of garment, drawn by arithmetic on a 28x28 grid.

A data set that needs no file and no network, for tests and for machines without data. It is a
stand-in with the same shapes, the same ten kinds of garment and the same order of labels as the
photographs people usually train on; it is easier than they are, and results on it say nothing
about them.

A drawing is a stack of layers. A layer is a *depth*: for every pixel, how many pixels it lies
inside an outline (negative: outside). Outlines combine with a minimum (both) or a maximum
(either), and ``clip(depth + 1/2, 0, 1)`` paints them with a soft edge one pixel wide.

The same ``n`` and ``seed`` give the same bytes on every machine: the randomness is the raw bit
stream of PCG64, and the arithmetic is limited to + - * /, square root, minimum, maximum and
rounding, which IEEE 754 defines to the last bit. Sines, exponentials and sums over many elements
are left out, since their last bit depends on the processor.
"""

import operator
from collections.abc import Callable
from functools import reduce
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]  # always float32; NumPy's stubs cannot tell
Number = float | Array
Layers = list[tuple[Array, Number]]  # (depth, tone), painted first to last

SIZE = 28


class Sheet:
    """A stack of m sheets of paper, on which m garments of one kind are drawn at once.

    Attributes
    ----------
    x, y : ndarray, shape (m, 28, 28), float32
        Coordinates of the pixels' centers in pixels, from the middle of the garment; x to the
        right, y down. Size, position and slant differ from sheet to sheet, and about every
        other one is mirrored.
    """

    def __init__(self, stream: np.random.PCG64, m: int) -> None:
        self.stream = stream
        self.m = m
        centers = np.arange(SIZE, dtype=np.float32) - (SIZE - 1) / 2
        height, width = self.vary(0.7, 1.08), self.vary(0.7, 1.08)
        mirror = np.where(self.vary(0, 1) < 0.5, np.float32(-1), np.float32(1))
        y = (centers[:, None] - self.vary(-2.5, 2.5)) / height  # (m, 28, 1)
        x = mirror * (centers - self.vary(-2.5, 2.5) + self.vary(-0.2, 0.2) * y) / width
        self.x, self.y = np.broadcast_arrays(x, y)

    def uniform(self, *shape: int) -> Array:
        """Numbers in [0, 1): the upper 24 of 64 random bits, as many as a float32 holds."""
        bits = self.stream.random_raw(self.m * int(np.prod(shape))) >> np.uint64(40)
        return bits.astype(np.float32).reshape(self.m, *shape) * np.float32(2.0**-24)

    def vary(self, low: float, high: float) -> Array:
        """One number in [low, high) for each sheet, shape (m, 1, 1)."""
        return low + (high - low) * self.uniform(1, 1)


def both(*depths: Array) -> Array:
    """Depth in the intersection of outlines."""
    depth: Array = reduce(np.minimum, depths)
    return depth


def either(*depths: Array) -> Array:
    """Depth in the union of outlines."""
    depth: Array = reduce(np.maximum, depths)
    return depth


def bend(t: Array, *knots: tuple[Number, Number]) -> Array:
    """Piecewise linear curve through knots (t, value) with rising t; constant outside them."""
    value = knots[0][1] + 0 * t
    for (t0, v0), (t1, v1) in pairwise(knots):
        value = value + (v1 - v0) * np.clip((t - t0) / (t1 - t0), 0, 1)
    return value


def stroke(
    x: Array, y: Array, start: tuple[Number, Number], end: tuple[Number, Number], radius: Number
) -> Array:
    """Depth in a straight stroke with round ends."""
    (x0, y0), (x1, y1) = start, end
    along = ((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / ((x1 - x0) ** 2 + (y1 - y0) ** 2)
    along = np.clip(along, 0, 1)
    off_x, off_y = x - x0 - along * (x1 - x0), y - y0 - along * (y1 - y0)
    depth: Array = radius - np.sqrt(off_x * off_x + off_y * off_y)
    return depth


def upper_body(
    sheet: Sheet, hem: Number, flare: Number, sleeve: Number, neck: tuple[Number, Number]
) -> Array:
    """Torso with sleeves. ``sleeve`` runs from 0 (to the shoulder) to 1 (to the wrist)."""
    x, y = np.abs(sheet.x), sheet.y  # left and right alike
    shoulder = sheet.vary(5.4, 7.0)
    width = bend(y, (-11.5, 3.0), (-9.0, shoulder), (hem, shoulder + flare))
    torso = both(y + 11.0, hem - y, width - x)
    # a short sleeve sticks out, a long one hangs down
    spread = sheet.vary(2.8, 4.2)
    wrist = (shoulder + spread, -7.0 + 15.0 * sleeve)
    arm = stroke(x, y, (shoulder - 1.5, -7.5), wrist, sheet.vary(1.7, 2.3))
    neck_width, neck_depth = neck
    neckline = neck_width * (1 - (y + 11.5) / neck_depth) - x
    return both(either(torso, arm), -neckline)


def t_shirt(sheet: Sheet) -> Layers:
    """Short sleeves and a deep neckline."""
    neck = sheet.vary(2.5, 4.5), sheet.vary(2.0, 5.0)
    cloth = upper_body(sheet, sheet.vary(8, 11), sheet.vary(-1, 1), sheet.vary(0.05, 0.3), neck)
    return [(cloth, 1.0)]


def trouser(sheet: Sheet) -> Layers:
    """Two legs and a waistband."""
    x, y = np.abs(sheet.x), sheet.y
    waist, hip, ankle = sheet.vary(3.6, 4.8), sheet.vary(4.8, 6.2), sheet.vary(4.6, 7.6)
    crotch, gap = sheet.vary(-6, -2), sheet.vary(0.8, 2.6)
    outer = bend(y, (-12.0, waist), (-6.0, hip), (12.0, ankle))
    inner = gap * (y - crotch) / (12.0 - crotch)  # below 0 above the crotch: no gap
    return [
        (both(y + 12.0, 12.0 - y, outer - x, x - inner), 1.0),
        (both(y + 12.0, -10.3 - y, outer - x), sheet.vary(0.6, 1.0)),  # waistband
    ]


def pullover(sheet: Sheet) -> Layers:
    """Long sleeves, a small neckline and a ribbed hem."""
    hem = sheet.vary(8, 11)
    neck = sheet.vary(2.0, 3.5), sheet.vary(1.0, 2.5)
    cloth = upper_body(sheet, hem, sheet.vary(-1, 0.6), sheet.vary(0.8, 1.05), neck)
    ribbing = both(cloth, sheet.y - hem + 2.0)
    return [(cloth, 1.0), (ribbing, sheet.vary(0.6, 1.0))]


def dress(sheet: Sheet) -> Layers:
    """Wide at the hem, narrow at the waist; with or without sleeves."""
    x, y = np.abs(sheet.x), sheet.y
    top, waist, hem = sheet.vary(3.2, 4.8), sheet.vary(2.4, 3.8), sheet.vary(4.0, 8.5)
    middle = sheet.vary(-5, -1)
    width = bend(y, (-12.0, top - 0.8), (-8.0, top), (middle, waist), (12.0, hem))
    neckline = sheet.vary(1.5, 2.8) * (1 - (y + 12.0) / sheet.vary(2.0, 6.0)) - x
    cloth = both(y + 12.0, 12.0 - y, width - x, -neckline)
    reach = sheet.vary(-2.0, 4.5)  # below 0: no sleeve to be seen
    arm = stroke(x, y, (top - 1.0, -9.5), (top + np.maximum(reach, 0), -4.5), 1.5)
    belt = both(cloth, 0.9 - np.abs(y - middle))
    return [(either(cloth, arm), 1.0), (belt, sheet.vary(0.5, 1.0))]


def coat(sheet: Sheet) -> Layers:
    """Long, with long sleeves, an open collar and a dark slit down the front."""
    x, y = np.abs(sheet.x), sheet.y
    neck = sheet.vary(1.5, 2.8), sheet.vary(1.5, 3.0)
    cloth = upper_body(sheet, sheet.vary(10.5, 12.5), sheet.vary(0, 2), sheet.vary(0.8, 1.05), neck)
    lapel_end = sheet.vary(-4, 1)
    lapel = both(cloth, 3.2 * (lapel_end - y) / (lapel_end + 11.0) - x)
    opening = both(cloth, y - lapel_end, 0.55 - x)
    return [(cloth, 1.0), (lapel, sheet.vary(0.3, 0.75)), (opening, sheet.vary(0.1, 0.6))]


def shirt(sheet: Sheet) -> Layers:
    """Collar, buttons, and sleeves of any length."""
    x, y = np.abs(sheet.x), sheet.y
    neck = sheet.vary(1.2, 2.2), sheet.vary(1.5, 3.0)
    cloth = upper_body(sheet, sheet.vary(8.5, 11.5), sheet.vary(-1, 1), sheet.vary(0.2, 1.05), neck)
    collar = both(stroke(x, y, (1.6, -11.5), (3.0, -8.0), 1.5), x - 0.4)
    placket = both(cloth, y + 9.0, 1.1 - x)
    pitch = sheet.vary(2.6, 3.8)
    from_button = y / pitch - np.floor(y / pitch) - 0.5  # -1/2 .. 1/2 from one to the next
    button = both(placket, 0.5 - x, 0.6 - np.abs(from_button) * pitch)
    tone = sheet.vary(0.6, 0.9)
    return [(cloth, tone), (placket, tone + 0.12), (button, 0.2), (collar, 1.0)]


def sandal(sheet: Sheet) -> Layers:
    """Bare straps over a flat or high sole."""
    x, y = sheet.x, sheet.y
    thickness = sheet.vary(0.9, 1.5)
    heel = sheet.vary(0, 6)  # height of the heel
    top = bend(x, (-5.0, 6.0), (5.0, 6.0 - heel))  # where the foot stands
    sole = both(y - top, top + sheet.vary(1.2, 2.4) - y, x + 12.0, 11.5 - x)
    heel_block = both(y - top, 8.0 - y, x - sheet.vary(7, 9.5), 11.5 - x)
    toe = sheet.vary(-8, -4)
    toe_strap = stroke(x, y, (toe - 3.0, 6.0), (toe + 1.5, sheet.vary(0, 3)), thickness)
    toe_strap = either(toe_strap, stroke(x, y, (toe + 1.5, 2.0), (toe + 4.5, 6.0), 0.9))
    ankle = sheet.vary(-8, -3) - 0.5 * heel
    back = stroke(x, y, (10.0, 6.0 - heel), (9.0, ankle), thickness)
    strap = stroke(x, y, (9.0, ankle), (sheet.vary(0, 4), sheet.vary(3, 5) - heel), thickness)
    return [
        (either(sole, heel_block), sheet.vary(0.5, 1.0)),
        (either(toe_strap, back, strap), 1.0),
    ]


def shoe(
    sheet: Sheet, shaft_top: Number, front: Number, slope: Number, heel: Number
) -> tuple[Array, Array]:
    """Upper and sole from the side, toe on the left, shaft to the right of ``front``."""
    x, y = sheet.x, sheet.y
    instep = sheet.vary(-1.0, 1.5)
    toe = sheet.vary(2.5, 4.5)
    back = sheet.vary(9.5, 11.5)
    top = bend(x, (-12.0, toe + 2.5), (-9.5, toe), (front - slope, instep), (front, shaft_top))
    upper = both(y - top, 7.0 - y, x + 12.0, back - x)
    arch = bend(x, (-2.0, 8.6), (2.0, 8.6 - heel), (4.0, 8.6 - heel), (5.0, 8.6))
    sole = both(y - 6.2, arch - y, x + 12.2, back + 0.4 - x)
    return upper, sole


def sneaker(sheet: Sheet) -> Layers:
    """Low shoe with a bright flat sole and laces."""
    x, y = sheet.x, sheet.y
    top, front = sheet.vary(-5, 0), sheet.vary(2, 6)
    upper, sole = shoe(sheet, top, front, sheet.vary(4, 6), 0.0)
    across = 0.45 * (x - y) - 0.4 * sheet.vary(0, 2)
    lace = 0.5 - 2 * np.abs(across - np.floor(across) - 0.5)
    laces = both(upper - 0.8, lace, x + 6.0, front + 0.5 - x, 3.0 - y)
    return [(upper, sheet.vary(0.5, 0.9)), (sole, 1.0), (laces, sheet.vary(0.1, 0.6))]


def bag(sheet: Sheet) -> Layers:
    """Box with a handle."""
    x, y = np.abs(sheet.x), sheet.y
    width, bottom, top = sheet.vary(8, 12), sheet.vary(7, 11), sheet.vary(-6, 0)
    body = both(y - top, bottom - y, width + sheet.vary(-0.15, 0.15) * (y - bottom) - x)
    rise, grip = sheet.vary(3, 9), sheet.vary(3.5, 7)
    ring = np.sqrt((x / grip) ** 2 + ((y - top) / rise) ** 2)  # 1 on the handle
    handle = both(sheet.vary(0.8, 1.3) - np.abs(ring - 1) * np.minimum(grip, rise), top + 1 - y)
    flap_end = top + sheet.vary(1.5, 6)
    flap = both(body, 0.6 - np.abs(y - flap_end))
    return [(handle, sheet.vary(0.5, 1.0)), (body, 1.0), (flap, sheet.vary(0.4, 1.0))]


def ankle_boot(sheet: Sheet) -> Layers:
    """High shaft, a sole and usually a heel."""
    shaft_top, front = sheet.vary(-12, -4), sheet.vary(-1, 3)
    upper, sole = shoe(sheet, shaft_top, front, sheet.vary(1.5, 3), sheet.vary(0, 3.5))
    return [(upper, 1.0), (sole, sheet.vary(0.3, 1.0))]


GARMENTS: dict[str, Callable[[Sheet], Layers]] = {
    "T-shirt/top": t_shirt,
    "Trouser": trouser,
    "Pullover": pullover,
    "Dress": dress,
    "Coat": coat,
    "Sandal": sandal,
    "Shirt": shirt,
    "Sneaker": sneaker,
    "Bag": bag,
    "Ankle boot": ankle_boot,
}
CLASS_NAMES = tuple(GARMENTS)


def paint(sheet: Sheet, layers: Layers) -> NDArray[np.uint8]:
    """Paint the layers over each other, then add stripes, light and noise; shape (m, 28, 28)."""
    image = np.zeros_like(sheet.x)
    for depth, tone in layers:
        image += np.clip(depth + 0.5, 0, 1) * (tone - image)
    # stripes: a triangle wave across or along the garment; none on about half of the sheets
    along = np.where(sheet.vary(0, 1) < 0.5, sheet.x, sheet.y)
    phase = along / sheet.vary(2.5, 7.0)
    stripes = 1 - np.maximum(0, sheet.vary(-0.9, 0.9)) * np.abs(2 * (phase - np.floor(phase)) - 1)
    light = sheet.vary(0.3, 1.0) * (1 + sheet.vary(-0.03, 0.03) * sheet.x)
    noise = sheet.vary(0.1, 0.5) * (sheet.uniform(SIZE, SIZE) - 0.5)
    image = image * stripes * light * (1 + noise) + 0.3 * noise
    gray: NDArray[np.uint8] = np.rint(255 * np.clip(image, 0, 1)).astype(np.uint8)
    return gray


def _integer(name: str, value: int, least: int) -> int:
    try:
        if isinstance(value, bool):
            raise TypeError
        number = operator.index(value)
    except TypeError:
        raise TypeError(
            f"{name} must be an integer, got {value!r} of type {type(value).__name__}"
        ) from None
    if number < least:
        raise ValueError(f"{name} must be at least {least}, got {number}")
    return number


def drawn_apparel(n: int, seed: int = 0) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Draw n small pictures of garments in ten classes.

    The classes are those of ``CLASS_NAMES`` in this module, 0 to 9 in that order. Each picture
    varies in size, position, slant, brightness, cloth and cut, and carries a little noise.

    Parameters
    ----------
    n : int
        Number of pictures, at least 1.
    seed : int, default 0
        0 or more. The same ``n`` and ``seed`` give the same bytes on every machine; NumPy's
        global random state is neither read nor changed.

    Returns
    -------
    images : ndarray, shape (n, 28, 28), uint8
        0 is background, 255 the brightest cloth.
    labels : ndarray, shape (n,), uint8
        Class of each picture. Classes come in shuffled order, and their sizes differ by at most
        one, so that any slice can serve as training, validation or test set.

    Raises
    ------
    TypeError
        If ``n`` or ``seed`` is not an integer.
    ValueError
        If ``n`` is below 1 or ``seed`` below 0.

    Examples
    --------
    >>> from tinynet.datasets import drawn_apparel
    >>> images, labels = drawn_apparel(1000, seed=1)
    >>> x_train, y_train = images[:800], labels[:800]
    >>> x_test, y_test = images[800:], labels[800:]
    """
    n, seed = _integer("n", n, least=1), _integer("seed", seed, least=0)
    # one stream for the order and one for each class
    order_seed, *class_seeds = np.random.SeedSequence(seed).spawn(1 + len(GARMENTS))
    order = np.argsort(np.random.PCG64(order_seed).random_raw(n), kind="stable")
    labels = (order % len(GARMENTS)).astype(np.uint8)
    images = np.empty((n, SIZE, SIZE), np.uint8)
    for label, (draw, class_seed) in enumerate(zip(GARMENTS.values(), class_seeds, strict=True)):
        places = np.flatnonzero(labels == label)
        sheet = Sheet(np.random.PCG64(class_seed), len(places))
        images[places] = paint(sheet, draw(sheet))
    return images, labels
