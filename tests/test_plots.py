"""Figures: held to stored images, and what can be asked of them without looking at pixels.

The images in tests/baseline/ are what ``pytest tests/test_plots.py --mpl-generate-path
tests/baseline`` draws. Look at each before it is committed.
"""

import copy
import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from matplotlib.colors import to_rgb

import tinynet as tn
from tinynet import layers, plots
from tinynet.datasets import apparel, drawn_apparel

HISTORY = {
    "loss": [2.0, 1.2, 0.9, 0.7, 0.5, 0.4],
    "val_loss": [1.8, 1.3, 1.0, 0.9, 0.95, 1.1],
    "accuracy": [0.3, 0.5, 0.6, 0.7, 0.8, 0.85],
    "val_accuracy": [0.35, 0.5, 0.55, 0.62, 0.64, 0.61],
    "learning_rate": [0.1, 0.1, 0.1, 0.05, 0.05, 0.025],
}
COUNTS = np.array([[45, 5, 0], [2, 28, 10], [0, 1, 9]])
NAMES = ["shirt", "trouser", "coat"]
PROBABILITIES = np.array([[0.7, 0.2, 0.1], [0.05, 0.9, 0.05], [0.1, 0.3, 0.6], [0.8, 0.2, 0.0]])
Y_TRUE = np.array([0, 2, 2, 1])

small_image = pytest.mark.mpl_image_compare(savefig_kwargs={"dpi": 40})


@pytest.fixture(autouse=True)
def closed_figures():
    """Begin and end without an open figure; NumPy's kernels, which need no compilation."""
    tn.config.use_kernels("numpy")
    assert plt.get_fignums() == []
    yield
    plt.close("all")


@pytest.fixture
def images():
    return drawn_apparel(4, seed=0)[0] / np.float32(255)


@pytest.fixture
def trained():
    """Return a compiled model that has everything a forward pass may change, and data for it."""
    tn.utils.set_random_seed(0)
    model = tn.Sequential(
        [
            tn.Input((28, 28)),
            layers.Flatten(),
            layers.Dense(12, use_bias=False, kernel_regularizer="l2"),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    x, y = drawn_apparel(64, seed=0)
    x = x / np.float32(255)
    model.fit(x, y, batch_size=16, epochs=1, verbose=0)
    return model, x, y


def convolutional(channels):
    tn.utils.set_random_seed(0)
    return tn.Sequential([tn.Input((9, 9, channels)), layers.Conv2D(6, (3, 4)), layers.Flatten()])


def panel_titles(axes):
    return [ax.get_title() for ax in np.ravel(axes) if ax.axison]


def notes(ax):
    return [text.get_text() for text in ax.texts]


# What they look like.


@small_image
def test_image_of_learning_curves():
    return plots.learning_curves(HISTORY)[0].figure


@small_image
def test_image_of_compare_runs():
    worse = {"val_accuracy": [0.3, 0.42, 0.5, 0.52, 0.5]}
    better = {"val_accuracy": [0.4, 0.6, 0.58, 0.66, 0.7, 0.69]}
    several = {"three seeds": [HISTORY, worse, better], "worse": worse, "better": better}
    return plots.compare_runs(several).figure


@small_image
def test_image_of_confusion_matrix():
    return plots.confusion_matrix(COUNTS, NAMES).figure


@small_image
def test_image_of_confusion_matrix_in_shares():
    return plots.confusion_matrix(COUNTS, NAMES, shares=True).figure


@small_image
def test_image_of_sample_images():
    x, y = drawn_apparel(5, seed=3)
    return plots.sample_images(x, y, apparel.CLASS_NAMES, columns=4)[0, 0].figure


@small_image
def test_image_of_prediction_gallery(images):
    return plots.prediction_gallery(images, Y_TRUE, PROBABILITIES, NAMES, columns=3)[0, 0].figure


@small_image
def test_image_of_first_layer_weights():
    model = tn.Sequential([tn.Input((6, 8)), layers.Flatten(), layers.Dense(12)])
    model.layers[1].params["kernel"][...] = np.linspace(-1, 1, 48 * 12).reshape(12, 48).T
    return plots.first_layer_weights(model, n=10, columns=5)[0, 0].figure


@small_image
def test_image_of_first_layer_weights_in_color():
    return plots.first_layer_weights(convolutional(3), columns=6)[0, 0].figure


@small_image
def test_image_of_activation_histograms(trained):
    model, x, _ = trained
    return plots.activation_histograms(model, x)[0, 0].figure


@small_image
def test_image_of_gradient_histograms(trained):
    model, x, y = trained
    return plots.gradient_histograms(model, x, y)[0, 0].figure


def test_colors_differ_in_lightness():
    # In gray print, and for those who see no colors at all, neighbors have to differ.
    for pair in ((plots.BLUE, plots.ORANGE), (plots.BLUE, plots.SKY), (plots.VERMILION, "black")):
        first, second = (np.dot(to_rgb(each), (0.2126, 0.7152, 0.0722)) for each in pair)
        assert abs(first - second) > 0.2


# Axes: those given are drawn on, and they come back.


def given_axes(rows, columns):
    return plt.subplots(rows, columns, squeeze=False)[1]


def test_axes_that_are_given_are_drawn_on_and_returned(trained, images):
    model, x, y = trained
    drawing = {
        "learning_curves": (given_axes(1, 2), lambda a: plots.learning_curves(HISTORY, axes=a[0])),
        "samples": (given_axes(2, 2), lambda a: plots.sample_images(images, axes=a)),
        "gallery": (
            given_axes(2, 2),
            lambda a: plots.prediction_gallery(images, Y_TRUE, PROBABILITIES, NAMES, axes=a),
        ),
        "weights": (given_axes(3, 4), lambda a: plots.first_layer_weights(model, axes=a)),
        "activations": (given_axes(2, 2), lambda a: plots.activation_histograms(model, x, axes=a)),
        "gradients": (given_axes(1, 5), lambda a: plots.gradient_histograms(model, x, y, axes=a)),
    }
    open_figures = plt.get_fignums()
    for name, (axes, draw) in drawing.items():
        returned = draw(axes)
        assert list(np.ravel(returned)) == list(axes.flat), name
        assert all(ax.has_data() for ax in axes.flat), name
    ax = given_axes(1, 1)[0, 0]
    assert plots.confusion_matrix(COUNTS, ax=ax) is ax and ax.has_data()
    ax = given_axes(1, 1)[0, 0]
    assert plots.compare_runs({"a": HISTORY}, ax=ax) is ax and ax.has_data()
    assert plt.get_fignums()[: len(open_figures)] == open_figures
    assert len(plt.get_fignums()) == len(open_figures) + 2  # the two made above


def test_without_axes_each_makes_one_figure(trained, images):
    model, x, y = trained
    for draw in (
        lambda: plots.learning_curves(HISTORY),
        lambda: plots.compare_runs({"a": HISTORY}),
        lambda: plots.confusion_matrix(COUNTS),
        lambda: plots.sample_images(images),
        lambda: plots.prediction_gallery(images, Y_TRUE, PROBABILITIES, NAMES),
        lambda: plots.first_layer_weights(model),
        lambda: plots.activation_histograms(model, x),
        lambda: plots.gradient_histograms(model, x, y),
    ):
        draw()
        assert len(plt.get_fignums()) == 1
        plt.close("all")


def test_axes_left_over_are_hidden(images):
    axes = given_axes(2, 3)
    plots.sample_images(images, Y_TRUE, NAMES, axes=axes)
    assert [ax.has_data() for ax in axes.flat] == [True] * 4 + [False] * 2
    assert not any(ax.axison for ax in axes.flat)


def test_too_few_axes(images):
    with pytest.raises(ValueError, match="axes: expected 4, one for each panel, got 3"):
        plots.sample_images(images, axes=given_axes(1, 3))
    with pytest.raises(ValueError, match="axes: expected 2, one for each panel, got 1"):
        plots.learning_curves(HISTORY, axes=given_axes(1, 1)[0])
    with pytest.raises(ValueError, match="columns: expected a positive integer, got 0"):
        plots.sample_images(images, columns=0)


# Training.


def test_learning_curves_mark_the_best_epoch_and_the_cuts():
    for monitor, best in (("val_loss", 4), ("val_accuracy", 5), ("loss", 6)):
        for ax in plots.learning_curves(HISTORY, monitor=monitor):
            dot = next(line for line in ax.lines if line.get_label() == f"best epoch ({best})")
            assert list(dot.get_xdata()) == [best]
            cuts = [list(line.get_xdata()) for line in ax.lines if line.get_linestyle() == ":"]
            assert [x for x in cuts if x] == [[3.5, 3.5], [5.5, 5.5]]
    (ax,) = plots.learning_curves({"loss": [2.0, 1.0]})
    assert [line.get_label() for line in ax.lines] == ["training"]


def test_a_single_epoch_is_seen():
    (ax,) = plots.learning_curves({"loss": [2.0], "val_loss": [1.0]}, monitor="none")
    assert [line.get_marker() for line in ax.lines] == [".", "."]
    ax.figure.canvas.draw()
    assert [tick for tick in ax.get_xticks() if 0.9 < tick < 1.1] == [1]


def test_many_names_stand_beside_the_curves():
    for runs in (2, 9):
        ax = plots.compare_runs({f"run {i}": HISTORY for i in range(runs)})
        ax.figure.canvas.draw()
        legend, frame = ax.get_legend().get_window_extent(), ax.get_window_extent()
        assert (legend.x0 > frame.x1) == (runs == 9)
        assert legend.x1 < ax.figure.bbox.x1


def test_runs_stop_at_the_shortest_and_the_band_holds_all():
    runs = [{"loss": [3.0, 2.0, 1.0]}, {"loss": [5.0, 1.0]}]
    ax = plots.compare_runs({"a": runs}, "loss")
    np.testing.assert_allclose(ax.lines[0].get_ydata(), [4.0, 1.5])
    (band,) = ax.collections
    assert band.get_datalim(ax.transData).extents.tolist() == [1, 1, 2, 5]


@pytest.mark.parametrize(
    ("figure", "values", "legend"),
    [
        ("val_accuracy", [0.5, 0.75, 0.6], "a: 0.7500, epoch 2"),
        ("loss", [0.5, 0.75, 0.25], "a: 0.2500, epoch 3"),
        ("mean_squared_error", [0.5, 0.75, 1.0], "a: 0.5000, epoch 1"),
        ("val_loss", [np.nan, 2.0, 3.0], "a: 2.000, epoch 2"),
        ("val_loss", [np.nan, np.nan], "a"),
    ],
)
def test_the_best_of_a_run_is_named_and_marked(figure, values, legend):
    ax = plots.compare_runs({"a": {figure: values}}, figure)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [legend]
    epoch = re.search(r"epoch (\d)", legend)
    assert ax.lines[0].get_markevery() == ([int(epoch[1]) - 1] if epoch else [])


def test_28_runs_look_different():
    ax = plots.compare_runs({str(i): HISTORY for i in range(28)})
    assert len({(line.get_color(), line.get_linestyle()) for line in ax.lines}) == 28


@pytest.mark.parametrize(
    ("histories", "error", "message"),
    [
        ({}, ValueError, "histories: expected at least one run"),
        ([HISTORY], TypeError, "histories: expected a dict from names to histories, got list"),
        ({"a": []}, ValueError, "at least one history of 'a'"),
        ({"a": [HISTORY, [1, 2]]}, TypeError, r"histories\['a'\]: expected a dict .* got list"),
        ({"a": {"loss": [1.0]}}, ValueError, "'a' has no 'val_accuracy', only 'loss'"),
        ({"a": {"val_accuracy": []}}, ValueError, "'a' has no 'val_accuracy', only nothing"),
        ({"a": tn.callbacks.History()}, TypeError, "got History; pass its attribute history"),
    ],
)
def test_histories_that_cannot_be_compared(histories, error, message):
    with pytest.raises(error, match=message):
        plots.compare_runs(histories)
    assert plt.get_fignums() == []


def test_histories_without_curves():
    with pytest.raises(ValueError, match=r"expected 'loss' or 'accuracy'.*got 'mae'"):
        plots.learning_curves({"mae": [1.0]})
    with pytest.raises(ValueError, match="got nothing"):
        plots.learning_curves({"loss": []})
    with pytest.raises(TypeError, match=r"history: .* got History; pass its attribute history"):
        plots.learning_curves(tn.callbacks.History())


# Predictions.


@given(arrays(np.int64, st.integers(1, 4).map(lambda n: (n, n)), elements=st.integers(0, 50)))
def test_the_numbers_of_a_confusion_matrix(counts):
    ax = plots.confusion_matrix(counts)
    shown = {text.get_position(): int(text.get_text()) for text in ax.texts}
    assert shown == {(j, i): counts[i, j] for i, j in np.argwhere(counts)}
    ax = plots.confusion_matrix(counts, shares=True)
    rows = np.zeros(len(counts))
    for text in ax.texts:
        rows[text.get_position()[1]] += float(text.get_text())
    np.testing.assert_allclose(rows, 100.0 * (counts.sum(axis=1) > 0), atol=0.05 * len(counts))
    plt.close("all")


def test_titles_of_predictions(images):
    axes = plots.prediction_gallery(images, Y_TRUE, PROBABILITIES, NAMES)
    assert [ax.get_title() for ax in axes.flat] == [
        "✓ predicted shirt (70%)",
        "✗ predicted trouser (90%)\ntrue class coat (5%)",
        "✓ predicted coat (60%)",
        "✗ predicted shirt (80%)\ntrue class trouser (20%)",
    ]


def test_titles_of_samples(images):
    for given_names, titles in ((NAMES, ["shirt", "coat", "coat", "trouser"]), (None, [*"0221"])):
        axes = plots.sample_images(images, Y_TRUE, given_names)
        assert [ax.get_title() for ax in axes.flat] == titles
    assert {ax.get_title() for ax in plots.sample_images(images).flat} == {""}


def test_images_with_channels(images):
    flat = plots.sample_images(images)[0, 0].images[0].get_array()
    gray = plots.sample_images(images[..., None])[0, 0].images[0].get_array()
    np.testing.assert_array_equal(flat, gray)
    colors = np.repeat(images[..., None], 3, axis=3)
    for given_images in (colors, (255 * colors).astype(np.uint8)):
        shown = plots.sample_images(given_images)[0, 0].images[0].get_array()
        np.testing.assert_array_equal(shown, given_images[0])


@given(
    arrays(np.float64, (12, 4), elements=st.floats(0, 1)),
    arrays(np.int64, 12, elements=st.integers(0, 3)),
    st.integers(1, 12),
)
def test_most_confident_mistakes(probabilities, y_true, n):
    found = plots.most_confident_mistakes(y_true, probabilities, n)
    predicted = probabilities.argmax(axis=1)
    wrong = [i for i in range(12) if predicted[i] != y_true[i]]
    assert list(found) == sorted(wrong, key=lambda i: -probabilities[i].max())[:n]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"images": np.zeros((28, 28))}, r"got \(28, 28\); a single image needs a batch axis"),
        ({"images": np.zeros((4, 8, 8, 2))}, r"images: expected .* got \(4, 8, 8, 2\)"),
        ({"images": np.zeros((0, 8, 8))}, "images: expected at least one"),
        ({"images": np.full((4, 8, 8, 3), 7.5)}, "floats from 0 to 1, got float64 from 7.5 to 7.5"),
        ({"images": np.full((4, 8, 8, 3), -1)}, "integers from 0 to 255 .* from -1 to -1"),
        ({"y_true": [0, 1]}, r"y_true: expected a label for each of the 4 images.*got \(2,\)"),
        ({"y_true": [0, 1, 2, 3]}, "y_true: expected labels from 0 to 2, got 3"),
        ({"y_true": [0.0, 1, 2, 1]}, "y_true: expected integers, got float64"),
        ({"y_true": [0, 1, 2, -1]}, "y_true: expected labels of 0 or more, got -1"),
        ({"probabilities": PROBABILITIES[:3]}, r"probabilities: expected shape \(4, classes\)"),
        ({"class_names": NAMES[:2]}, "class_names: expected 3, one for each class, got 2"),
    ],
)
def test_galleries_of_what_does_not_fit(images, change, message):
    fitting = {"images": images, "y_true": Y_TRUE, "probabilities": PROBABILITIES}
    with pytest.raises(ValueError, match=message):
        plots.prediction_gallery(**{**fitting, "class_names": NAMES, **change})
    assert plt.get_fignums() == []


def test_other_things_that_do_not_fit(images):
    with pytest.raises(ValueError, match="class_names: expected 3, one for each class, got 2"):
        plots.confusion_matrix(COUNTS, NAMES[:2])
    with pytest.raises(ValueError, match=r"counts: expected shape .* got \(2, 3\)"):
        plots.confusion_matrix(COUNTS[:2])
    with pytest.raises(ValueError, match=r"labels: expected a label for each of the 4 images"):
        plots.sample_images(images, Y_TRUE[:3])
    with pytest.raises(ValueError, match="class_names: expected a name for each label up to 2"):
        plots.sample_images(images, Y_TRUE, NAMES[:2])
    with pytest.raises(ValueError, match=r"probabilities: expected shape \(3, classes\)"):
        plots.most_confident_mistakes(Y_TRUE[:3], PROBABILITIES)


# Inside.


def test_weights_of_a_dense_layer(trained):
    model, _, _ = trained
    kernel = model.layers[1].params["kernel"]
    axes = plots.first_layer_weights(model, n=5)
    for k, ax in enumerate(axes.flat):
        (image,) = ax.images
        np.testing.assert_array_equal(image.get_array(), kernel[:, k].reshape(28, 28))
        assert image.norm.vmax == -image.norm.vmin == np.abs(kernel[:, :5]).max()  # 0 is white
    assert axes.shape == (1, 5)
    folded = plots.first_layer_weights(model, (14, 56))[0, 0].images[0].get_array()
    np.testing.assert_array_equal(folded, kernel[:, 0].reshape(14, 56))


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_weights_of_a_convolution(channels):
    model = convolutional(channels)
    kernel = model.layers[0].params["kernel"]
    axes = plots.first_layer_weights(model)
    shown = axes.flat[5].images[0].get_array()
    if channels == 3:
        expected = 0.5 + kernel[..., 5] / (2 * np.abs(kernel).max())  # 0 is gray
    else:
        expected = kernel[..., 5].mean(axis=2)
    np.testing.assert_allclose(shown, expected, rtol=1e-6, atol=1e-6)
    assert len(axes.flat) == 6


@pytest.mark.parametrize("kind", [layers.DepthwiseConv2D, layers.SeparableConv2D])
def test_a_depthwise_kernel_is_an_image_for_each_channel(kind):
    arguments = {"depth_multiplier": 2, "kernel_size": 3}
    if kind is layers.SeparableConv2D:
        arguments["filters"] = 5
    model = tn.Sequential([tn.Input((9, 9, 3)), kind(**arguments)])
    kernel = next(iter(model.layers[0].params.values()))
    axes = plots.first_layer_weights(model)
    assert len(axes.flat) == 6
    np.testing.assert_array_equal(axes.flat[3].images[0].get_array(), kernel[:, :, 1, 1])


def test_weights_behind_layers_without_a_kernel_fold_to_a_square():
    model = tn.Sequential([tn.Input((16,)), layers.BatchNormalization(), layers.Dense(3)])
    assert plots.first_layer_weights(model)[0, 0].images[0].get_array().shape == (4, 4)


def test_weights_that_cannot_be_shown():
    model = tn.Sequential([tn.Input((12,)), layers.Dense(3)])
    with pytest.raises(ValueError, match="the 12 inputs of a unit make no square"):
        plots.first_layer_weights(model)
    with pytest.raises(ValueError, match=r"a product of 12, the inputs of a unit, got \(3, 5\)"):
        plots.first_layer_weights(model, (3, 5))
    with pytest.raises(ValueError, match="n: expected a positive integer, got 0"):
        plots.first_layer_weights(model, (3, 4), n=0)
    with pytest.raises(ValueError, match="expected a layer with a kernel, there is none"):
        plots.first_layer_weights(tn.Sequential([tn.Input((12,)), layers.BatchNormalization()]))
    with pytest.raises(ValueError, match="has no weights yet"):
        plots.first_layer_weights(tn.Sequential([layers.Dense(3)]))


def test_activations_of_layers_that_compute(trained):
    model, x, _ = trained
    axes = plots.activation_histograms(model, x)
    assert panel_titles(axes) == ["dense", "batch_normalization", "re_lu", "dense_1"]
    hidden = model.layers[2].forward(model.layers[1].forward(x.reshape(64, 784)))
    zeros = np.mean(hidden <= 0)
    assert notes(axes.flat[2])[0] == f"{zeros:.1%} exactly 0"
    bars = sum(bar.get_height() for bar in axes.flat[2].patches)
    assert bars == pytest.approx(1 - zeros)


def test_dead_units_are_counted():
    model = tn.Sequential([tn.Input((3,)), layers.Dense(5, activation="relu")])
    model.layers[0].params["kernel"][...] = 0
    model.layers[0].params["kernel"][0, 1] = -2  # 0 for the first of the three samples
    model.layers[0].params["bias"][...] = [-1, 1, 1, -1, 1]
    axes = plots.activation_histograms(model, np.eye(3))
    assert notes(axes[0, 0]) == ["46.7% exactly 0", "2 of 5 always 0"]


def test_outputs_that_are_all_zero_or_infinite_are_told():
    model = tn.Sequential([tn.Input((3,)), layers.Dense(2)])
    model.layers[0].params["kernel"][...] = 0
    assert "100.0% exactly 0" in notes(plots.activation_histograms(model, np.eye(3))[0, 0])
    model.layers[0].params["bias"][...] = [np.inf, 1]
    assert "50.0% not finite" in notes(plots.activation_histograms(model, np.eye(3))[0, 0])


def test_gradients_are_those_of_a_training_step(trained):
    model, x, y = trained
    axes = plots.gradient_histograms(model, x, y)
    model.compile(tn.optimizers.SGD(1.0), "sparse_categorical_crossentropy")
    before = {name: weight.copy() for name, weight in model.params.items()}
    model.train_on_batch(x, y)
    assert panel_titles(axes) == list(before)
    for ax, (name, weight) in zip(axes.flat, model.params.items(), strict=False):
        step = before[name] - weight
        drawn = [ax.patches[0].get_x(), ax.patches[-1].get_x() + ax.patches[-1].get_width()]
        np.testing.assert_allclose(drawn, [step.min(), step.max()], atol=2e-6, err_msg=name)


def test_gradients_leave_the_model_as_it_was(trained):
    model, x, y = trained
    twin = copy.deepcopy(model)
    grads = {name: each.copy() for name, each in model.grads.items()}
    plots.gradient_histograms(model, x[:32], y[:32])
    for name, gradient in model.grads.items():
        np.testing.assert_array_equal(gradient, grads[name])
    for weight, kept in zip(model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, kept)
    assert model.figures.results() == twin.figures.results()
    state, kept = model.optimizer.get_state(), twin.optimizer.get_state()
    assert state.keys() == kept.keys()
    assert all(np.array_equal(state[key], kept[key]) for key in state)
    # Moving statistics and places in random sequences show in what comes next.
    assert model.train_on_batch(x, y) == twin.train_on_batch(x, y)
    for weight, kept in zip(model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, kept)


def test_models_that_are_not_ready(trained):
    model, x, y = trained
    bare = tn.Sequential([layers.Dense(3)])
    for draw in (
        lambda: plots.activation_histograms(bare, x),
        lambda: plots.gradient_histograms(bare, x, y),
    ):
        with pytest.raises(ValueError, match="has no weights yet"):
            draw()
    uncompiled = tn.Sequential([tn.Input((28, 28)), layers.Flatten(), layers.Dense(10)])
    with pytest.raises(RuntimeError, match="the model is not compiled"):
        plots.gradient_histograms(uncompiled, x, y)
    with pytest.raises(ValueError, match="y: expected targets, got None"):
        plots.gradient_histograms(model, x, None)
    with pytest.raises(ValueError, match="x: expected samples of shape"):
        plots.activation_histograms(model, x[0])
    with pytest.raises(ValueError, match="64 in x, 63 in y"):
        plots.gradient_histograms(model, x, y[1:])
    with pytest.raises(ValueError, match="no layer does anything but pass on its input"):
        plots.activation_histograms(tn.Sequential([tn.Input((28, 28)), layers.Flatten()]), x)
    model.trainable = False
    with pytest.raises(ValueError, match="has no trainable weights"):
        plots.gradient_histograms(model, x, y)
    assert plt.get_fignums() == []
