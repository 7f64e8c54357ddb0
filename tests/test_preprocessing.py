"""ImageDataGenerator and pictures in files: what is refused, what stays, what one can count on."""

import builtins
import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tinynet import config
from tinynet.preprocessing import image_dataset_from_directory
from tinynet.preprocessing.image import (
    ImageDataGenerator,
    array_to_img,
    img_to_array,
    load_img,
    save_img,
)
from tinynet.utils import normalize

X = np.random.default_rng(0).random((6, 4, 5, 3))
Y = np.array([0, 1, 0, 1, 0, 1])


@pytest.mark.parametrize(
    ("argument", "value", "said"),
    [
        ("rotation_range", "20", "expected a number, got '20'"),
        ("width_shift_range", -0.1, "expected a number of 0 or more, got -0.1"),
        ("height_shift_range", ["1"], "expected a number, got '1'"),
        ("zoom_range", [0.1, 0.2, 0.3], "expected two numbers"),
        ("brightness_range", 0.5, "expected a list of numbers, got 0.5"),
        ("brightness_range", (1,), "expected two numbers"),
        ("fill_mode", "mirror", "expected one of constant, nearest, reflect, wrap, got 'mirror'"),
        ("interpolation_order", 3, "expected 1 (four pixels are blended) or 0"),
        ("validation_split", 1.0, "expected a number of 0 or more and below 1, got 1.0"),
        ("horizontal_flip", "yes", "expected True or False, got 'yes'"),
        ("data_format", "channels_first", "move the channels with np.moveaxis(x, 1, -1)"),
        ("preprocessing_function", 1 / 255, "expected a function of an image"),
    ],
)
def test_bad_settings(argument: str, value: object, said: str) -> None:
    with pytest.raises(ValueError, match=rf"^{argument}: .*{re.escape(said)}"):
        ImageDataGenerator(**{argument: value})


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"x": X[0]}, "gray images need an axis for their one channel: x[..., None]"),
        ({"x": (X, Y)}, "was it meant as x, y?"),
        ({"x": X[:0], "y": Y[:0]}, "expected at least one image"),
        ({"y": Y[:4]}, "y: expected one entry for each of 6 images, got shape (4,)"),
        ({"sample_weight": 1.0}, "sample_weight: expected one entry for each of 6 images"),
        ({"batch_size": 0}, "batch_size: expected a positive integer, got 0"),
        ({"seed": -1}, "seed: expected an integer of 0 or more, got -1"),
        ({"subset": "test"}, "expected 'training' or 'validation', got 'test'"),
        ({"subset": "validation", "y": np.sort(Y)}, "are they sorted by label?"),
    ],
)
def test_bad_arrays(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        ImageDataGenerator(validation_split=0.5).flow(**{"x": X, "y": Y, **options})


def test_a_number_of_channels_that_is_none_of_images() -> None:
    with pytest.warns(UserWarning, match="expected images of 1, 3 or 4 channels .*, got 5"):
        ImageDataGenerator().flow(X.transpose(0, 1, 3, 2))


@pytest.mark.parametrize("cause", ["featurewise", "samplewise"])
def test_a_division_by_the_deviation_subtracts_the_mean(cause: str) -> None:
    with pytest.warns(UserWarning, match=f"implies {cause}_center=True"):
        made = ImageDataGenerator(**{f"{cause}_std_normalization": True})
    assert getattr(made, f"{cause}_center")


def test_statistics_that_are_missing() -> None:
    generator = ImageDataGenerator(featurewise_center=True)
    with pytest.warns(UserWarning, match=r"featurewise_center has no effect before fit\(x\)"):
        np.testing.assert_array_equal(generator.standardize(X[0]), X[0])
    assert generator.fit(X) is generator
    np.testing.assert_allclose(generator.mean, X.mean((0, 1, 2))[None, None], rtol=1e-6)


def test_the_callers_arrays_stay_as_they_are() -> None:
    def to_zero(image: np.ndarray) -> np.ndarray:
        image[:] = 0
        return image

    x = X.astype(config.floatx())
    kept = x.copy()
    generator = ImageDataGenerator(
        rescale=2, featurewise_center=True, brightness_range=(0.5, 2), zoom_range=0.5
    )
    generator.preprocessing_function = to_zero
    generator.fit(x, augment=True)
    next(generator.flow(x, Y, shuffle=False))
    generator.standardize(x[0])
    generator.random_transform(x[0])
    np.testing.assert_array_equal(x, kept)


def test_an_epoch_has_every_image_once() -> None:
    x = np.arange(7.0).reshape(7, 1, 1, 1)
    flow = ImageDataGenerator().flow(x, np.arange(7), batch_size=3)
    assert len(flow) == 3
    for _ in range(2):
        labels = np.concatenate([next(flow)[1] for _ in range(3)])
        assert sorted(labels) == list(range(7))
    assert sorted(np.concatenate([flow[i][1] for i in range(3)])) == list(range(7))
    with pytest.raises(ValueError, match="batch 3: expected a number from 0 to 2"):
        flow[3]


def test_the_two_parts_of_a_split() -> None:
    generator = ImageDataGenerator(validation_split=1 / 3)
    parts = [
        generator.flow(X, Y, shuffle=False, subset=s)[0][1] for s in ("validation", "training")
    ]
    assert [part.tolist() for part in parts] == [[0, 1], [0, 1, 0, 1]]


def test_a_rotation_by_a_right_angle_and_a_zoom_to_a_half() -> None:
    generator = ImageDataGenerator(fill_mode="constant")
    x = np.arange(9.0).reshape(3, 3, 1)
    turned = generator.apply_transform(x, {"theta": 90})
    np.testing.assert_allclose(turned[..., 0], np.rot90(x[..., 0]), atol=1e-12)
    halved = generator.apply_transform(np.ones((5, 5, 1)), {"zx": 2, "zy": 2})
    assert halved[..., 0].sum() == 9  # the points -2, 0, 2, 4, 6 of each axis


# Pictures in files.


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("cats", "dogs"):
        (tmp_path / name).mkdir()
        save_img(tmp_path / name / "1.png", X[0])
    return tmp_path


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"class_mode": "multi"}, "class_mode: expected one of categorical, binary, sparse"),
        ({"color_mode": "gray"}, "color_mode: expected one of grayscale, rgb, rgba, got 'gray'"),
        ({"interpolation": "linear"}, "interpolation: expected one of nearest, bilinear"),
        ({"target_size": 28}, "target_size: expected (height, width), got 28"),
        ({"target_size": (28, 2.5)}, "target_size: expected a positive integer, got 2.5"),
        ({"classes": ["cats", "mice"]}, "there is no folder"),
        ({"subset": "validation"}, "expected a folder for each class with pictures"),
    ],
)
def test_bad_folders(folder: Path, options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        ImageDataGenerator().flow_from_directory(folder, **options)


def test_a_folder_of_two_classes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flow = ImageDataGenerator().flow_from_directory(folder, target_size=(4, 5), shuffle=False)
    assert capsys.readouterr().out == "Found 2 images belonging to 2 classes.\n"
    x, y = flow[0]
    assert x.shape == (2, 4, 5, 3) and x.max() == 255
    assert y.tolist() == [[1, 0], [0, 1]]
    assert flow.class_indices == {"cats": 0, "dogs": 1}
    with pytest.raises(FileNotFoundError):
        ImageDataGenerator().flow_from_directory(folder / "nowhere")


def test_without_pillow(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load = builtins.__import__

    def refused(name: str, *args: Any) -> Any:
        if name == "PIL":
            raise ImportError(name)
        return load(name, *args)

    monkeypatch.setattr(builtins, "__import__", refused)
    with pytest.raises(ImportError, match=r"pip install 'tinynet\[images\]'"):
        load_img(folder / "cats" / "1.png")
    brighter = ImageDataGenerator().apply_transform(X[0] * 100, {"brightness": 2.0})
    assert brighter.max() == 2 * int(X[0].max() * 100)  # needs no Pillow


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda: load_img(3), TypeError, "path: expected a path or io.BytesIO, got int"),
        (lambda: img_to_array(np.zeros(3)), ValueError, "2 or 3 axes, got shape (3,)"),
        (lambda: array_to_img(np.zeros((3, 3))), ValueError, "with 1, 3 or 4 channels, got (3, 3)"),
        (lambda: array_to_img(np.zeros((3, 3, 2))), ValueError, "got (3, 3, 2)"),
        (lambda: img_to_array(np.zeros((3, 3)), dtype="int"), ValueError, "expected 'float32' or"),
    ],
)
def test_bad_pictures(call: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=re.escape(said)):
        call()


def test_opacity_is_left_out_of_jpeg(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="JPEG files have no opacity"):
        save_img(tmp_path / "a.jpg", np.ones((3, 3, 4)))
    with Image.open(tmp_path / "a.jpg") as picture:
        assert picture.mode == "RGB"
    stream = io.BytesIO()
    save_img(stream, np.eye(3)[..., None], file_format="png")
    np.testing.assert_array_equal(
        img_to_array(load_img(stream, "grayscale"))[..., 0], 255 * np.eye(3)
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"label_mode": "sparse"}, "label_mode: expected one of int, categorical, binary, None"),
        ({"interpolation": "bicubic"}, "interpolation: expected one of bilinear, nearest"),
        ({"pad_to_aspect_ratio": True}, "pad_to_aspect_ratio: expected one of False, got True"),
        ({"validation_split": 0.5}, "validation_split and subset: expected both or neither"),
        ({"subset": "both"}, "validation_split and subset: expected both or neither"),
        ({"subset": "training", "validation_split": 0.5}, "seed: expected an integer: two calls"),
        ({"subset": "validation", "validation_split": 0.1, "seed": 1}, "none for validation"),
        (
            {"labels": [1]},
            "labels: expected one integer for each of 2 files, got an array of shape",
        ),
        ({"labels": [0.5, 1]}, "and type float64"),
        ({"labels": "folders"}, "labels: expected 'inferred', None or a list of int"),
        ({"class_names": ["mice"]}, "and none named ['mice']"),
        ({"class_names": ["cats"], "label_mode": "binary"}, "needs exactly 2 classes"),
        ({"class_names": ["cats"], "labels": None}, "only with labels='inferred'"),
        ({"batch_size": 0}, "batch_size: expected a positive integer"),
        ({"image_size": (3, 3, 3)}, "expected (height, width), got (3, 3, 3)"),
    ],
)
def test_bad_arguments_for_a_dataset(folder: Path, options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        image_dataset_from_directory(folder, **options)


def test_a_dataset_says_what_it_found(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = {"image_size": 2, "validation_split": 0.5, "subset": "both", "seed": 3}
    training, validation = image_dataset_from_directory(folder, **options)
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "Found 2 files belonging to 2 classes."
    assert said[1:] == ["Using 1 files for training.", "Using 1 files for validation."]
    assert set(training.file_paths) & set(validation.file_paths) == set()
    assert training.class_names == ["cats", "dogs"]
    image_dataset_from_directory(folder, verbose=False)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -3])
def test_normalized_along_any_axis(axis: int) -> None:
    x = X[0].copy()
    x[:, 0, 0] = 0
    norms = np.linalg.norm(normalize(x, axis=axis), axis=axis)
    np.testing.assert_allclose(norms[norms > 0], 1)
    with pytest.raises(ValueError, match="axis: expected one of 3 axes, got 3"):
        normalize(x, axis=3)
