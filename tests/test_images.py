"""Convolution and pooling: sizes, both ways of computing a convolution, and what is refused."""

import math
import re
import threading
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinynet import Sequential, activations, layers
from tinynet.kernels import KERNELS, convolution, winograd
from tinynet.layers import (
    AveragePooling2D,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Flatten,
    GlobalAveragePooling2D,
    GlobalMaxPooling2D,
    Input,
    Layer,
    MaxPooling2D,
    SeparableConv2D,
    SpatialDropout2D,
    ZeroPadding2D,
)
from tinynet.random import set_random_seed

SIZES = st.integers(1, 9)
WINDOWS = st.tuples(st.integers(1, 4), st.integers(1, 4))
STEPS = st.sampled_from([((1, 1), (1, 1)), ((2, 1), (1, 1)), ((3, 2), (1, 1)), ((1, 1), (2, 3))])


def by_the_book(x: np.ndarray, layer: Conv2D) -> np.ndarray:
    """Compute a convolution pixel by pixel, straight from the formula."""
    kernel, bias = layer.params["kernel"], layer.params["bias"]
    (sy, sx), (dy, dx) = layer.strides, layer.dilation_rate
    rows, columns, _, filters = kernel.shape
    height, width = x.shape[1:3]
    top = left = 0
    if layer.padding == "same":
        places = math.ceil(height / sy), math.ceil(width / sx)
        top = max((places[0] - 1) * sy + (rows - 1) * dy + 1 - height, 0) // 2
        left = max((places[1] - 1) * sx + (columns - 1) * dx + 1 - width, 0) // 2
    else:
        places = (
            math.ceil((height - (rows - 1) * dy) / sy),
            math.ceil((width - (columns - 1) * dx) / sx),
        )
    out = np.zeros((len(x), *places, filters))
    for n, y, z, f in np.ndindex(out.shape):
        out[n, y, z, f] = bias[f]
        for i, j in np.ndindex(rows, columns):
            down, right = y * sy + i * dy - top, z * sx + j * dx - left
            if 0 <= down < height and 0 <= right < width:
                out[n, y, z, f] += x[n, down, right] @ kernel[i, j, :, f]
    return out


@given(
    size=st.tuples(SIZES, SIZES),
    window=WINDOWS,
    steps=STEPS,
    padding=st.sampled_from(["valid", "same"]),
    channels=st.sampled_from([1, 3, 40]),
    seed=st.integers(0, 99),
)
def test_a_convolution_is_what_its_formula_says(
    size: tuple[int, int],
    window: tuple[int, int],
    steps: tuple[tuple[int, int], tuple[int, int]],
    padding: str,
    channels: int,
    seed: int,
) -> None:
    layer = Conv2D(2, window, steps[0], padding, dilation_rate=steps[1], dtype="float64")
    reach = [(k - 1) * d + 1 for k, d in zip(window, steps[1], strict=True)]
    if padding == "valid" and any(n < r for n, r in zip(size, reach, strict=True)):
        with pytest.raises(ValueError, match="expected images of at least"):
            layer.compute_output_shape((*size, channels))
        return
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(2, *size, channels))
    layer.ensure_built(x.shape[1:])
    layer.params["bias"][:] = rng.normal(size=2)
    expected = by_the_book(x, layer)
    out = layer.forward(x)
    assert out.shape == (2, *layer.compute_output_shape(x.shape[1:])) == expected.shape
    np.testing.assert_allclose(out, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("steps", [((1, 1), (1, 1)), ((3, 2), (1, 1)), ((1, 1), (2, 3))])
@pytest.mark.parametrize("piece", [1, 10**9])
@pytest.mark.parametrize("small", [0, 10**9])
def test_the_definition_and_matrix_products_give_the_same(
    steps: Any, piece: int, small: int, kernel_form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With one image at a time or all at once, in one product or in one for each image."""
    monkeypatch.setattr(convolution, "PIECE", piece)
    monkeypatch.setattr(convolution, "SMALL", small)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(5, 13, 9, 4))
    layer = Conv2D(3, (4, 3), steps[0], dilation_rate=steps[1], use_bias=False, dtype="float64")
    out = layer(x)
    kernel, dout = layer.params["kernel"], rng.normal(size=out.shape)
    dx = layer.backward(dout)
    expected, dkernel, dx_expected = np.empty_like(out), np.empty_like(kernel), np.empty_like(x)
    convolution.convolve(x, kernel, *steps, expected)
    convolution.convolve_kernel_gradient(x, dout, *steps, dkernel)
    convolution.convolve_input_gradient(dout, kernel, *steps, dx_expected)
    np.testing.assert_allclose(out, expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(layer.grads["kernel"], dkernel, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(dx, dx_expected, rtol=1e-12, atol=1e-12)


@given(
    size=st.tuples(st.integers(3, 13), st.integers(3, 13)),
    padding=st.sampled_from(["valid", "same"]),
    images=st.integers(1, 5),
    widths=st.tuples(st.sampled_from([16, 19]), st.sampled_from([16, 21])),
    piece=st.sampled_from([1, 100_000, 10**9]),  # bytes: an image at a time, some, all
    seed=st.integers(0, 99),
)
@pytest.mark.parametrize("form", ["numpy", "numba"])
def test_tiles_give_what_patches_give(
    form: str,
    size: tuple[int, int],
    padding: str,
    images: int,
    widths: tuple[int, int],
    piece: int,
    seed: int,
) -> None:
    rng = np.random.default_rng(seed)
    channels, filters = widths
    x = rng.normal(size=(images, *size, channels))
    tiles = Conv2D(filters, 3, padding=padding, dtype="float64")
    patches = Conv2D(filters, 3, padding=padding, dtype="float64")
    for layer in (tiles, patches):
        layer.ensure_built(x.shape[1:])
    patches.set_weights(tiles.get_weights())
    found = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(convolution, "PIECE", piece)
        for each in KERNELS.values():
            patch.setattr(each, "_run", each.form(form))
        for layer, filled in ((tiles, 0), (patches, 17)):  # of 16 pixels that a tile makes
            patch.setattr(winograd, "FILLED", filled)
            out = layer.forward(x)
            assert layer.in_tiles(out.shape[1:3]) == (layer is tiles)
            dout = np.random.default_rng(seed).normal(size=out.shape)
            dx = layer.backward(dout)
            dkernel = layer.grads["kernel"].copy()
            found.append([out, dx, dkernel, layer.grads["bias"]])
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-11)


@pytest.mark.parametrize(
    "options",
    [
        {"kernel_size": 3, "strides": 2},
        {"kernel_size": 3, "dilation_rate": 2},
        {"kernel_size": (3, 2)},
        {"kernel_size": 3, "filters": 15},
    ],
)
def test_tiles_are_for_windows_of_3_by_3_and_many_channels(options: dict[str, Any]) -> None:
    plain, other = Conv2D(16, 3), Conv2D(**{"filters": 16, **options})
    for layer in (plain, other):
        layer.ensure_built((9, 9, 16))
    assert plain.in_tiles((7, 7))
    assert not other.in_tiles((7, 7))


@pytest.mark.parametrize(
    ("places", "pay"),
    [((4, 4), True), ((6, 6), True), ((28, 28), True), ((5, 5), False), ((2, 40), False)],
)
def test_tiles_are_for_outputs_that_they_fill(places: tuple[int, int], pay: bool) -> None:
    """Of the 16 pixels that each makes, 9 should be wanted; and they are for many channels."""
    layer, narrow = Conv2D(16, 3), Conv2D(16, 3)
    layer.ensure_built((9, 9, 16))
    narrow.ensure_built((9, 9, 15))
    assert layer.in_tiles(places) == pay
    assert not narrow.in_tiles(places)


@pytest.mark.parametrize("special", [np.nan, np.inf])
def test_what_is_not_finite_stays_in_its_tile(special: float) -> None:
    x = np.random.default_rng(0).normal(size=(1, 14, 14, 16))  # 3 x 3 tiles
    x[0, 6, 7, 3] = special  # in the middle of the tile in the middle
    out = Conv2D(16, 3, dtype="float64")(x)
    spoilt = np.zeros((12, 12, 1), bool)
    spoilt[4:8, 4:8] = True
    windows = np.s_[0, 4:7, 5:8]  # those that hold the pixel
    assert not np.isfinite(out[windows]).any()
    assert np.isfinite(out[0]).all(where=~spoilt)


def test_an_activation_may_mix_images() -> None:
    mixing = activations.softmax.with_options(axis=0)
    x = np.random.default_rng(0).normal(size=(5, 6, 6, 2))
    out = Conv2D(3, 3, activation=mixing, dtype="float64")(x)
    np.testing.assert_allclose(out.sum(axis=0), 1, rtol=1e-12)


def test_a_separable_convolution_is_a_depthwise_one_and_one_of_single_pixels() -> None:
    x = np.random.default_rng(0).normal(size=(2, 6, 5, 3))
    whole = SeparableConv2D(4, 3, padding="same", depth_multiplier=2, dtype="float64")
    first = DepthwiseConv2D(3, padding="same", depth_multiplier=2, use_bias=False, dtype="float64")
    second = Conv2D(4, 1, dtype="float64")
    for layer, shape in ((whole, (6, 5, 3)), (first, (6, 5, 3)), (second, (6, 5, 6))):
        layer.ensure_built(shape)
    first.set_weights(whole.get_weights()[:1])
    second.set_weights(whole.get_weights()[1:])
    np.testing.assert_allclose(
        whole.forward(x), second.forward(first.forward(x)), rtol=1e-12, atol=1e-12
    )


def test_pooling_by_hand() -> None:
    x = np.array([[1, 5, 2], [4, 3, 5], [7, 0, 6]], float).reshape(1, 3, 3, 1)

    def pooled(layer: Layer) -> list[Any]:
        out: list[Any] = layer.forward(x)[0, ..., 0].tolist()
        return out

    assert pooled(MaxPooling2D(2)) == [[5]]
    assert pooled(MaxPooling2D(2, 1)) == [[5, 5], [7, 6]]
    assert pooled(MaxPooling2D(2, padding="same")) == [[5, 5], [7, 6]]
    assert pooled(AveragePooling2D(2, padding="same")) == [[13 / 4, 7 / 2], [7 / 2, 6]]
    assert GlobalAveragePooling2D().forward(x).tolist() == [[33 / 9]]
    assert GlobalMaxPooling2D(keepdims=True).forward(x).tolist() == [[[[7]]]]


def test_the_gradient_goes_to_the_first_of_several_largest_pixels() -> None:
    x = np.ones((1, 2, 2, 1))
    windows, whole = MaxPooling2D(2), GlobalMaxPooling2D()
    windows.forward(x)
    whole.forward(x)
    assert windows.backward(np.full((1, 1, 1, 1), 8.0)).ravel().tolist() == [8, 0, 0, 0]
    assert whole.backward(np.full((1, 1), 8.0)).ravel().tolist() == [2, 2, 2, 2]


def test_nan_is_seen_behind_a_pooling() -> None:
    x = np.array([[1, np.nan], [2, 3]]).reshape(1, 2, 2, 1)
    for layer in (MaxPooling2D(), AveragePooling2D(2), GlobalMaxPooling2D()):
        assert np.isnan(layer.forward(x)).all()


def test_a_network_for_images_learns() -> None:
    set_random_seed(0)
    rng = np.random.default_rng(0)
    x = rng.integers(0, 50, (60, 12, 10, 1))
    y = np.arange(60) % 2
    x[y == 1, 4:8, 3:6] += 150  # a bright spot, which is what there is to learn
    model = Sequential(
        [
            layers.Input((12, 10, 1)),
            layers.Rescaling(1 / 255),
            Conv2D(4, 3, activation="relu"),
            MaxPooling2D(),
            SpatialDropout2D(0.1),
            SeparableConv2D(8, 2, padding="same", activation="relu"),
            GlobalAveragePooling2D(),
            layers.Dense(2, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.optimizer.learning_rate = 0.02
    history = model.fit(x, y, batch_size=10, epochs=30, verbose=0).history
    assert history["accuracy"][-1] == 1


IMAGE = (28, 28, 1)


@pytest.mark.parametrize(
    ("make", "shape", "words"),
    [
        (lambda: Conv2D(2, 5), (4, 9, 1), ["at least 5 x 5", "got 4 x 9", "padding='same'"]),
        (lambda: Conv2D(2, 3, dilation_rate=4), (8, 9, 1), ["at least 9 x 9", "got 8 x 9"]),
        (lambda: Conv2D(2, 3), (784,), ["shape (784,)", "reshape to (n, 28, 28, 1)"]),
        (lambda: Conv2D(2, 3), (28, 28), ["(28, 28)", "reshape to (n, 28, 28, 1)"]),
        (lambda: Conv2D(2, 3), (5, 28, 28, 1), ["height, width, channels", "(5, 28, 28, 1)"]),
        (lambda: MaxPooling2D(3), (2, 5, 1), ["at least 3 x 3", "got 2 x 5"]),
        (lambda: AveragePooling2D(2), (28, 28), ["reshape to (n, 28, 28, 1)"]),
        (lambda: GlobalMaxPooling2D(), (10,), ["flattened", "(n, h, w, c)"]),
        (lambda: ZeroPadding2D(), (28, 28), ["reshape to (n, 28, 28, 1)"]),
        (lambda: SpatialDropout2D(0.5), (784,), ["reshape to (n, 28, 28, 1)"]),
        (lambda: Conv2D(2, 3, strides=-1), IMAGE, ["strides", "positive integer", "-1"]),
        (lambda: Conv2D(2, 3, strides=(1, 2, 1)), IMAGE, ["strides", "or two", "(1, 2, 1)"]),
        (lambda: Conv2D(2, 0), IMAGE, ["kernel_size", "positive integer", "0"]),
        (lambda: Conv2D(2, (3, 1.5)), IMAGE, ["kernel_size", "(3, 1.5)"]),
        (lambda: Conv2D(0, 3), IMAGE, ["filters", "positive integer", "0"]),
        (lambda: Conv2D(2.0, 3), IMAGE, ["filters", "2.0"]),
        (lambda: Conv2D(2, 3, padding="full"), IMAGE, ["padding", "'valid' or 'same'", "'full'"]),
        (
            lambda: Conv2D(2, 3, data_format="channels_first"),
            IMAGE,
            ["data_format", "'channels_last'", "np.moveaxis(x, 1, -1)"],
        ),
        (lambda: Conv2D(2, 3, 2, dilation_rate=2), IMAGE, ["strides", "dilation_rate", "one of"]),
        (lambda: DepthwiseConv2D(3, depth_multiplier=0), IMAGE, ["depth_multiplier", "0"]),
        (lambda: MaxPooling2D(strides=0), IMAGE, ["strides", "positive"]),
        (lambda: MaxPooling2D(padding="causal"), IMAGE, ["padding", "'causal'"]),
        (lambda: ZeroPadding2D(-1), IMAGE, ["padding", "of 0 or more", "-1"]),
        (lambda: ZeroPadding2D((1, -1)), IMAGE, ["padding", "of 0 or more", "-1"]),
        (lambda: ZeroPadding2D((1, 2, 3)), IMAGE, ["padding", "(1, 2, 3)"]),
    ],
)
def test_what_cannot_be_is_refused(make: Any, shape: tuple[int, ...], words: list[str]) -> None:
    says = ".*".join(map(re.escape, words))
    with pytest.raises(ValueError, match=says):
        make().compute_output_shape(shape)


def test_images_without_channels_are_refused_by_a_built_layer_too() -> None:
    layer = Conv2D(2, 3)
    layer.ensure_built((8, 8, 1))
    with pytest.raises(ValueError, match=r"reshape to \(n, 8, 8, 1\)"):
        layer.forward(np.ones((2, 8, 8)))


def test_an_activation_of_ones_own(float64: None) -> None:
    class Doubled(activations.Activation):
        def forward(self, x: np.ndarray) -> np.ndarray:
            return 2 * x

        def backward(self, dout: np.ndarray, x: np.ndarray, out: np.ndarray) -> np.ndarray:
            return 2 * dout

    own, plain = Conv2D(2, 2, activation=Doubled(activations.relu.choose)), Conv2D(2, 2)
    x = np.random.default_rng(0).normal(size=(2, 4, 4, 1))
    for layer in (own, plain):
        layer.ensure_built((4, 4, 1))
    own.set_weights(plain.get_weights())
    np.testing.assert_array_equal(own.forward(x), 2 * plain.forward(x))
    dout = np.ones((2, 3, 3, 2))
    np.testing.assert_array_equal(own.backward(dout), plain.backward(2 * dout))


def test_channels_have_to_fit_the_kernel() -> None:
    for layer in (Conv2D(2, 3), DepthwiseConv2D(3), SeparableConv2D(2, 3)):
        layer.ensure_built((8, 8, 3))
        with pytest.raises(ValueError, match=r"images with 3 channels, got .*\(8, 8, 1\)"):
            layer.forward(np.ones((2, 8, 8, 1), "float32"))


def test_a_gradient_of_another_shape_is_refused() -> None:
    x = np.ones((2, 6, 6, 2), "float32")
    for layer in (Conv2D(2, 3), MaxPooling2D(), AveragePooling2D(2), GlobalMaxPooling2D()):
        layer.ensure_built(x.shape[1:])
        out = layer.forward(x)
        with pytest.raises(ValueError, match="expected dout of shape"):
            layer.backward(np.ones((*out.shape, 1), "float32"))


IN_PIECES = [
    lambda: Conv2D(3, 3, padding="same", activation="tanh", activity_regularizer="l2"),
    lambda: Conv2D(3, 3, padding="same", strides=2, activation="relu"),
    lambda: Conv2D(16, 3, dtype="float64"),
]


@pytest.mark.parametrize("make", IN_PIECES)
def test_images_in_pieces(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some images at a time; one of the pieces is shorter."""
    monkeypatch.setattr(winograd, "MANY", 3)
    x = np.random.default_rng(0).normal(size=(7, 9, 8, 3))
    layer = make()
    found = []
    for bytes_of_a_piece, single in ((10**9, 0), (30_000, 0), (30_000, 10**6)):
        monkeypatch.setattr(convolution, "PIECE", bytes_of_a_piece)
        monkeypatch.setattr(convolution, "SMALL", single)
        out = layer(x)
        dx = layer.backward(np.random.default_rng(1).normal(size=out.shape).astype(out.dtype))
        found.append([out, dx, *(grad.copy() for grad in layer.grads.values())])
    for whole, *others in zip(*found, strict=True):
        for other in others:
            np.testing.assert_allclose(other, whole, rtol=0, atol=2e-5 * np.abs(whole).max())


@given(n=st.integers(0, 100), nbytes=st.integers(0, 10**7))
def test_pieces_are_all_images_in_their_order(n: int, nbytes: int) -> None:
    pieces = convolution.divided(n, nbytes)
    assert [i for piece in pieces for i in range(n)[piece]] == list(range(n))
    longest = convolution.longest(pieces)
    assert (longest - 1) * nbytes <= convolution.PIECE
    assert longest - min(len(range(n)[piece]) for piece in pieces) <= 1


def test_a_layer_that_cannot_take_what_the_one_before_it_puts_out() -> None:
    model = Sequential([MaxPooling2D(4, input_shape=(8, 8, 1)), MaxPooling2D(2)])
    with pytest.raises(ValueError, match="expected images of at least 2 x 2"):
        model.forward(np.ones((2, 4, 4, 1)))


def test_backward_before_forward() -> None:
    for layer in (MaxPooling2D(), AveragePooling2D(2), GlobalMaxPooling2D(), ZeroPadding2D()):
        with pytest.raises(RuntimeError, match="forward has to come before"):
            layer.backward(np.ones((1, 2, 2, 1)))


def test_layers_that_have_seen_different_batches() -> None:
    """One layer in two models: compiled loops would write beside the arrays."""
    shared = Conv2D(4, 3, dtype="float64", input_shape=(8, 8, 1))
    one = Sequential([shared, MaxPooling2D(dtype="float64")])
    other = Sequential([shared, GlobalMaxPooling2D(dtype="float64")])
    out = one.forward(np.ones((4, 8, 8, 1)))
    other.forward(np.ones((30, 8, 8, 1)))
    with pytest.raises(ValueError, match="expected dout of shape"):
        one.backward(out)


@pytest.mark.parametrize("make", [lambda: Conv2D(4, 3), lambda: MaxPooling2D(3)])
def test_a_refused_batch_changes_nothing(make: Any) -> None:
    layer = make()
    out = layer(np.random.default_rng(0).normal(size=(2, 8, 8, 1)).astype("float32"))
    expected = layer.backward(np.ones_like(out))
    with pytest.raises(ValueError, match="expected images of at least 3 x 3"):
        layer.forward(np.ones((3, 2, 2, 1), "float32"))
    np.testing.assert_array_equal(layer.backward(np.ones_like(out)), expected)


def test_one_model_in_two_threads() -> None:
    """Each sends its own batch forth: what is computed does not lie in the layers."""
    layers = [
        Conv2D(8, 3, padding="same"),
        MaxPooling2D(),
        AveragePooling2D(2),
        Flatten(),
        Dense(3),
    ]
    model = Sequential([Input((12, 12, 8)), *layers])
    rng = np.random.default_rng(0)
    batches = [rng.normal(size=(n, 12, 12, 8)).astype("float32") for n in (32, 20)]
    expected = [model.forward(x) for x in batches]
    wrong = []

    def use(x: np.ndarray, right: np.ndarray) -> None:
        for _ in range(100):
            if not np.array_equal(model.forward(x), right):
                wrong.append(len(x))

    users = [
        threading.Thread(target=use, args=pair) for pair in zip(batches, expected, strict=True)
    ]
    for user in users:
        user.start()
    for user in users:
        user.join(timeout=60)
    assert not wrong


@pytest.mark.parametrize("kind", [Conv2D, SeparableConv2D])
def test_the_window_of_keras_1_is_warned_of_in_every_construction(kind: type) -> None:
    name = kind.__name__
    for _ in range(2):
        with pytest.warns(UserWarning, match="strides") as caught:
            layer = kind(32, 3, 3)
        assert (layer.kernel_size, layer.strides) == ((3, 3), (3, 3))
        (one,) = caught
        assert one.filename == __file__
        said = str(one.message)
        assert said.startswith(f"{name}(32, 3, 3): the third place is strides")
        assert f"as in Keras 1, write {name}(32, (3, 3));" in said
        assert "write strides=3," in said


def test_what_can_only_be_strides_is_not_warned_of() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        layers = [
            *(Conv2D(4, 2, strides=2), Conv2D(4, 1, 1), Conv2D(4, 3, 2), Conv2D(4, (2, 2), 2)),
            *(Conv2D(4, 2, (2, 2)), Conv2D(4, kernel_size=2, strides=2)),
        ]
        for layer in layers:
            type(layer).from_config(layer.get_config())
