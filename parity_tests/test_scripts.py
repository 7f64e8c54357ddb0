"""Scripts written as strangers write them: the stand-in prints what Keras prints.

Nothing in tests/scripts/ knows of tinynet; `parity_tests.scripts_run` runs each with one of the
libraries: with tinynet in a process of its own, as a stranger would, with Keras several in one,
because TensorFlow takes its time to start. Every number that a script prints is compared, and the
text around it.
"""

import json
import math
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from parity_tests.backend import BACKEND

SCRIPTS = Path(__file__).parents[1] / "tests" / "scripts"

# In groups, each of which Keras runs in one process.
GROUPS = {
    "dense": [
        "all_optimizers.py",
        "argparse_main.py",
        "batch_loop.py",
        "binary_auc.py",
        "binary_shoes.py",
        "class_weights.py",
        "compare_optimizers.py",
        "handson_book.py",
        "leaky_discriminator.py",
        "mlp_rmsprop.py",
        "precision_recall.py",
        "schedule_exponential.py",
    ],
    "graphs": [
        "augmenting_block.py",
        "autoencoder_functional.py",
        "basic_classification.py",
        "functional_cnn.py",
        "functional_residual.py",
    ],
    "batches": [
        "functional_two_outputs.py",
        "sequence_generator.py",
        "tf_data.py",
        "tf_data_shuffled.py",
    ],
    "data sets": [
        "autoencoder_dense.py",
        "baseline_np_utils.py",
        "cnn_adadelta.py",
        "lenet5.py",
        "quickstart_tf.py",
        "regularized.py",
        "separable_cnn.py",
        "transfer_frozen.py",
    ],
    "files": [
        "callbacks_checkpoint.py",
        "saved_h5.py",
        "saved_weights.py",
    ],
    "of their own, and of folders": [
        "dict_outputs.py",
        "folders_of_pictures.py",
        "loss_class.py",
        "losses_of_a_class.py",
        "metric_class.py",
        "metrics_with_k.py",
        "ops_metric.py",
    ],
    "images": [
        "augmenting_layers.py",
        "batchnorm_cnn.py",
        "callback_of_ones_own.py",
        "callbacks_rate.py",
        "confusion_tf.py",
        "image_data_generator.py",
        "kfold.py",
        "notebook.ipynb",
        "old_layout_core.py",
        "report_sklearn.py",
        "vgg_small.py",
    ],
}
NUMBER = re.compile(r"[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?")
ADDRESS = re.compile(r"0x[0-9a-f]+")  # where an object is in memory
# Progress tells the time, which is never the same.
PROGRESS = re.compile(r"^.*?(?:/step|^Epoch \d|\x1b|\x08|^\s*\d+/\d+ ).*$", re.MULTILINE)

pytestmark = pytest.mark.skipif(
    BACKEND != "tensorflow", reason="scripts import TensorFlow, and draw its random numbers"
)


def printed_by(library, names):
    """Run scripts with a library; return the text that each has printed."""
    command = [sys.executable, "-m", "parity_tests.scripts_run", library, *names]
    environment = {**os.environ, "PYTHONPATH": str(SCRIPTS.parents[1]), "KERAS_BACKEND": BACKEND}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    failed = {name: each["error"] for name, each in found.items() if each["error"]}
    assert not failed, "\n".join(f"{library}: {name}: {text}" for name, text in failed.items())
    return {name: PROGRESS.sub("", each["printed"]).strip() for name, each in found.items()}


def last_place(number):
    """Return what one in the last digit of a printed number is worth."""
    digits, _, power = number.lower().partition("e")
    return 10.0 ** (int(power or 0) - len(digits.partition(".")[2]))


def different(own, theirs):
    """Return the first thing that two printed texts differ in, or ""."""
    # Spaces between columns depend on how many digits the numbers have.
    own, theirs = (ADDRESS.sub("", text) for text in (own, theirs))
    texts = [" ".join(NUMBER.sub("#", text).split()) for text in (own, theirs)]
    if texts[0] != texts[1]:
        return f"the words\n{own}\nhere, in Keras\n{theirs}"
    for a, b in zip(NUMBER.findall(own), NUMBER.findall(theirs), strict=True):
        # A number that is printed with few digits may be rounded to either side.
        unit = last_place(b)
        few = unit > 1e-12 * abs(float(b)) and "." in b
        if a != b and not math.isclose(
            float(a), float(b), rel_tol=1e-12, abs_tol=1.01 * unit if few else 0.0
        ):
            return f"{a} here, {b} in Keras"
    return ""


@pytest.mark.parametrize("group", GROUPS)
def test_a_strangers_script_prints_what_it_prints_with_keras(group):
    for name, text in printed_by("keras", GROUPS[group]).items():
        own = printed_by("tinynet", [name])[name]
        assert not (found := different(own, text)), f"{name}: {found}"
        exact = [each for each in NUMBER.findall(text) if len(each) > 14]
        assert len(exact) > 1, f"{name} prints no losses with all their digits"


def test_every_script_is_run():
    listed = [name for names in GROUPS.values() for name in names]
    assert sorted(listed) == sorted(path.name for path in SCRIPTS.iterdir() if path.is_file())
    assert len(listed) >= 30


@pytest.mark.parametrize(
    ("own", "theirs"),
    [
        ("loss 0.1234567890123", "loss 0.1234567890133"),
        ("loss: 0.12", "loss: 0.14"),
        ("[0.5]", "[0.5, 0.5]"),
        ("accuracy 1.0", "loss 1.0"),
        ("3 epochs", "4 epochs"),
        ("1.234e-05", "1.237e-05"),
        ("loss 12.345678901234", "loss 12.345678901334"),
    ],
)
def test_a_difference_is_seen(own, theirs):
    assert different(own, theirs)
    assert not different(theirs, theirs)


def test_rounding_is_no_difference():
    for own, theirs in [
        ("loss 0.1234567890123456", "loss 0.1234567890123457"),
        ("loss: 0.12", "loss: 0.13"),
        ("1.234e-05", "1.235e-05"),
    ]:
        assert not different(own, theirs)
