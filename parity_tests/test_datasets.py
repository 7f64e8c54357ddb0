"""Data sets: what Keras reads from the same files. They are small; the real ones are not needed."""

import dataclasses
import hashlib
import pickle

import numpy as np
import pytest

from parity_tests.both import expect_same
from tinynet.datasets import cifar10, idx, mnist
from tinynet.datasets.sources import DataFile

keras_mnist = pytest.importorskip("keras.src.datasets.mnist")
keras_cifar = pytest.importorskip("keras.src.datasets.cifar")
CASES = {"datasets.mnist": ["mnist.npz"], "datasets.cifar10": ["data_batch_1"]}


def test_archive_of_mnist(tmp_path, monkeypatch):
    draws = np.random.default_rng(0)
    shapes = [(7, 28, 28), (7,), (3, 28, 28), (3,)]
    arrays = [draws.integers(0, 256, shape).astype(np.uint8) for shape in shapes]
    keys = ("x_train", "y_train", "x_test", "y_test")
    np.savez(tmp_path / "mnist.npz", **dict(zip(keys, arrays, strict=True)))
    told = []
    for file, array in zip(mnist.SOURCE.files, arrays, strict=True):
        content = idx.as_idx(array)
        told.append(DataFile(file.name, "", len(content), hashlib.sha256(content).hexdigest()))
    monkeypatch.setattr(mnist, "SOURCE", dataclasses.replace(mnist.SOURCE, files=tuple(told)))
    monkeypatch.setattr(keras_mnist, "get_file", lambda **_: str(tmp_path / "mnist.npz"))
    own, theirs = mnist.load_data(tmp_path / "mnist.npz"), keras_mnist.load_data()
    pairs = list(zip([*own[0], *own[1]], [*theirs[0], *theirs[1]], strict=True))
    assert all(a.dtype == b.dtype for a, b in pairs)
    expect_same("datasets.mnist", dict(zip(keys, pairs, strict=True)), tolerance=0)


def test_batch_of_cifar10(tmp_path):
    draws = np.random.default_rng(0)
    data, labels = draws.integers(0, 256, (5, 3072)).astype(np.uint8), [3, 1, 4, 1, 5]
    content = pickle.dumps({b"data": data, b"labels": labels})
    (tmp_path / "data_batch_1").write_bytes(content)
    images, classes = keras_cifar.load_batch(str(tmp_path / "data_batch_1"))
    own = cifar10.read_batch(content)
    # keras/src/datasets/cifar10.py does the rest with all batches at once.
    theirs = images.transpose(0, 2, 3, 1), np.reshape(classes, (len(classes), 1))
    pairs = dict(zip(("images", "labels"), zip(own, theirs, strict=True), strict=True))
    expect_same("datasets.cifar10", pairs, tolerance=0)
