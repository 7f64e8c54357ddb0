"""The page of a trace writes out how each number came about, and the sums come to what was traced.

The networks have a line of every kernel; each number that a line writes is pointed at, and what the
page then says is computed and compared with the recorded array. Numbers are written with twelve
digits here.
"""

import copy
import functools
import math
import re

import numpy as np
import pytest

import tinynet as tn
from tinynet.kernels import KERNELS
from tinynet.tracing import page, sums

# The rest is no arithmetic that can be followed with a pencil, or is never a line of a step.
WITHOUT_A_RULE = {
    "uniform_float32": "ten rounds of a random generator",
    "uniform_float64": "the same, for models in float64",
    "philox": "draws outside of a step: initializers and orders",
    "box_muller": "called in lines of Python, by GaussianNoise, and by initializers",
    "shuffle": "the order of an epoch, before its steps",
    "source_points": "called in lines of Python, by layers that change images at random",
    "bilinear": "the same",
    "bilinear_backward": "the same",
    "nearest": "the same",
    "nearest_backward": "the same",
    "convolve": "the definition, which tests compare the fast ways with",
    "convolve_kernel_gradient": "the same",
    "convolve_input_gradient": "the same",
}


def vectors(*inner, loss="mse", optimizer="sgd", y=None, metrics=()):
    """Return a network for vectors with three outputs, and a batch of four."""
    model = tn.Sequential([tn.Input((5,)), *copy.deepcopy(inner)])
    model.compile(optimizer, loss, metrics=list(metrics))
    rng = np.random.default_rng(3)
    x, targets = rng.normal(size=(4, 5)), rng.random((4, 3))
    return model, x, targets if y is None else y


def pictures(*inner, shape=(7, 6, 2)):
    """Return a network for small images, and a batch of two."""
    model = tn.Sequential([tn.Input(shape), *inner, tn.layers.Flatten(), tn.layers.Dense(2)])
    model.compile("sgd", "mse")
    rng = np.random.default_rng(3)
    return model, rng.normal(size=(2, *shape)), rng.normal(size=(2, 2))


def branches():
    """Return a network whose branches share a layer and meet in every way, and a batch of four."""
    layers = tn.layers
    x = tn.Input((5,))
    a, b = layers.Dense(3)(x), layers.Dense(3, activation="tanh")(x)
    ways = "Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"
    shared = layers.Dense(2)
    met = [shared(a), shared(b), *(getattr(layers, way)()([a, b]) for way in ways)]
    model = tn.Model(x, layers.Dense(3)(layers.Concatenate()(met)))
    model.compile("sgd", "mse")
    rng = np.random.default_rng(3)
    return model, rng.normal(size=(4, 5)), rng.random((4, 3))


def at_bends():
    """Return a network in which activations meet the places where they bend."""
    layers, of = tn.layers, tn.activations
    each = ["celu", of.celu.with_options(alpha=1.5), "hard_tanh", "hard_sigmoid"]
    each += ["sparse_sigmoid", "hard_silu", of.threshold.with_options(threshold=0.5)]
    each += ["hard_shrink", "soft_shrink", "sparse_plus", "mish", "log_sigmoid", "tanh_shrink"]
    each += ["squareplus", "log_softmax"]
    x = tn.Input((5,))
    same = layers.PReLU(alpha_initializer="ones")(x)
    met = [layers.Activation(bend)(same) for bend in each]
    met.append(layers.PReLU(alpha_initializer="random_normal")(same))
    model = tn.Model(x, layers.Dense(3)(layers.Add()(met)))
    model.compile(tn.optimizers.SGD(0.0), "mse")
    places = np.array([[-4, -3, -1, -0.7, -0.5], [-0.2, 0, 0.2, 0.3, 0.5], [0.7, 1, 2, 3, 4]])
    return model, places, np.ones((3, 3))


@functools.cache
def networks():
    """Return networks that together call every kernel that can be a line of a step."""
    layers, losses, optimizers, out = tn.layers, tn.losses, tn.optimizers, tn.layers.Dense(3)
    labels, one_of = np.array([0, 2, 1, 1], np.uint8), np.eye(3)[[0, 2, 1, 1]]
    bends = ["elu", "selu", "leaky_relu", "softplus", "softsign", "silu", "gelu", "tanh", "sigmoid"]
    bends += ["exponential", "softmax", tn.activations.gelu.with_options(approximate=True)]
    step = layers.ReLU(max_value=0.9, negative_slope=0.1, threshold=0.3)
    probable = layers.Dense(3, activation="sigmoid"), layers.Rescaling(0.9, 0.05)
    extreme = layers.Dense(3), layers.ReLU(max_value=1.0)
    top = layers.Dense(3, activation="softmax")
    averaged = functools.partial(optimizers.SGD, 0.1, use_ema=True, ema_overwrite_frequency=1)
    sparse, smooth = losses.SparseCategoricalCrossentropy(), losses.CategoricalCrossentropy()
    return {
        "branches": branches(),
        "bends": at_bends(),
        "activations": vectors(*(layers.Dense(4, activation=each) for each in bends), out),
        "rectifiers": vectors(layers.Dense(4), step, layers.ReLU(6), layers.ReLU(), out),
        "normalizations": vectors(
            layers.Rescaling(2.0, 0.5),
            layers.Dense(4),
            layers.BatchNormalization(),
            layers.BatchNormalization(trainable=False),
            layers.LayerNormalization(gamma_initializer="random_normal"),
            layers.Dropout(0.4),
            out,
        ),
        "unit rows": vectors(
            layers.Dense(4), layers.UnitNormalization(), layers.AlphaDropout(0.4), out
        ),
        "larger": pictures(layers.Conv2D(2, 2), layers.UpSampling2D((2, 3)), shape=(4, 3, 2)),
        "by channel": pictures(
            layers.Rescaling([0.1, 0.2], [0.5, -1.0]),
            layers.Conv2D(2, 3, padding="same"),
            shape=(4, 4, 2),
        ),
        "convolutions": pictures(
            layers.Conv2D(2, (3, 2), strides=(2, 1)), layers.Conv2D(3, 2, dilation_rate=2)
        ),
        "padded": pictures(
            layers.Conv2D(2, 1),
            layers.BatchNormalization(),
            layers.DepthwiseConv2D(3, depth_multiplier=2, padding="same"),
        ),
        "largest": pictures(layers.Conv2D(2, 2), layers.MaxPooling2D((3, 2), 1, padding="same")),
        "means": pictures(layers.Conv2D(2, 2), layers.AveragePooling2D(3, 2, padding="same")),
        "largest of all": pictures(layers.Conv2D(2, 2), layers.GlobalMaxPooling2D()),
        "tiles": pictures(
            layers.Conv2D(16, 1), layers.Conv2D(16, 3, padding="same"), shape=(6, 6, 1)
        ),
        "labels": vectors(top, loss=sparse, optimizer="adam", y=labels, metrics=["accuracy"]),
        "classes": vectors(top, loss=smooth, optimizer=optimizers.AdamW(0.01), y=one_of),
        "yes or no": vectors(
            layers.Dense(3, activation="sigmoid"),
            loss="binary_crossentropy",
            optimizer=optimizers.Adam(amsgrad=True),
        ),
        "probable labels": vectors(*probable, loss=sparse, optimizer="nadam", y=labels),
        "probable classes": vectors(*probable, loss=smooth, optimizer="adagrad"),
        "probably": vectors(*probable, loss="binary_crossentropy", optimizer="rmsprop"),
        "extreme labels": vectors(*extreme, loss=sparse, y=labels),
        "extreme": vectors(*extreme, loss="binary_crossentropy"),
        "focal": vectors(top, loss=losses.CategoricalFocalCrossentropy(), y=one_of),
        "focal shares": vectors(*probable, loss=losses.CategoricalFocalCrossentropy(gamma=1.5)),
        "focal yes or no": vectors(
            layers.Dense(3, activation="sigmoid"), loss=losses.BinaryFocalCrossentropy(gamma=3)
        ),
        "focal and probable": vectors(
            *probable, loss=losses.BinaryFocalCrossentropy(True), y=one_of
        ),
        "divergence": vectors(*probable, loss="kl_divergence"),
        "hinges": vectors(*extreme, loss="hinge", y=2 * one_of - 1),
        "squared hinges": vectors(*extreme, loss="squared_hinge", y=2 * one_of - 1),
        "rivals": vectors(*extreme, loss="categorical_hinge", y=one_of),
        "angles": vectors(out, loss="cosine_similarity", optimizer=optimizers.Lion(0.1)),
        "percentages": vectors(out, loss="mape", optimizer=optimizers.Adadelta(0.1)),
        "logarithms": vectors(out, loss="msle", optimizer=averaged(ema_overwrite_frequency=3)),
        "smooth": vectors(out, loss="log_cosh", optimizer=averaged()),
        "counts": vectors(*probable, loss="poisson", optimizer=optimizers.Adamax(0.1)),
        "absolute": vectors(
            out, loss="mae", optimizer=optimizers.RMSprop(0.1, momentum=0.5, centered=True)
        ),
        "between": vectors(out, loss=losses.Huber(0.8), optimizer=optimizers.SGD(0.1, 0.9)),
        "first average": vectors(out, optimizer=averaged()),
        "constraints": vectors(
            layers.Dense(4, kernel_constraint="non_neg"),
            layers.Dense(4, kernel_constraint="unit_norm"),
            layers.Dense(4, kernel_constraint=tn.constraints.MaxNorm(0.8)),
            layers.Dense(4, kernel_constraint=tn.constraints.MinMaxNorm(0.4, 0.7, 0.5, axis=1)),
            out,
        ),
        "ahead": vectors(out, optimizer=optimizers.SGD(0.1, 0.9, nesterov=True, weight_decay=0.1)),
    }


# Points at every number of every line: its line, the kernel's argument, and what the page says.
POINT_AT_ALL = """() => [...document.querySelectorAll("nav button")].flatMap((button, line) => {
  button.click();
  return [...document.querySelectorAll("td.cell")].map((cell) => {
    cell.click();
    const lit = document.querySelectorAll("td.from").length;
    return [line, cell.at.key, document.getElementById("say").textContent, lit];
  });
})"""


def phi(x):
    """Return the standard normal distribution function."""
    return math.erfc(-x / math.sqrt(2)) / 2


FUNCTIONS = {
    "exp": math.exp,
    "log": math.log,
    "max": max,
    "min": min,
    "tanh": math.tanh,
    "cosh": math.cosh,
    "sqrt": math.sqrt,
    "abs": abs,
    "Phi": phi,
    "density": lambda x: math.exp(-x * x / 2) / math.sqrt(2 * math.pi),
}
SIGNS = {
    "\N{MINUS SIGN}": "-",
    "·": "*",
    "²": "**2",
    "³": "**3",
    "^": "**",
    "√": "sqrt",
    "mod": "%",
}
SIGNS |= {"Φ": "Phi", "φ": "density"}


def computed(text):
    """Return what a calculation such as "exp(1) · 2² + 0.5 (the other 3)" comes to."""
    text = re.sub(r" \(the other \d+\)", "", text)
    for sign, python in SIGNS.items():
        text = text.replace(sign, python)
    text = re.sub(r"\|([^|]*)\|", r"abs(\1)", text)
    assert set(re.findall(r"[A-Za-z]\w*", re.sub(r"\de[-+]?\d", "", text))) <= set(FUNCTIONS), text
    return eval(text, {"__builtins__": {}}, FUNCTIONS)


@pytest.fixture(scope="module", autouse=True)
def many_digits():
    """Write all digits into the pages."""
    form = tn.config.kernels()
    tn.config.use_kernels("numpy")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sums.plain, "__defaults__", (17,))
        patch.setattr(sums, "FEWER_DIGITS", 17)
        yield
    tn.config.use_kernels(form)


@functools.cache
def traced(name):
    """Return the trace of a network: of its second step, so that no slot is 0 before it."""
    model, x, y = networks()[name]
    tn.utils.set_random_seed(1)
    if not name.startswith("first "):
        model.fit(x, y, verbose=0)
    return tn.trace(model, x, y)


def explained(name, browser, path):
    """Yield kernel, recorded number, what the page of a network says of it, and how many lit."""
    trace = traced(name)
    text = page.page(trace)
    assert text.count("write(value, 4)") == 1
    path.write_text(text.replace("write(value, 4)", "write(value, 12)"))
    tab = browser.new_page()
    tab.goto(path.as_uri())
    said = tab.evaluate(POINT_AT_ALL)
    tab.close()
    for number, key, text, lit in said:
        line = trace.lines[number]
        for array in line.writes:
            if line.title in KERNELS and array.argument == key:
                text = text.split("In their middle:\n")[-1].split("\nNudged")[0]
                place = re.match(r".*?(?:\[([\d, ]+)\])? = ", text)
                index = tuple(map(int, place[1].split(", "))) if place[1] else ()
                yield line.title, float(array.values[index]), text[place.end() :], lit


def test_every_kernel_has_a_line_or_a_reason():
    titles = {line.title for name in networks() for line in traced(name).lines}
    without = set(WITHOUT_A_RULE) - {"uniform_float32"}
    assert titles & set(KERNELS) == set(KERNELS) - without


@pytest.mark.parametrize("network", networks())
def test_every_number_is_what_is_written_out(network, browser, tmp_path):
    checked = 0
    for kernel, recorded, text, lit in explained(network, browser, tmp_path / "page.html"):
        if kernel in WITHOUT_A_RULE:
            continue
        told = re.fullmatch(r"(([^ ]+)), since (?!.*; that is [^ ]+$).*", text, re.DOTALL)
        told = told or re.fullmatch(r"(.*?)(?: = |, since .*; that is )([^ ]+)", text, re.DOTALL)
        assert told, f"{kernel}: {text}"
        assert computed(told[2]) == pytest.approx(recorded, rel=1e-11), f"{kernel}: {text}"
        assert computed(told[1]) == pytest.approx(recorded, rel=2e-5, abs=2e-6), f"{kernel}: {text}"
        # Tiles need so many channels that not all have room on a page.
        assert lit > 0 or told[1] == "0" or network == "tiles", f"{kernel}: {text}"
        checked += 1
    assert checked > 100


def hovered(tab, line, key, place):
    """Return what a page says of a number of a line, given by its title and what it writes."""
    tab.locator("nav button", has_text=line).first.click()
    return tab.evaluate(
        """([key, place]) => {
          const cell = [...document.querySelectorAll("td.cell")].find((each) =>
            each.at.key === key && each.at.place === place);
          cell.click();
          return document.getElementById("say").textContent;
        }""",
        [key, place],
    ).replace("\N{MINUS SIGN}", "-")


def shown(model, x, y, browser, path):
    """Open the page of a step."""
    tn.trace(model, x, y).to_html(path)
    tab = browser.new_page()
    tab.goto(path.as_uri())
    return tab


def test_a_sum_of_one_term_is_followed_to_its_source(browser, tmp_path):
    """One image: the sum over the images, of the gradient of a kernel, has a single term."""
    model = tn.Sequential([tn.Input((3, 4, 1)), tn.layers.Conv2D(1, 2, use_bias=False, name="c")])
    model.compile("sgd", "mae")
    x = np.array([1.0, 0, 2, 1, 0, 3, 1, 0, 2, 1, 0, 1]).reshape(1, 3, 4, 1)
    tab = shown(model, x, np.full((1, 2, 3, 1), -9.0), browser, tmp_path / "page.html")
    text = hovered(tab, "column_sum → d c/kernel", "out", 0).split("\nNudged")[0]
    tab.close()
    told = re.fullmatch(r".* = (\S+), since there is one term, c\.\S+\[.*\] = (.*)", text)
    assert told, text
    total, source = told.groups()
    calculation, result = source.split(" = ")
    assert total == result
    # The mean of six absolute errors, all with a slope of 1/6: 1 + 0 + 2 + 0 + 3 + 1 times that.
    assert computed(calculation) == pytest.approx(7 / 6, abs=1e-3)


def test_a_window_names_the_gradient_that_it_hands_on(browser, tmp_path):
    model = tn.Sequential(
        [tn.Input((2, 2, 1)), tn.layers.Conv2D(1, 1, name="c"), tn.layers.MaxPooling2D(name="p")]
    )
    model.compile("sgd", "mae")
    model.set_weights([np.ones((1, 1, 1, 1)), np.zeros(1)])
    x = np.array([1.0, 4, 2, 3]).reshape(1, 2, 2, 1)
    tab = shown(model, x, np.zeros((1, 1, 1, 1)), browser, tmp_path / "page.html")
    said = [hovered(tab, "max_pool_backward → p.dx", "dx", place) for place in (0, 1)]
    tab.close()
    assert said == [
        "p.dx[0, 0, 0, 0] = 0, since no window has chosen it as its largest",
        "p.dx[0, 0, 1, 0] = 1, since it was chosen in the window whose gradient is "
        "loss.dpredictions[0, 0]",
    ]


def test_at_a_tie_a_pixel_that_got_nothing_is_not_said_to_be_smaller(browser, tmp_path):
    """Two of four pixels are the largest: the first was chosen, and the other was as large."""
    model = tn.Sequential(
        [tn.Input((2, 2, 1)), tn.layers.Conv2D(1, 1, name="c"), tn.layers.MaxPooling2D(name="p")]
    )
    model.compile("sgd", "mae")
    model.set_weights([np.ones((1, 1, 1, 1)), np.zeros(1)])
    x = np.array([1.0, 4, 2, 4]).reshape(1, 2, 2, 1)
    tab = shown(model, x, np.zeros((1, 1, 1, 1)), browser, tmp_path / "page.html")
    which = hovered(tab, "max_pool → p.out", "which", 0)
    said = [hovered(tab, "max_pool_backward → p.dx", "dx", place) for place in (1, 3)]
    tab.close()
    assert which == (
        "p.which[0, 0, 0, 0] = 0 · 2 + 1, since the largest number, 4, is in row 0 and column 1 "
        "of the window, as the first of 2; that is 1"
    )
    assert said == [
        "p.dx[0, 0, 1, 0] = 1, since it was chosen in the window whose gradient is "
        "loss.dpredictions[0, 0]",
        "p.dx[0, 1, 1, 0] = 0, since no window has chosen it as its largest",
    ]


def test_a_penalty_is_added_and_only_the_sum_is_compared_with_nudges(browser, tmp_path):
    """The gradient of the data, then that with the penalty; and the weight before and after."""
    rule = tn.regularizers.L1L2(0.25, 0.1)
    top = tn.layers.Dense(1, use_bias=False, kernel_regularizer=rule, name="top")
    model = tn.Sequential([tn.Input((2,)), top])
    model.compile(tn.optimizers.SGD(0.5), "mse")
    model.set_weights([[[2.0], [-1.0]]])
    tab = shown(model, np.eye(2), np.array([[1.0], [0.0]]), browser, tmp_path / "page.html")
    penalty = "python Layer._add_penalty_gradient"
    told = hovered(tab, penalty, "d top/kernel", 1)
    others = {
        ("product → d top/kernel", "out"): False,
        (penalty, "d top/kernel before"): False,
        (penalty, "d top/kernel"): True,
        ("sgd → top/kernel", "g"): True,
        ("sgd → top/kernel", "w before"): True,
        ("sgd → top/kernel", "w"): False,
    }
    measured = {each: "Nudged a little" in hovered(tab, *each, 1) for each in others}
    tab.close()
    calculation = re.match(r"d top/kernel\[1, 0\] = (.*) = -1.45\n", told)[1]
    assert calculation == "-1 + 0.25 · sign(-1) + 2 · 0.1 · (-1)"
    assert measured == others
