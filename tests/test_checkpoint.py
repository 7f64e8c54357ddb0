"""ModelCheckpoint: which models it keeps, when, and under which names."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinynet
from tinynet import Sequential, layers
from tinynet.callbacks import ModelCheckpoint
from tinynet.models import load_model

X = np.random.default_rng(0).normal(size=(40, 3))
Y = (X.sum(axis=1) > 0).astype(int)


def small() -> Sequential:
    model = Sequential([tinynet.Input((3,)), layers.Dense(2, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_checkpoint_names(tmp_path: Path) -> None:
    path = tmp_path / "new" / "{epoch:02d}-{val_loss:.3f}-{accuracy:.2f}.safetensors"
    model = small()
    history = model.fit(
        X, Y, epochs=3, validation_split=0.5, callbacks=[ModelCheckpoint(path)], verbose=0
    ).history
    assert names(tmp_path / "new") == [
        f"{epoch + 1:02d}-{history['val_loss'][epoch]:.3f}-{history['accuracy'][epoch]:.2f}"
        f".safetensors"
        for epoch in range(3)
    ]
    again = load_model(tmp_path / "new" / names(tmp_path / "new")[-1])
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))
    with pytest.raises(KeyError, match=r"filepath: .*val_acc.*needs 'val_acc'.*'accuracy'"):
        model.fit(X, Y, callbacks=[ModelCheckpoint(tmp_path / "{val_acc}.safetensors")], verbose=0)


@given(
    st.lists(st.sampled_from([1.0, 0.9, 0.9 - 1e-9, 0.5, 0.2, float("nan")]), max_size=15),
    st.sampled_from(["min", "max"]),
    st.sampled_from([None, 0.85]),
)
def test_only_the_best_are_kept(
    tmp_path_factory: pytest.TempPathFactory,
    values: list[float],
    mode: str,
    threshold: float | None,
) -> None:
    saved = []

    class Model:
        def save(self, path: Path) -> None:
            saved.append(path.name)

        def require_saveable(self) -> None:
            pass

    folder = tmp_path_factory.mktemp("checkpoints")
    callback = ModelCheckpoint(
        folder / "{epoch}.safetensors", "loss", 0, True, False, mode, "epoch", threshold
    )
    callback.set_model(Model())
    callback.on_train_begin()
    expected, best = [], threshold
    for epoch, value in enumerate(values):
        callback.on_epoch_begin(epoch)
        callback.on_epoch_end(epoch, {"loss": value})
        now, before = np.float32(value), np.float32(np.nan if best is None else best)
        if best is None or (now < before if mode == "min" else now > before):
            best = value
            expected.append(f"{epoch + 1}.safetensors")
    assert saved == expected


def test_a_checkpoint_after_every_few_batches(tmp_path: Path) -> None:
    callback = ModelCheckpoint(tmp_path / "{epoch}-{batch}.safetensors")
    callback.save_freq = 3  # as if the constructor had got it
    small().fit(X, Y, batch_size=10, epochs=3, callbacks=[callback], verbose=0)
    # Four batches an epoch: the count goes on from epoch to epoch.
    assert names(tmp_path) == [
        "1-3.safetensors",
        "2-2.safetensors",
        "3-1.safetensors",
        "3-4.safetensors",
    ]


def test_weights_alone(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    model = small()
    model.fit(X, Y, callbacks=[ModelCheckpoint(path, save_weights_only=True)], verbose=0)
    assert load_model(path).optimizer is None
    other = small()
    other.load_weights(path)
    np.testing.assert_array_equal(other.predict(X, verbose=0), model.predict(X, verbose=0))


def test_what_a_checkpoint_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "best.safetensors"
    callback = ModelCheckpoint(path, "loss", verbose=1, save_best_only=True)
    callback.set_model(small())
    for epoch, loss in enumerate([1.0, 2.0, 0.25]):
        callback.on_epoch_begin(epoch)
        callback.on_epoch_end(epoch, {"loss": loss})
    assert capsys.readouterr().out.splitlines() == [
        f"Epoch 1: loss improved from None to 1.00000, saving model to {path}",
        f"Epoch 1: finished saving model to {path}",
        "Epoch 2: loss did not improve from 1.00000",
        f"Epoch 3: loss improved from 1.00000 to 0.25000, saving model to {path}",
        f"Epoch 3: finished saving model to {path}",
    ]


def test_what_cannot_be_compared_is_kept(tmp_path: Path) -> None:
    callback = ModelCheckpoint(tmp_path / "m.safetensors", "val_loss", save_best_only=True)
    callback.set_model(small())
    with pytest.warns(UserWarning, match=r"ModelCheckpoint: .* no 'val_loss'"):
        callback.on_epoch_end(0, {"loss": 1.0})
    assert names(tmp_path) == ["m.safetensors"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"filepath": "best.onnx"}, r"filepath: .*\.keras, .*5, got 'best\.onnx'"),
        (
            {"filepath": "best.keras", "save_weights_only": True},
            r"filepath: .* or \.weights\.h5, got 'best\.keras'",
        ),
        (
            {"filepath": "m.safetensors", "save_freq": "batch"},
            r"save_freq: expected 'epoch' or a number of batches, got 'batch'",
        ),
        ({"filepath": "m.safetensors", "mode": "less"}, r"mode: expected 'auto', .* got 'less'"),
    ],
)
def test_what_cannot_be_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ModelCheckpoint(**options)
