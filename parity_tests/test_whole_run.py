"""R0, the full Fashion-MNIST network, as one run: the same seed is the same run.

The tests marked `long` train to the end, each library in its own process; `make parity` runs them.
"""

import json
import subprocess
import sys

import keras
import numpy as np
import pytest
from scipy import stats

import tinynet
from parity_tests import report
from parity_tests.backend import BACKEND, device
from parity_tests.both import difference, expect_same, use_floatx
from parity_tests.masked import MaskedDropout, copy_weights, masks_of, own_weights
from parity_tests.r0 import BATCH, data, network
from parity_tests.terms import of_training

PIECE = "Sequential (whole run)"
CASES = {PIECE: ["parity_tests/r0.py"]}
EPOCHS = 120  # at most; early stopping ends the run
MARGIN = 0.3  # percentage points of test accuracy
only_tensorflow = pytest.mark.skipif(
    BACKEND != "tensorflow",
    reason="from the seed alone: the random numbers are those of Keras on TensorFlow",
)


def steps_from_seed(steps, floatx):
    """Train both libraries from one seed; return (own, theirs) losses, and weights by name."""
    use_floatx(floatx)
    _, (x, y), _ = data()
    losses, weights = [], []
    for library in (keras, tinynet):
        library.utils.set_random_seed(0)
        model = network(library)
        losses.insert(0, losses_of_steps(model, x[: steps * BATCH], y[: steps * BATCH]))
        weights.insert(0, model.get_weights())
    expect_same_from_the_list(x[: steps * BATCH], y[: steps * BATCH], weights[0])
    return losses, weights_of(model, *weights)


def expect_same_from_the_list(x, y, weights):
    """The same run without a callback of ours: `fit` calls the layers in the first step only."""
    tinynet.utils.set_random_seed(0)
    model = network(tinynet)
    model.fit(x, y, batch_size=BATCH, verbose=0)
    for name, own, expected in zip(model.arrays, model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(own, expected, err_msg=name)


def weights_of(model, own, theirs):
    """Return by name both libraries' weights and their terms, for `expect_same`."""
    pairs = zip(model.arrays, own, theirs, strict=True)
    return {name: (*pair, of_training(model)) for name, *pair in pairs}


def losses_of_steps(model, x, y, **options):
    """Train for one epoch; return the loss of every step.

    The logs of a step hold the mean m_k of the losses so far: l_k = k m_k - (k - 1) m_(k-1).
    """
    library = tinynet if isinstance(model, tinynet.Sequential) else keras
    means = [0.0]
    keep = library.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: means.append(float(logs["loss"]))
    )
    model.fit(x, y, batch_size=BATCH, callbacks=[keep], verbose=0, **options)
    return np.diff(np.arange(len(means)) * means)


def expect_same_losses(losses, tolerance, case):
    own, theirs = losses
    ratios = {"loss of every step, as a ratio": (own / theirs, np.ones(len(own)))}
    expect_same(PIECE, ratios, tolerance=tolerance, case=case)
    return float(np.abs(own / theirs - 1).max())


def steps_handed_over(steps, floatx):
    """As `steps_from_seed`, but Keras gets tinynet's weights, masks and order of samples."""
    use_floatx(floatx)
    _, (x, y), _ = data()
    x, y = x[: steps * BATCH], y[: steps * BATCH]
    tinynet.utils.set_random_seed(0)
    model = network(tinynet, portable=True)
    masks = iter(masks_of(model, len(x), BATCH))
    keras_model = network(keras, lambda rate: MaskedDropout(rate, next(masks)), portable=True)
    copy_weights(model, keras_model)
    order = tinynet.random.epoch_order(len(x))
    losses = [
        losses_of_steps(model, x, y),
        losses_of_steps(keras_model, x[order], y[order], shuffle=False),
    ]
    return losses, weights_of(model, model.get_weights(), own_weights(keras_model))


@only_tensorflow
def test_two_hundred_steps_from_the_seed_alone():
    case = f"200 steps in float64 from seed 0 alone ({data()[0]}, batch {BATCH})"
    expect_same_steps(steps_from_seed(200, "float64"), case)


def test_two_hundred_steps_with_masks_handed_over():
    case = (
        f"200 steps in float64 with tinynet's initial weights, masks and order of samples passed "
        f"to Keras ({data()[0]}, batch {BATCH})"
    )
    expect_same_steps(steps_handed_over(200, "float64"), case)


def expect_same_steps(run, case):
    losses, weights = run
    largest = expect_same_losses(losses, 1e-12, case)
    expect_same(PIECE, weights, tolerance=1e-11, case=case)
    gap = max(difference(*each)[0] for each in weights.values())
    report.SENTENCES.append(
        f"{case}: the losses of the steps differ by at most {largest:.1e} (allowed 1e-12), the "
        f"weights by {gap:.1e} of the largest term (allowed 1e-11)."
    )
    report.CURVES["200 steps, float64"] = {
        "values": {"loss": losses},
        "gaps": {},
        "allowed": 1e-12,
        "unit": "step",
    }


@only_tensorflow
def test_one_step_in_float32():
    losses, weights = steps_from_seed(1, "float32")
    case = "one step in float32 from seed 0"
    expect_same_losses(losses, 1e-6, case)
    for name, (own, theirs, _) in weights.items():
        if name.endswith("kernel"):
            apart = np.linalg.norm(own - theirs) / np.linalg.norm(theirs)
            assert apart <= 2e-6, f"{name}: {apart:.1e} of its norm away from Keras's"


@only_tensorflow
def test_five_steps_in_float32():
    losses, _ = steps_from_seed(5, "float32")
    expect_same_losses(losses, 5e-6, "five steps in float32 from seed 0")


def train_both(folder, *options):
    """Train both libraries to the end, side by side; return their logs."""
    command = [sys.executable, "-m", "parity_tests.r0", "--epochs", str(EPOCHS), *options]
    runs = {
        library: subprocess.Popen(
            [*command, "--library", library, "--out", str(folder / library)],
            stderr=subprocess.PIPE,
            text=True,
        )
        for library in ("tinynet", "keras")
    }
    errors = {library: run.communicate()[1] for library, run in runs.items()}  # waits for both
    for library, run in runs.items():
        assert run.returncode == 0, f"{library}: {errors[library][-3000:]}"
    return [json.loads((folder / library / "log.json").read_text()) for library in runs]


def weights_apart(folder, epoch):
    """Return the largest difference of any weight after an epoch, and how many gates differ.

    The gates are those of the three ReLUs for the first 1,000 images; one that differs is open in
    one library and closed in the other. The last value is the number of all gates.
    """
    _, (x, _), _ = data()
    sides, gates = [], []
    for library in ("tinynet", "keras"):
        with np.load(folder / library / f"weights_{epoch}.npz") as file:
            sides.append([file[name] for name in file.files])
        model = network(tinynet)
        model.set_weights(sides[-1])
        out, opened = x[:1000], []
        for layer in model.layers:
            out = layer.forward(out)
            if isinstance(layer, tinynet.layers.ReLU):
                opened.append(out > 0)
        gates.append(np.concatenate(opened, axis=1))
    gap = max(difference(*pair)[0] for pair in zip(*sides, strict=True))
    return gap, int(np.count_nonzero(gates[0] != gates[1])), gates[0].size


@pytest.mark.long
@only_tensorflow
def test_whole_run_in_float64(tmp_path):
    own, theirs = train_both(tmp_path, "--floatx", "float64", "--weights", "--seed", "0")
    logs, keras_logs = own["history"], theirs["history"]
    epochs = len(keras_logs["loss"])
    apart = [weights_apart(tmp_path, epoch + 1) for epoch in range(epochs)]
    gaps = {
        name: np.abs(np.divide(logs[name][:epochs], values) - 1)
        for name, values in keras_logs.items()
    }
    gaps["weights"] = np.array([gap for gap, _, _ in apart])
    worst = np.max(list(gaps.values()), axis=0)
    held = int(np.argmax(worst > 1e-9)) if (worst > 1e-9).any() else epochs
    largest = ", ".join(f"{name} {gap[:held].max(initial=0):.1e}" for name, gap in gaps.items())
    flipped = [gates for _, gates, _ in apart]
    cuts = np.count_nonzero(np.diff(keras_logs["learning_rate"]))
    report.SENTENCES.append(
        f"Trained to the end in float64 from seed 0 ({own['data']}): equal to 1e-9 in {held} of "
        f"{epochs} epochs, {cuts} cuts of the learning rate among them. Largest relative "
        f"differences: {largest}. ReLU gates that differ for 1,000 images, after the last "
        f"epoch: {flipped[-1]} of {apart[-1][2]:,}."
    )
    report.CURVES["Trained to the end, float64"] = {
        "values": {
            name: (np.array(logs[name]), np.array(keras_logs[name]))
            for name in ("loss", "val_loss")
        },
        "gaps": {"weights": gaps["weights"]},
        "allowed": 1e-9,
        "unit": "epoch",
    }
    assert list(logs) == list(keras_logs)
    assert held == epochs == len(logs["loss"]), (
        f"the runs diverge after {held} of {epochs} epochs: differences in the next epoch "
        f"{ {name: float(gap[held]) for name, gap in gaps.items()} }, gates that differ after "
        f"each epoch {flipped}"
    )


@pytest.mark.long
@pytest.mark.skipif(
    BACKEND != "tensorflow" and not device().startswith("GPU"),
    reason="five runs to the end on a CPU are compared with Keras on TensorFlow",
)
def test_five_seeds_in_float32(tmp_path):
    runs = [
        train_both(tmp_path / str(seed), "--floatx", "float32", "--seed", str(seed))
        for seed in range(5)
    ]
    own, theirs = (
        np.array([100 * run[side]["test_accuracy"] for run in runs]) for side in range(2)
    )
    # Two one-sided t-tests on the differences seed by seed (Schuirmann 1987): is the mean
    # difference both above -MARGIN and below +MARGIN?
    p = max(
        stats.ttest_1samp(own - theirs, -MARGIN, alternative="greater").pvalue,
        stats.ttest_1samp(own - theirs, MARGIN, alternative="less").pvalue,
    )
    for name, side, accuracy in (("tinynet", 0, own), ("Keras", 1, theirs)):
        each = ", ".join(f"{value:.2f}" for value in accuracy)
        epochs = ", ".join(str(len(run[side]["history"]["loss"])) for run in runs)
        report.SENTENCES.append(
            f"Trained to the end in float32 ({runs[0][0]['data']}), {name}: test accuracy of "
            f"seeds 0 to 4: {each}%; mean {accuracy.mean():.2f}%, standard deviation "
            f"{accuracy.std(ddof=1):.2f}; epochs {epochs}."
        )
    apart = float(own.mean() - theirs.mean())
    report.SENTENCES.append(
        f"Difference of the means {apart:+.2f} points (allowed {MARGIN}); two one-sided paired "
        f"t-tests for a difference within {MARGIN} points: p = {p:.3f}."
    )
    assert abs(apart) <= MARGIN
    assert p < 0.05, f"not shown to be equivalent within {MARGIN} points: p = {p:.3f}"
