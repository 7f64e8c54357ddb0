"""The playground in a browser: it computes what tinynet does, it learns, and anyone can use it."""

import re
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest

import tinynet as tn

DOCS = Path(__file__).parents[1]
FILES = DOCS / "_static" / "playground"
SCRIPTS = ("net.js", "run.js", "page.js")
BUILT = DOCS / "_build" / "html" / "playground.html"
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 800}
STEPS, ROWS, RATE = 100, 60, 0.25


@pytest.fixture(scope="module")
def arithmetic(browser):
    """Return what runs a line of JavaScript where there is only the arithmetic, and no page."""
    context = browser.new_context()
    tab = context.new_page()
    for name in SCRIPTS[:2]:
        tab.add_script_tag(content=(FILES / name).read_text(encoding="utf-8"))
    yield tab.evaluate
    context.close()


def digits():
    """Return what docs/_ext/digits.py puts on the page: the images."""
    pytest.importorskip("sklearn")
    spec = spec_from_file_location("digits", DOCS / "_ext" / "digits.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.frame()


@pytest.fixture
def tab(watched, request):
    """Open a page with the playground and nothing else; no request may be made, nothing go wrong.

    A parameter is what stands before the playground.
    """
    tab = watched(DESK)
    before = request.param() if hasattr(request, "param") else ""
    tab.set_content(f'<!DOCTYPE html><html lang="en"><body>{before}<div id="playground"></div>')
    tab.add_style_tag(content=(FILES / "playground.css").read_text(encoding="utf-8"))
    for name in SCRIPTS:
        tab.add_script_tag(content=(FILES / name).read_text(encoding="utf-8"))
    yield tab
    assert not tab.complaints


OPTIMIZERS = {
    "sgd": lambda: tn.optimizers.SGD(0.1),
    "momentum": lambda: tn.optimizers.SGD(0.1, momentum=0.9),
    "rmsprop": lambda: tn.optimizers.RMSprop(0.01),
    "adam": lambda: tn.optimizers.Adam(0.01),
}


def network(activation, batch_norm, dropout, optimizer):
    """Return tinynet's network: 2 inputs, hidden layers of 5 and 4 units, 3 classes."""
    layers = [tn.Input((2,), dtype="float64")]
    for number, units in enumerate((5, 4), start=1):
        if batch_norm:
            layers += [
                tn.layers.Dense(units, dtype="float64"),
                tn.layers.BatchNormalization(dtype="float64"),
                tn.layers.Activation(activation, dtype="float64"),
            ]
        else:
            layers.append(tn.layers.Dense(units, activation=activation, dtype="float64"))
        if dropout:
            layers.append(tn.layers.Dropout(dropout, seed=number, dtype="float64"))
    layers.append(tn.layers.Dense(3, activation="softmax", dtype="float64"))
    model = tn.Sequential(layers)
    model.compile(OPTIMIZERS[optimizer](), "sparse_categorical_crossentropy")
    return model


def batches():
    """Return the rows of each step: 16, and 12 at the end of each epoch."""
    rng = np.random.default_rng(5)
    epochs = [np.split(rng.permutation(ROWS), [16, 32, 48]) for _ in range(STEPS // 4)]
    return [rows for epoch in epochs for rows in epoch]


def uniforms(sizes):
    """Return the numbers that tinynet's two dropout layers will draw, for each step."""
    draws = [tn.random.SeedGenerator(seed) for seed in (1, 2)]
    return [
        [
            tn.random.uniform((n, units), dtype="float64", seed=draw).tolist()
            for units, draw in zip((5, 4), draws, strict=True)
        ]
        for n in sizes
    ]


@pytest.mark.parametrize("dropout", [0, RATE])
@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("activation", ["linear", "relu", "tanh", "sigmoid"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_hundred_steps_are_those_of_tinynet(
    arithmetic, optimizer, activation, batch_norm, dropout
):
    tn.utils.set_random_seed(3)
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(ROWS, 2)), rng.integers(0, 3, ROWS)
    model = network(activation, batch_norm, dropout, optimizer)
    order = batches()
    theirs = arithmetic(
        "config => playground.train(config)",
        {
            "x": x.tolist(),
            "y": y.tolist(),
            "hidden": [5, 4],
            "classes": 3,
            "activation": activation,
            "batchNorm": batch_norm,
            "dropout": dropout,
            "optimizer": optimizer,
            "learningRate": model.optimizer.learning_rate,
            "weights": [np.ravel(weight).tolist() for weight in trained(model)],
            "batches": [rows.tolist() for rows in order],
            "uniforms": uniforms(map(len, order)) if dropout else None,
        },
    )
    losses = [float(model.train_on_batch(x[rows], y[rows])) for rows in order]
    assert losses[-1] != pytest.approx(losses[0], abs=1e-3)
    np.testing.assert_allclose(theirs["losses"], losses, rtol=0, atol=1e-6)
    np.testing.assert_allclose(
        np.concatenate(theirs["weights"]),
        np.concatenate([np.ravel(weight) for weight in trained(model)]),
        rtol=0,
        atol=1e-6,
    )
    predicted = model.predict(x, verbose=0)
    np.testing.assert_allclose(theirs["probabilities"], np.ravel(predicted), rtol=0, atol=1e-6)


def trained(model):
    """Return the weights that are learned, layer by layer, in the order of the page."""
    return [value.copy() for layer in model.layers for value in layer.params.values()]


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("dropout", [0, RATE])
@pytest.mark.parametrize("activation", ["linear", "relu"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_the_lines_of_a_step_are_those_of_tinynet(
    arithmetic, optimizer, activation, batch_norm, dropout
):
    model = network(activation, batch_norm, dropout, optimizer)
    ours = [line.title for line in model.step(batch_size=32).lines]
    # What keeps the books, and what draws: the page has its own.
    without = {"next_rows", "add_mean", "next_pair", "uniform_float64"}
    theirs = arithmetic(
        "choices => playground.start(choices).next().map((line) => line.kernel)",
        {
            "hidden": [5, 4],
            "activation": activation,
            "batchNorm": batch_norm,
            "dropout": dropout,
            "optimizer": optimizer,
        },
    )
    assert theirs == [name for name in ours if name not in without]


def test_random_numbers_are_those_of_marsaglia(arithmetic):
    drawn = arithmetic(
        "(() => { const next = playground.generator(6); return [next(), next()] })()"
    )
    state, numbers = 7 * 2654435761 % 2**32, []
    for _ in range(18):
        state ^= state << 13 & 0xFFFFFFFF
        state ^= state >> 17
        state ^= state << 5 & 0xFFFFFFFF
        numbers.append(state / 2**32)
    assert drawn == numbers[16:]


def after(arithmetic, steps, **choices):
    """Return the loss and the accuracy on the training points after some steps of a run."""
    told = arithmetic(
        """([choices, steps]) => {
            const run = playground.start(choices);
            run.advance(steps);
            const grad = Math.max(...run.net.params[0].grad.data.map(Math.abs));
            return { ...run.measured().training, grad };
        }""",
        [choices, steps],
    )
    return told["loss"], told["accuracy"], told["grad"]


# The experiments of docs/playground.md, as they are told there.


def test_without_a_hidden_layer_xor_is_not_learned(arithmetic):
    for hidden in ([], [8, 8, 8]):
        loss, accuracy, _ = after(arithmetic, 500, hidden=hidden, activation="linear")
        assert loss > 0.68 and accuracy < 0.75
    assert after(arithmetic, 200)[1] == 1


def test_three_sigmoids_do_not_start_and_three_relus_do(arithmetic):
    choices = {"hidden": [8, 8, 8], "optimizer": "sgd", "learningRate": 0.1}
    loss, accuracy, sigmoid = after(arithmetic, 20, **choices, activation="sigmoid")
    assert after(arithmetic, 20, **choices)[2] > 20 * sigmoid
    loss, accuracy, _ = after(arithmetic, 500, **choices, activation="sigmoid")
    assert loss > 0.69 and accuracy == 0.5
    assert after(arithmetic, 500, **choices)[1] == 1


def test_a_rate_that_is_too_large_switches_all_units_off(arithmetic):
    loss, accuracy, grad = after(arithmetic, 20, optimizer="sgd", learningRate=10)
    assert loss > 1 and accuracy == 0.5 and grad == 0
    colors = arithmetic(
        """() => {
            const run = playground.start({ optimizer: "sgd", learningRate: 10 });
            run.advance(20);
            return new Set(playground.predict(run.net, run.training.x).data).size;
        }"""
    )
    assert colors == 2  # the probabilities of the two classes, the same for every point
    assert after(arithmetic, 500, optimizer="sgd", learningRate=0.3)[1] == 1


def test_dropout_is_hard_on_few_units(arithmetic):
    assert after(arithmetic, 500, hidden=[4])[0] < 0.01
    assert after(arithmetic, 500, hidden=[4], dropout=0.5)[0] > 0.1
    assert after(arithmetic, 500, hidden=[16], dropout=0.5)[0] < 0.1


def test_batch_norm_bears_a_large_rate(arithmetic):
    choices = {
        "data": "circles",
        "hidden": [8, 8],
        "activation": "tanh",
        "optimizer": "sgd",
        "learningRate": 3,
    }
    loss, accuracy, grad = after(arithmetic, 1000, **choices)
    assert loss > 2 and accuracy < 0.6 and grad < 0.001
    late, _, _ = after(arithmetic, 100, **choices, batchNorm=True)
    batch = arithmetic(
        """(choices) => {
            const run = playground.start(choices);
            run.advance(99);
            const lines = run.next();
            for (const { run } of lines) run();
            return lines.loss();
        }""",
        {**choices, "batchNorm": True},
    )
    assert batch < late / 2
    loss, accuracy, _ = after(arithmetic, 1000, **choices, batchNorm=True)
    assert loss < 0.3 and accuracy > 0.9


def test_another_start_gets_stuck(arithmetic):
    assert after(arithmetic, 1000, seed=3)[1] < 0.95
    assert after(arithmetic, 1000, seed=3, hidden=[16])[1] == 1


# The page.


def press(tab, name):
    tab.locator(f"#playground button[name={name}]").click()


def said(tab):
    return tab.locator("#playground .now").inner_text()


def data(tab, name):
    return tab.locator("#playground").get_attribute(f"data-{name}")


def test_xor_is_learned_by_pressing_play(tab):
    press(tab, "play")
    assert tab.locator("[name=play]").inner_text() == "Pause"
    tab.wait_for_selector("#playground[data-accuracy='1']")
    press(tab, "play")
    assert tab.locator("[name=play]").inner_text() == "Play"
    steps = int(data(tab, "steps"))
    assert f"After {steps} steps" in tab.locator(".figures").inner_text()
    assert "100.0 %" in tab.locator(".surface").get_attribute("aria-label")
    assert tab.locator("svg.loss polyline.training").get_attribute("points").count(",") > 5


def test_a_step_is_gone_through_line_by_line(tab):
    lines = tab.locator(".lines li").all_inner_texts()
    kernels = [line.partition("(")[0] for line in lines]
    assert kernels[:2] == ["gather_rows", "gather_rows"] and kernels[-1] == "count_up"
    assert {"product", "bias_add", "relu", "softmax", "column_sum", "adam"} < set(kernels)
    for number, kernel in enumerate(kernels, start=1):
        press(tab, "line")
        assert said(tab).startswith(f"Step 1, line {number} of {len(lines)}: {kernel}(")
        (current,) = tab.locator("[aria-current=step]").all_inner_texts()
        assert current == lines[number - 1]
        box, line = tab.locator(".lines"), tab.locator("[aria-current=step]")
        assert box.bounding_box()["y"] <= line.bounding_box()["y"]
        assert ("The loss of this batch is" in said(tab)) == (
            number > kernels.index("sparse_softmax_cross_entropy") + 1
        )
    assert data(tab, "steps") == "1"
    press(tab, "line")
    assert said(tab).startswith("Step 2, line 1 of ")
    press(tab, "step")
    assert data(tab, "steps") == "2"


def test_weights_and_gradients_are_shown_as_they_change(tab):
    def label(name):
        found = tab.locator(".grids canvas").all()
        (one,) = [
            text
            for text in (each.get_attribute("aria-label") for each in found)
            if text.startswith(f"{name},")
        ]
        return one

    weights, gradient = label("top/kernel"), label("d top/kernel")
    assert gradient.endswith("from 0.000 to 0.000")
    while not tab.locator("[aria-current] code", has_text="→ d top/kernel").count():
        assert label("d top/kernel") == gradient
        press(tab, "line")
    assert label("d top/kernel") != gradient
    assert label("top/kernel") == weights
    press(tab, "step")
    assert label("top/kernel") != weights
    press(tab, "reset")
    assert (label("top/kernel"), label("d top/kernel")) == (weights, gradient)


def test_every_choice_begins_anew_and_works(tab):
    form = tab.locator("#playground form")
    for select in form.locator("select").all():
        before = select.input_value()
        for value in select.locator("option").evaluate_all("all => all.map((one) => one.value)"):
            press(tab, "step")
            select.select_option(value)
            assert value == before or data(tab, "steps") == "0"
            press(tab, "step")
            assert data(tab, "steps") != "0"
        select.select_option(before)
    tab.get_by_label("Batch normalization", exact=True).check()
    assert tab.locator(".lines li", has_text="batch_norm_backward").count() == 1
    tab.get_by_label("Dropout rate", exact=True).select_option("0.5")
    assert tab.locator(".lines li", has_text="dropout(").count() == 2


def links():
    """Return what follows the question mark in every link of a page to the playground."""
    text = "\n".join(page.read_text(encoding="utf-8") for page in sorted(DOCS.rglob("*.md")))
    return sorted(set(re.findall(r"playground\.html\?([^\s\")]+)", text)))


def test_a_link_makes_its_choices_and_no_others(browser, tmp_path):
    scripts = (f"<script>{(FILES / name).read_text(encoding='utf-8')}</script>" for name in SCRIPTS)
    page = tmp_path / "playground.html"
    body = f'<div id="playground"></div>{"".join(scripts)}'
    page.write_text(f'<!DOCTYPE html><html lang="en"><body>{body}', encoding="utf-8")
    context = browser.new_context()
    tab = context.new_page()
    read = "Object.fromEntries(new FormData(document.querySelector('#playground form')))"
    tab.goto(page.as_uri())
    usual = tab.evaluate(read)
    assert len(links()) > 5
    for link in links():
        tab.goto(f"{page.as_uri()}?{link}&units=7&toString=1")  # neither can be chosen
        told = dict(each.split("=") for each in link.split("&"))
        if "batchNorm" in told:
            told["batchNorm"] = "on"
        assert tab.evaluate(read) == {**usual, **told}, link
        assert told.items() - usual.items(), f"{link}: says what is so anyway"
    context.close()


def test_everything_is_reached_by_keyboard(tab):
    reached = []
    for _ in range(20):
        tab.keyboard.press("Tab")
        reached.append(
            tab.evaluate(
                """() => {
                    const one = document.activeElement;
                    const style = getComputedStyle(one);
                    const label = one.labels?.length ? one.labels[0].textContent : one.ariaLabel;
                    const name = (label ?? one.textContent).trim();
                    return [one.localName, name, style.outlineStyle !== "none"];
                }"""
            )
        )
    kinds = [kind for kind, *_ in reached]
    assert kinds.count("select") >= 9 and kinds.count("button") >= 4
    assert {"input", "summary", "div"} <= set(kinds)
    assert all(name for _, name, _ in reached[:15])
    assert all(outlined for *_, outlined in reached[:15])
    tab.get_by_role("button", name="Step: one line").focus()
    tab.keyboard.press("Enter")
    assert said(tab).startswith("Step 1, line 1 ")
    tab.get_by_label("Activation", exact=True).focus()
    tab.keyboard.press("t")
    assert tab.locator(".lines li", has_text="tanh_backward").count() == 1
    tab.get_by_text("The picture as a table").focus()
    tab.keyboard.press("Enter")
    tab.locator(".as-table td").nth(49).wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_nothing_is_too_wide_in_light_and_dark(tab, scheme):
    tab.set_viewport_size(PHONE)
    tab.emulate_media(color_scheme=scheme)
    tab.get_by_label("Hidden layers", exact=True).select_option("3")
    tab.get_by_label("Units per layer", exact=True).select_option("16")
    tab.get_by_label("Batch normalization", exact=True).check()
    tab.locator("summary").click()
    lines = tab.locator(".lines li").count()
    for _ in range(lines):
        press(tab, "line")
        assert tab.evaluate("document.scrollingElement.scrollWidth") <= PHONE["width"]
    for each in tab.locator("#playground *").all():
        box = each.bounding_box()
        assert box is None or box["x"] + box["width"] <= PHONE["width"], each.inner_html()
    colors = tab.locator("#playground").evaluate(
        "(one) => { const { color, backgroundColor } = getComputedStyle(one);"
        " return [color, backgroundColor] }"
    )
    ink, paper = (sum(map(int, re.findall(r"\d+", each)[:3])) for each in colors)
    assert (ink < paper) == (scheme == "light")


def test_pictures_follow_the_colors_of_the_page(tab):
    pixels = "(canvas) => canvas.toDataURL()"
    tab.emulate_media(color_scheme="light")
    light = tab.locator(".surface").evaluate(pixels)
    drawn = int(data(tab, "drawn"))
    tab.emulate_media(color_scheme="dark")
    tab.wait_for_selector(f"#playground[data-drawn='{drawn + 1}']")
    assert tab.locator(".surface").evaluate(pixels) != light
    tab.evaluate("document.body.dataset.theme = 'light'")
    tab.wait_for_selector(f"#playground[data-drawn='{drawn + 2}']")
    assert tab.locator(".surface").evaluate(pixels) == light


@pytest.mark.parametrize(("motion", "each"), [("no-preference", 2), ("reduce", 50)])
def test_there_are_fewer_pictures_where_motion_is_to_be_reduced(tab, motion, each):
    tab.emulate_media(reduced_motion=motion)
    before = int(data(tab, "drawn"))
    press(tab, "play")
    tab.wait_for_function("document.getElementById('playground').dataset.steps >= 50")
    press(tab, "play")
    steps = int(data(tab, "steps"))
    assert int(data(tab, "drawn")) == before + steps // each + 1  # one when it was paused
    assert tab.locator("#playground").evaluate(
        "(root) => [...root.querySelectorAll('*')]"
        ".every((one) => getComputedStyle(one).transitionDuration === '0s')"
    )


@pytest.mark.parametrize("tab", [digits], indirect=True)
def test_digits_are_learned(tab):
    from sklearn.datasets import load_digits

    tab.set_viewport_size(PHONE)
    tab.get_by_label("Data", exact=True).select_option("digits")
    tab.get_by_label("Units per layer", exact=True).select_option("16")
    assert tab.locator(".grids canvas").count() == 8
    assert "10" in tab.locator(".lines li", has_text="softmax(").inner_text()
    tab.locator("summary").click()
    press(tab, "play")
    tab.wait_for_function("document.getElementById('playground').dataset.accuracy > 0.97")
    press(tab, "play")
    shown = np.array(tab.locator(".as-table td").all_inner_texts()[1:], int).reshape(10, 10)
    assert shown.sum(axis=1).tolist() == np.bincount(load_digits().target[600:900]).tolist()
    assert f"accuracy {np.trace(shown) / 3:.1f} %." in tab.locator(".figures").inner_text()
    label = tab.locator(".surface").get_attribute("aria-label")
    assert f"{np.trace(shown) / 3:.1f} % are right" in label
    assert tab.evaluate("document.scrollingElement.scrollWidth") <= PHONE["width"]


def test_the_files_name_no_address():
    for name in (*SCRIPTS, "playground.css"):
        assert "//" not in re.sub(r"^ *// .*| // .*$", "", (FILES / name).read_text(), flags=re.M)


@pytest.mark.skipif(not BUILT.exists(), reason="make docs builds the page")
def test_the_built_page_learns_xor(browser):
    context = browser.new_context(viewport=PHONE)
    context.set_default_timeout(10_000)
    tab = context.new_page()
    complaints = []
    tab.on("console", lambda said: said.type == "error" and complaints.append(said.text))
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.goto(BUILT.as_uri())
    press(tab, "play")
    tab.wait_for_selector("#playground[data-accuracy='1']")
    press(tab, "play")
    context.close()
    assert not complaints
