"""``python -m tinynet run`` and what it is made of: strangers' scripts, without Keras."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import tinynet
from tinynet import scope
from tinynet.scripts import check, modules, pipelines, running, standin, tensors
from tinynet.scripts.modules import MissingError, explained, find
from tinynet.scripts.running import Source, without_commands

ROOT = Path(__file__).parents[1]
SCRIPTS = ROOT / "tests" / "scripts"


def run(*arguments, folder, **environment):
    """Run ``python -m tinynet run`` in a folder, on a machine without a screen."""
    kept = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
    kept.pop("MPLBACKEND", None)
    environment = {**kept, "PYTHONPATH": str(ROOT), "TINYNET_KERNELS": "numpy", **environment}
    command = [sys.executable, "-m", "tinynet", "run", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment)


def written(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def notebook(path, *cells):
    """Write a notebook with some cells of code."""
    content = [{"cell_type": "code", "source": cell.splitlines(keepends=True)} for cell in cells]
    content.insert(0, {"cell_type": "markdown", "source": ["# !ls\n"]})
    return written(path, json.dumps({"cells": content, "nbformat": 4}))


def found(text):
    """Return the lines and the texts of what is missing in a script."""
    return [(each.line, each.text) for each in check.missing([Source("script.py", text)])]


# A script runs as Python runs it.


def test_a_script_finds_itself_as_when_python_runs_it(tmp_path):
    written(
        tmp_path / "work" / "beside.py", "import keras\nWHERE = keras.layers.Dense.__module__\n"
    )
    text = "import os, sys, beside\nprint([__name__, os.path.basename(__file__), sys.argv[1:],"
    text += " os.path.basename(sys.path[0]), sys.modules['__main__'].__name__, beside.WHERE])\n"
    script = written(tmp_path / "work" / "script.py", text)
    done = run(script, "--epochs", "3", "--figures", "x", folder=tmp_path)
    assert done.stderr == ""
    expected = ["__main__", "script.py", ["--epochs", "3", "--figures", "x"], "work", "__main__"]
    assert ast.literal_eval(done.stdout) == [*expected, "tinynet.layers.dense"]
    assert done.returncode == 0


def test_the_scripts_own_exit_status_and_encoding(tmp_path):
    (tmp_path / "script.py").write_bytes(
        b"# -*- coding: latin-1 -*-\nimport sys\nprint(len('\xe9'))\nsys.exit(3)\n"
    )
    done = run("script.py", folder=tmp_path)
    assert (done.stdout, done.returncode) == ("1\n", 3)


def test_a_traceback_begins_and_ends_with_the_scripts_lines(tmp_path):
    text = "import numpy as np\ndef inner():\n    from keras.layers import LSTM\n\ninner()\n"
    script = written(tmp_path / "script.py", text)
    done = run(script, folder=tmp_path)
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    places = [line.strip() for line in lines if line.startswith("  File")]
    assert places == [
        f'File "{script}", line 5, in <module>',
        f'File "{script}", line 3, in inner',
    ]
    assert "    from keras.layers import LSTM" in lines
    assert lines[-1].startswith(f"ImportError: {script}, line 3: keras.layers.LSTM is not in")
    assert "sequences" in lines[-1]


def test_a_script_that_is_no_python_says_so_without_tinynets_lines(tmp_path):
    done = run(written(tmp_path / "script.py", "x = = 1\n"), folder=tmp_path)
    assert done.returncode == 1
    assert "SyntaxError" in done.stderr and "running.py" not in done.stderr


def test_what_cannot_be_read_is_one_line(tmp_path):
    no_notebook = written(tmp_path / "no.ipynb", '{"cells": 3}')
    no_encoding = written(tmp_path / "no.py", "# coding: nope\n")
    for name in ("absent.py", no_notebook, no_encoding):
        done = run(name, folder=tmp_path)
        assert done.returncode == 2
        assert len(done.stderr.splitlines()) == 1 and str(name) in done.stderr


IMPORTS = """
import keras
import keras.backend as K
import tensorflow as tf
import tensorflow.keras.layers as tl
import tf_keras
from tensorflow import keras as tk
from tensorflow.keras import layers, models
from tensorflow.keras.models import Sequential
from tensorflow.keras.utils import to_categorical
from tensorflow.python.keras.layers import Dense as PythonDense
from keras.layers.core import Dense as CoreDense, Flatten
from keras.layers.convolutional import Conv2D
from keras.layers.normalization import BatchNormalization
from keras.utils import np_utils
from keras.utils.np_utils import to_categorical as old
from keras.optimizers.legacy import Adam
from keras.layers.experimental.preprocessing import RandomFlip
from tensorflow.keras.layers import *
from keras.datasets import fashion_mnist

same = [tk is keras, tf.keras is keras, tf_keras is keras, tl is keras.layers, layers is tl,
        Dense is PythonDense is CoreDense is tl.Dense, old is np_utils.to_categorical,
        tf.keras.optimizers.Adam is Adam, tf.nn.relu is keras.activations.relu,
        tf.keras.backend.floatx is K.floatx, fashion_mnist is tf.keras.datasets.fashion_mnist]
print(same, Dropout.__module__, keras.__version__ >= "3", keras.layers.Dense.__module__)
print(hasattr(keras.layers, "LSTM"), getattr(tf, "GradientTape", None))
try:
    import tensorflow_datasets as tfds
except ImportError as error:
    print(error)
"""


def test_keras_under_all_its_names_is_one_and_the_same(tmp_path):
    done = run(written(tmp_path / "script.py", IMPORTS), folder=tmp_path)
    assert done.stderr == ""
    same, _, tfds = done.stdout.partition("] ")[0] + "]", *done.stdout.splitlines()[1:]
    assert ast.literal_eval(same) == [True] * 11
    assert "tinynet.layers.regularization True tinynet.layers.dense" in done.stdout
    assert "False None" in done.stdout
    line = 1 + IMPORTS.splitlines().index("    import tensorflow_datasets as tfds")
    assert f"line {line}: tensorflow_datasets is not in tinynet" in tfds


def test_keras_that_is_loaded_already_is_not_replaced(monkeypatch):
    before = list(sys.meta_path)
    monkeypatch.setitem(sys.modules, "keras", ModuleType("keras"))
    with pytest.raises(RuntimeError, match=r"keras.* imported already"):
        standin()
    assert sys.meta_path == before


def test_the_stand_in_of_an_open_notebook(tmp_path):
    code = "import tinynet; tinynet.standin(); tinynet.standin(); import tensorflow as tf; "
    code += "from keras.layers import Dense; print(tf.keras.layers.Dense is Dense, Dense)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stdout == "True <class 'tinynet.layers.dense.Dense'>\n"


# What is missing.


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("keras.layers.LSTM", "sequences"),
        ("keras.layers.Bidirectional", "sequences"),
        ("keras.layers.MultiHeadAttention", "no attention"),
        ("keras.layers.Conv1D", "2-D only"),
        ("keras.layers.MaxPooling3D", "2-D only"),
        ("keras.layers.Conv2DTranspose", "no transposed convolution"),
        ("keras.layers.Masking", "no masks"),
        ("keras.applications.vgg16", "no pretrained networks"),
        ("keras.applications.vgg16.VGG16", "no pretrained networks"),
        ("keras.preprocessing.text.Tokenizer", "sequences"),
        ("keras.preprocessing.sequence", "sequences"),
        ("keras.wrappers.scikit_learn", "NetClassifier"),
        ("scikeras.wrappers", "NetClassifier"),
        ("tensorflow.distribute.MirroredStrategy", "one machine"),
        ("keras.mixed_precision.set_global_policy", "float32 or float64"),
        ("tensorflow.GradientTape", "write model.train_on_batch"),
        ("tensorflow.function", "leave the decorator out"),
        ("tensorflow.math.sqrt", "no TensorFlow; write np.sqrt"),
        ("tensorflow.reduce_std", "write np.std"),
        ("tensorflow.random.normal", "default_rng(seed).normal"),
        ("tensorflow.compat.v1.logging.set_verbosity", "write what TensorFlow 2 has"),
        ("tensorflow.set_random_seed", "write tf.random.set_seed"),
        ("tensorflow.raw_ops.Foo", "write it with NumPy"),
        ("keras.layers.Densse", "there is keras.layers.Dense"),
        ("keras.layers.batchnormalization", "there is keras.layers.BatchNormalization"),
        ("keras.layers.EarlyStopping", "there is keras.callbacks.EarlyStopping"),
        ("keras.utils.np_utils.to_catgorical", "there is keras.utils.np_utils.to_categorical"),
    ],
)
def test_what_is_missing_is_explained(name, said):
    with pytest.raises((MissingError, AttributeError)) as raised:
        find(name)
    assert said in str(raised.value)
    assert said in explained(name)


def test_tensorflow_has_some_of_keras_twice():
    for name in ("losses.Huber", "metrics.AUC", "optimizers.Adam", "initializers.HeNormal"):
        assert find(f"tensorflow.{name}") is find(f"keras.{name}")
    arithmetic = find("keras.backend")
    assert arithmetic.sum(arithmetic.round([0.5, 1.5, 2.75])).numpy() == 5
    with pytest.raises(MissingError, match="gradients is not in tinynet"):
        find("keras.backend.gradients")


def test_ops_are_functions_of_numbers():
    ops, layers = find("keras.ops"), find("keras.layers")
    assert ops.mean(ops.square([1.0, 3.0])).numpy() == 5
    with pytest.raises(TypeError, match="between layers stand layers, such as Add, Concatenate"):
        ops.add(find("keras.Input")((3,)), 1.0)
    doubled = find("keras.Sequential")([layers.Lambda(lambda x: ops.multiply(x, 2.0))])
    assert np.asarray(doubled(np.ones((1, 2)))).tolist() == [[2, 2]]
    for name, said in (("keras.ops.cumsum", "write what NumPy has"), ("keras.Variable", "NumPy")):
        with pytest.raises(MissingError, match=f"{name} is not in tinynet; .*{said}"):
            find(name)


def test_nothing_that_is_there_is_called_out_of_scope():
    assert scope.why_left_out("keras.layers.LSTM")
    for part in ("layers", "losses", "metrics", "optimizers", "callbacks"):
        names = getattr(tinynet, part).__all__
        assert not [name for name in names if scope.why_left_out(f"keras.{part}.{name}")]


def test_every_part_has_what_its_table_says():
    for module, part in modules.PARTS.items():
        for name in part.names or ():
            modules.look_up(module, name)
    assert "Dense" in modules.names_in("keras.layers")
    assert "Sequential" in modules.names_in("keras")
    assert not {"layers", "plots"} & set(modules.names_in("keras"))


# The check before the run.


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("from keras.layers import Dense, LSTM", [(1, "keras.layers.LSTM")]),
        ("import tensorflow as tf\n\ntf.keras.layers.GRU(3)", [(3, "keras.layers.GRU")]),
        ("import tensorflow as tf\nwith tf.GradientTape() as t:\n  pass", [(2, "tf.Gradient")]),
        ("from keras import layers as L\nx = [L.Dense(1), L.Conv3D(1)]", [(2, "keras.layers.C")]),
        (
            "import keras\nl = keras.layers\ndef f():\n  return l.Conv1D",
            [(4, "keras.layers.Conv1D")],
        ),
        ("import keras.applications.vgg16", [(1, "keras.applications.vgg16")]),
        ("import keras\nkeras.layers.Dense(3, unitss=2)", [(2, "Dense has no argument unitss")]),
        ("from keras.layers import Dense\nDense(3, 'reluu')", [(2, "unknown activation 'reluu'")]),
        (
            "import keras\nm = keras.Sequential()\nm.compile('adam', 'msee', metrics=['nope'])",
            [(3, "unknown loss 'msee'"), (3, "unknown metric 'nope'")],
        ),
        (
            "import keras\ndef make():\n  m = keras.Sequential()\n  return m\n"
            "make().predict_classes(1)\nk = make()\nk.fit(1, nb_epoch=2)",
            [(5, "Sequential has no predict_classes"), (7, "fit has no argument nb_epoch")],
        ),
        (
            "from keras.layers import Dense\nd = Dense(3, input_dim=4, init='uniform')\n"
            "d.kernel, d.bias, d.units, d.gamma",
            [(2, "Dense has no argument init; since Keras 2"), (3, "Dense has no gamma")],
        ),
        ("from keras.layers import *\nDense(3, activation='nope')", [(2, "unknown activation")]),
    ],
)
def test_the_check_names_what_is_missing(text, expected):
    seen = found(text)
    assert [line for line, _ in seen] == [line for line, _ in expected]
    for (_, text), (_, begin) in zip(seen, expected, strict=True):
        assert text.startswith(begin)


@pytest.mark.parametrize(
    "text",
    [
        "import keras\ndef f(keras):\n  return keras.anything",
        "import keras\nkeras = 3\nkeras.anything",
        "from keras import layers\nfor layers in [1]:\n  layers.anything",
        "import keras\nm = keras.Sequential()\nm.layers, m.stop_training, m.name, m.input_shape",
        "import keras\nclass C(keras.callbacks.Callback):\n  def on_epoch_end(self, epoch, logs):\n"
        "    self.model.anything",
        "from .keras import anything\nimport os.path\nos.path.join",
        "import keras\nf = lambda keras: keras.anything",
    ],
)
def test_the_check_says_nothing_of_what_it_cannot_know(text):
    assert found(text) == []


def test_the_check_names_files_that_need_a_package(monkeypatch):
    text = (
        "import keras\nm = keras.Sequential()\nm.save('model.keras')\nprint('saved model.h5')\n"
        "keras.callbacks.ModelCheckpoint(f'best-{1}.h5')\nm.save('model.safetensors')"
    )
    monkeypatch.setattr(check, "_has_h5py", lambda: False)
    (third, said), (fifth, other) = found(text)
    assert (third, fifth) == (3, 5)
    assert (
        said == "the file 'model.keras' needs the package h5py: pip install 'tinynet[keras-files]'"
    )
    assert other.startswith("the file '.h5'")
    monkeypatch.setattr(check, "_has_h5py", lambda: True)
    assert found(text) == []


def test_the_check_finds_nothing_in_scripts_that_run():
    for name in ("batch_loop.py", "handson_book.py", "old_layout_core.py", "notebook.ipynb"):
        assert check.missing(running.sources(str(SCRIPTS / name))) == []


def test_the_check_runs_nothing(tmp_path):
    text = "open('made', 'w').close()\nfrom keras.layers import GRU\n"
    done = run("--check", written(tmp_path / "script.py", text), folder=tmp_path)
    assert done.returncode == 1
    assert done.stdout.startswith(f"{tmp_path / 'script.py'}, line 2: keras.layers.GRU is not in")
    assert not (tmp_path / "made").exists()
    done = run("--check", written(tmp_path / "script.py", "import keras\n"), folder=tmp_path)
    assert done.returncode == 0 and "every name" in done.stdout


# Notebooks.


@pytest.mark.parametrize(
    ("cell", "kept"),
    [
        ("x = 7 % 2\nprint('%d' %\n  x)", None),
        ("text = '''\n%time\n!ls\n'''", None),
        ("!pip install keras\nx = 1", "pass\nx = 1"),
        ("%matplotlib inline\nx = 1", "pass\nx = 1"),
        ("if True:\n    !nvidia-smi -L \\\n      -q\nx = 1", "if True:\n    pass\n\nx = 1"),
        ("%%time\nx = 1", "pass\nx = 1"),
        ("%%bash\nls", ""),
        ("files = !ls\nx = 1", "pass\nx = 1"),
        ("model?\nx = 1", "pass\nx = 1"),
    ],
)
def test_commands_are_left_out_of_a_cell(cell, kept):
    python, left_out = without_commands(cell)
    if kept is None:
        assert (python, left_out) == (cell, [])
    else:
        lines = [line.strip() for line in python.split("\n")]
        assert lines == [line.strip() for line in kept.split("\n")]
        assert left_out
    ast.parse(python)


def test_a_notebook_is_run_from_top_to_bottom(tmp_path):
    path = notebook(
        tmp_path / "book.ipynb",
        "%matplotlib inline\nfrom keras.layers import Dense\nlayer = Dense(3)",
        "layer.units",
        "layer.units;",
        "# a comment\n1 / 0",
        "print('never')",
    )
    done = run(path, folder=tmp_path)
    assert (done.stdout, done.returncode) == ("3\n", 1)
    lines = done.stderr.splitlines()
    assert lines[0] == f"tinynet: {path}, cell 1: left out: %matplotlib inline"
    assert f'  File "{path}, cell 4", line 2, in <module>' in lines
    assert "    1 / 0" in lines


DRAWS = """
import matplotlib.pyplot as plt
for power in (1, 2):
    plt.figure()
    plt.plot([0, 1], [0, power])
plt.show()
plt.plot([1, 2])
plt.show()
print(plt.get_fignums())
"""


def test_figures_are_written_into_a_folder(tmp_path):
    done = run("--figures", "seen", written(tmp_path / "s.py", DRAWS), folder=tmp_path)
    assert done.stdout == "[]\n"
    names = sorted(path.name for path in (tmp_path / "seen").iterdir())
    assert names == ["figure_1.png", "figure_2.png", "figure_3.png"]
    assert all(name in done.stderr for name in names)


def test_without_a_screen_and_a_folder_one_line_says_how_to_keep_figures(tmp_path):
    done = run(written(tmp_path / "s.py", DRAWS), folder=tmp_path)
    assert done.returncode == 0
    assert done.stderr.count("--figures") == 1 and len(done.stderr.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["s.py"]


# Tensors and data sets.


def test_a_tensor_is_an_array_that_stays_one():
    x = tensors.constant([[1.0, 2.0], [3.0, 4.0]])
    assert x.dtype == "float32" and isinstance(x, np.ndarray)
    for each in (x[0], x[0, 0], x + 1, x[0, 0] / 2, tensors.reduce_mean(x), next(iter(x))):
        assert isinstance(each, tensors.Tensor)
        assert type(each.numpy()) in (np.ndarray, np.float32)
    assert f"{tensors.reduce_mean(x):.2f}" == "2.50"


def test_seeds_of_tensorflow_seed_the_order_only():
    tinynet.utils.set_random_seed(1)
    layer = tinynet.layers.Dense(3)
    layer.build((2,))
    tinynet.utils.set_random_seed(1)
    tensors.set_seed(5)
    other = tinynet.layers.Dense(3)
    other.build((2,))
    np.testing.assert_array_equal(layer.params["kernel"], other.params["kernel"])
    order = tinynet.random.epoch_order(20)
    tinynet.utils.set_random_seed(5)
    np.testing.assert_array_equal(order, tinynet.random.epoch_order(20))


def numbers(dataset):
    return [np.asarray(each).tolist() for each in dataset]


def test_a_chain_of_steps_can_be_gone_through_again():
    data = pipelines.Dataset.from_tensor_slices((np.arange(7.0), np.arange(7)))
    batches = data.map(lambda x, y: (x / 2, y)).batch(3).prefetch(1)
    for _ in range(2):
        seen = [(x.tolist(), y.tolist()) for x, y in batches]
        assert seen == [
            ([0.0, 0.5, 1.0], [0, 1, 2]),
            ([1.5, 2.0, 2.5], [3, 4, 5]),
            ([3.0], [6]),
        ]
    assert len(batches) == 3
    assert len(data.batch(3, drop_remainder=True)) == 2


def test_steps_that_cut_and_repeat():
    data = pipelines.Dataset.from_tensor_slices(np.arange(4))
    assert numbers(data.take(3).skip(1)) == [1, 2]
    assert numbers(data.repeat(2)) == [0, 1, 2, 3] * 2
    assert numbers(data.repeat().take(6)) == [0, 1, 2, 3, 0, 1]
    assert data.repeat().cardinality() == pipelines.INFINITE_CARDINALITY
    with pytest.raises(TypeError, match="never ends"):
        len(data.repeat())
    for each in (data.take(3), data.take(9), data.skip(1), data.skip(9), data.repeat(3)):
        assert len(each) == len(numbers(each))
    with pytest.raises(ValueError, match=r"of one length, got \[2, 3\]"):
        pipelines.Dataset.from_tensor_slices((np.zeros(2), np.zeros(3)))


def test_what_is_kept_is_computed_once():
    calls = []
    data = pipelines.Dataset.from_tensor_slices(np.arange(3)).map(lambda x: calls.append(1) or x)
    kept = data.cache()
    assert numbers(kept) == numbers(kept) == [0, 1, 2]
    assert len(calls) == 3


def test_shuffling_repeats_from_the_same_seeds():
    data = pipelines.Dataset.from_tensor_slices(np.arange(50))
    first, second = (numbers(data.shuffle(50, seed=3)) for _ in range(2))
    assert first == second != list(range(50))
    assert sorted(first) == list(range(50))
    shuffled = data.shuffle(50, seed=3)
    assert numbers(shuffled) != numbers(shuffled)
    fixed = data.shuffle(50, seed=3, reshuffle_each_iteration=False)
    assert numbers(fixed) == numbers(fixed)
    assert numbers(data.shuffle(50)) != numbers(data.shuffle(50))
    # From a buffer of 2 the number i can come at place i - 1 at the earliest.
    assert all(at >= i - 1 for at, i in enumerate(numbers(data.shuffle(2, seed=1))))
