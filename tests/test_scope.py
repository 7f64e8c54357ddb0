"""What is left out on purpose is refused by name, with a sentence."""

import importlib

import pytest

import tinynet
from tinynet.scope import OUT_OF_SCOPE

REFUSED = [
    ("layers", "LSTM", "nothing for sequences"),
    ("layers", "MultiHeadAttention", "no attention"),
    ("layers", "Conv1D", "2-D only"),
    ("layers", "Conv2DTranspose", "no transposed convolution"),
    ("losses", "CTC", "nothing for sequences"),
    ("metrics", "MeanIoU", "no segmentation"),
    ("optimizers", "Lamb", "SGD, RMSprop, Adam"),
    ("callbacks", "RemoteMonitor", "CSVLogger"),
    ("activations", "glu", "nothing for sequences"),
    ("initializers", "STFT", "nothing for sequences"),
    ("datasets", "imdb", "nothing for sequences"),
    ("utils", "pad_sequences", "nothing for sequences"),
    ("utils", "get_file", "pooch"),
    ("utils", "model_to_dot", "plot_model"),
    ("random", "randint", "default_rng"),
    ("config", "set_dtype_policy", "float32 or float64"),
    ("backend", "result_type", "NumPy alone"),
]


@pytest.mark.parametrize(("part", "name", "why"), REFUSED)
def test_a_name_that_is_left_out_says_why(part, name, why):
    module = importlib.import_module(f"tinynet.{part}")
    with pytest.raises(
        AttributeError, match=f"'tinynet.{part}' has no attribute '{name}': .*{why}"
    ):
        getattr(module, name)
    assert not hasattr(module, name)


@pytest.mark.parametrize(("part", "name", "why"), REFUSED)
def test_so_does_an_import(part, name, why):
    with pytest.raises(ImportError, match=f"cannot import name '{name}' from .*: .*{why}"):
        exec(f"from tinynet.{part} import {name}")


@pytest.mark.parametrize("name", ["applications", "distribution", "ops", "quantizers", "export"])
def test_so_do_the_parts(name):
    with pytest.raises(AttributeError, match=f"'tinynet' has no attribute '{name}': .*tinynet"):
        getattr(tinynet, name)
    with pytest.raises(ImportError, match=f"cannot import name '{name}' from 'tinynet': .*tinynet"):
        exec(f"from tinynet import {name}")


def test_other_names_are_said_to_be_missing_and_no_more():
    with pytest.raises(AttributeError, match=r"module 'tinynet.layers' has no attribute 'Densse'$"):
        _ = tinynet.layers.Densse
    with pytest.raises(ImportError, match=r"'Densse' from 'tinynet.layers' \("):
        from tinynet.layers import Densse  # noqa: F401


def test_sentences_read_on_from_a_colon():
    for _, sentence in OUT_OF_SCOPE:
        assert not sentence.endswith(".")
        assert sentence[0].islower()
