"""ImageDataGenerator and pictures in files: Keras's numbers from the same seed.

Keras transforms images with SciPy and brightens them with Pillow; tinynet needs neither for that.
"""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras.src.legacy.preprocessing import image as theirs
from keras.utils import array_to_img, img_to_array, load_img, save_img
from PIL import Image

import tinynet
from parity_tests.backend import keras
from parity_tests.both import expect_same, use_floatx
from parity_tests.drawn import FLOAT_TYPES, SEEDS, examples
from tinynet.preprocessing import affine, image

scipy_ndimage = pytest.importorskip("scipy.ndimage")
# Keras 3.15 looks scipy.ndimage's functions up where they were before SciPy 1.8.
pytestmark = pytest.mark.filterwarnings("ignore:Please import .* from the .scipy.ndimage.")

FOLDERS = "utils.image_dataset_from_directory"
GENERATOR = "preprocessing.image.ImageDataGenerator"
SETTINGS = [
    "",
    "rotation_range=20",
    "width_shift_range=0.2",
    "height_shift_range=2",
    "height_shift_range=1.5, width_shift_range=[0.1, 0.3]",
    "width_shift_range=[1, 2, 3]",
    "shear_range=15, fill_mode='reflect'",
    "zoom_range=0.3, fill_mode='wrap'",
    "zoom_range=[0.4, 1.5], fill_mode='constant', cval=0.7",
    "horizontal_flip=True, vertical_flip=True",
    "channel_shift_range=0.4",
    "brightness_range=(0.2, 1.9)",
    "rotation_range=40, interpolation_order=0",
    "rescale=1/255, preprocessing_function=lambda x: x * x - 1",
    "samplewise_center=True, samplewise_std_normalization=True",
    "featurewise_center=True, featurewise_std_normalization=True, rescale=0.5",
    "zca_whitening=True, featurewise_center=True",
    "rotation_range=15, width_shift_range=0.1, height_shift_range=0.1, shear_range=0.2, "
    "zoom_range=0.1, horizontal_flip=True, brightness_range=[0.8, 1.2], rescale=1/255, "
    "channel_shift_range=10.0, featurewise_center=True",
]
FLOWS = [
    "g.flow(x, y, batch_size=3, seed=5)",
    "g.flow(x, y, batch_size=4, shuffle=False)",
    "g.flow(x, batch_size=3)",
    "g.flow(x, y, batch_size=2, sample_weight=w, seed=1)",
    "g.flow(x, y[:, None], batch_size=3, subset='training')",
    "g.flow(x, y, batch_size=3, subset='validation', ignore_class_split=True)",
]
CASES = {GENERATOR: [*SETTINGS, *FLOWS], "preprocessing.affine": ["scipy.ndimage"]}


def generators(text):
    """Make one generator of each library."""
    return [
        eval(f"library.ImageDataGenerator({text})", {"library": each}) for each in (image, theirs)
    ]


def as_arrays(batch):
    return list(batch) if isinstance(batch, tuple) else [batch]


def expect_same_batches(own, keras_own, floatx, case):
    """Compare two epochs by numbers, and then more batches than an epoch has, one by one."""
    assert len(own) == len(keras_own)
    pairs = []
    for number in [*range(len(own)), *reversed(range(len(own)))]:
        for flow in (own, keras_own):
            np.random.seed(number)
            pairs.append(as_arrays(flow[number]))
            flow.on_epoch_end()
    np.random.seed(3)
    ours = [as_arrays(next(own)) for _ in range(2 * len(own) + 1)]
    np.random.seed(3)
    others = [as_arrays(next(keras_own)) for _ in range(2 * len(own) + 1)]
    pairs += [batch for pair in zip(ours, others, strict=True) for batch in pair]
    tensors = {}
    for number, (batch, other) in enumerate(zip(pairs[::2], pairs[1::2], strict=True)):
        for part, (a, b) in enumerate(zip(batch, other, strict=True)):
            assert a.dtype == b.dtype
            tensors[f"batch {number}, part {part}"] = (a, b, max(1, np.abs(b).max()))
    tolerance = 1e-12 if floatx == "float64" else 2e-5
    expect_same(GENERATOR, tensors, tolerance=tolerance, case=case)


def images_and_labels(shape=(9, 6, 6, 3), seed=0):
    draws = np.random.default_rng(seed)
    return 255 * draws.random(shape), np.arange(shape[0]) % 3, draws.random(shape[0])


@pytest.mark.parametrize("floatx", ["float64", "float32"])
@pytest.mark.parametrize("shape", [(9, 6, 6, 3), (5, 4, 7, 1)])
@pytest.mark.parametrize("settings", SETTINGS)
def test_batches(settings, shape, floatx):
    use_floatx(floatx)
    x, y, _ = images_and_labels(shape)
    made = generators(settings)
    for each in made:
        each.fit(x, augment="rotation" in settings, seed=4)
    own, others = (each.flow(x, y, batch_size=2, seed=7) for each in made)
    expect_same_batches(own, others, floatx, settings)


@pytest.mark.parametrize("flow", FLOWS)
def test_flows(flow):
    use_floatx("float64")
    x, y, w = images_and_labels()
    made = generators("rotation_range=30, horizontal_flip=True, validation_split=0.4")
    names = {"x": x, "y": y, "w": w}
    own, others = (eval(flow, {"g": each, **names}) for each in made)
    expect_same_batches(own, others, "float64", flow)


def test_values_outside_0_to_255_and_opacity_are_brightened():
    use_floatx("float32")
    draws = np.random.default_rng(2)
    for channels, spread in ((1, 3.0), (3, 900.0), (4, 200.0), (4, 300.0)):
        x = (spread * draws.normal(size=(4, 5, channels))).astype("float32")
        x = np.abs(x).clip(0, 255) if spread == 200 else x
        for factor in (0.0, 0.3, 1.0, 1.7):
            other = theirs.apply_brightness_shift(x, factor, False)
            own = image.ImageDataGenerator().apply_transform(x, {"brightness": factor})
            expect_same(GENERATOR, {"brighter": (own, other)}, tolerance=0, case=f"{channels}")


@examples(150)
@given(
    size=st.tuples(*(st.integers(1, most) for most in (9, 9, 2))),
    spread=st.sampled_from([0.3, 1.0, 5.0]),
    halves=st.booleans(),
    order=st.integers(0, 1),
    fill_mode=st.sampled_from(affine.FILL_MODES),
    floatx=FLOAT_TYPES,
    seed=SEEDS,
)
def test_any_affine_map_is_scipys_to_the_bit(size, spread, halves, order, fill_mode, floatx, seed):
    draws = np.random.default_rng(seed)
    x = draws.normal(size=size).astype(floatx)
    matrix = np.eye(2) + spread * draws.normal(size=(2, 2))
    offset = spread * max(size) * draws.normal(size=2)
    if halves:
        matrix, offset = np.round(2 * matrix) / 2, np.round(2 * offset) / 2
    own = affine.fetched(x, matrix, offset, order, fill_mode, 0.3)
    others = [
        scipy_ndimage.affine_transform(
            channel, matrix, offset, order=order, mode=fill_mode, cval=0.3
        )
        for channel in np.moveaxis(x, -1, 0)
    ]
    tensors = {"pixels": (own, np.stack(others, axis=-1))}
    expect_same("preprocessing.affine", tensors, tolerance=0, case=f"{fill_mode}, order {order}")


@pytest.fixture
def folder(tmp_path):
    """Two classes of pictures of several kinds and sizes, one of them in a folder below."""
    draws = np.random.default_rng(1)
    for number in range(11):
        place = tmp_path / "animals" / ("cats" if number % 3 else "dogs")
        place = place / "more" if number == 7 else place
        place.mkdir(parents=True, exist_ok=True)
        channels = {0: 1, 1: 3, 2: 4, 3: 3}[number % 4]
        levels = draws.integers(0, 256, (5 + number, 9, channels), np.uint8)
        picture = Image.fromarray(levels[..., 0] if channels == 1 else levels)
        picture.save(place / f"{number}.{'bmp' if number == 1 else 'png'}")
    (tmp_path / "animals" / "cats" / "notes.txt").write_text("no picture")
    return tmp_path / "animals"


@pytest.mark.parametrize(
    "options",
    [
        "class_mode='categorical'",
        "class_mode='binary', color_mode='grayscale'",
        "class_mode='sparse', color_mode='rgba', interpolation='bilinear'",
        "class_mode='input', keep_aspect_ratio=True",
        "class_mode=None, shuffle=False",
        "classes=['dogs', 'cats'], subset='training'",
        "subset='validation'",
    ],
)
def test_folders(folder, options):
    use_floatx("float64")
    made = generators("zoom_range=0.2, horizontal_flip=True, rescale=1/255, validation_split=0.3")
    text = f"g.flow_from_directory(folder, target_size=(7, 6), batch_size=4, seed=3, {options})"
    own, others = (eval(text, {"g": each, "folder": str(folder)}) for each in made)
    for name in ("class_indices", "filenames", "filepaths", "samples", "num_classes"):
        assert getattr(own, name) == getattr(others, name)
    assert own.image_shape == others.image_shape
    np.testing.assert_array_equal(own.classes, others.classes)
    expect_same_batches(own, others, "float64", options)


def test_saved_pictures(folder, tmp_path):
    """Names are drawn from the same generator, so that the batches after them are the same."""
    use_floatx("float32")
    x, y, _ = images_and_labels()
    found = []
    for name, generator in zip(("own", "keras"), generators("rotation_range=30"), strict=True):
        (tmp_path / name).mkdir()
        options = {"save_to_dir": str(tmp_path / name), "save_prefix": "p", "seed": 2}
        next(generator.flow(x, y, batch_size=4, **options))
        next(generator.flow_from_directory(str(folder), batch_size=4, **options))
        found.append({each.name: each.read_bytes() for each in (tmp_path / name).iterdir()})
    assert len(found[0]) == 8
    assert found[0] == found[1]


@pytest.mark.parametrize("color_mode", ["rgb", "rgba", "grayscale"])
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic", "lanczos"])
@pytest.mark.parametrize("keep", [False, True])
def test_pictures_become_arrays(folder, color_mode, interpolation, keep):
    use_floatx("float32")
    for place in sorted(folder.rglob("*.png")):
        options = {"color_mode": color_mode, "target_size": (4, 8), "keep_aspect_ratio": keep}
        options["interpolation"] = interpolation
        own, other = image.load_img(place, **options), load_img(place, **options)
        assert own.mode == other.mode
        arrays = image.img_to_array(own), img_to_array(other)
        expect_same("preprocessing.image.load_img", {"pixels": arrays}, tolerance=0)


@pytest.mark.parametrize("scale", [True, False])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_arrays_become_pictures(scale, channels, tmp_path):
    use_floatx("float64")
    draws = np.random.default_rng(0)
    for largest in (200, 70000) if channels == 1 else (200,):
        x = draws.random((3, 5, channels)) * largest
        own, other = image.array_to_img(x, scale=scale), array_to_img(x, scale=scale)
        assert (own.mode, own.tobytes()) == (other.mode, other.tobytes())
    x = draws.random((3, 5, channels)) * 200
    for save, name in ((image.save_img, "own.png"), (save_img, "keras.png")):
        save(tmp_path / name, x, scale=scale)
    assert (tmp_path / "own.png").read_bytes() == (tmp_path / "keras.png").read_bytes()


def test_shifts_go_where_keras_sends_them():
    """What is drawn for the height moves images to the side; what the docstring says."""
    use_floatx("float64")
    x = np.zeros((5, 5, 1))
    x[2, 2] = 1
    said = re.sub(r"\s+", " ", image.ImageDataGenerator.__doc__)
    assert "`height_shift_range` moves images to the side" in said
    for library in (image, theirs):
        moved = library.ImageDataGenerator().apply_transform(x, {"tx": 1})
        assert np.argwhere(moved[..., 0]).tolist() == [[2, 1]]


@pytest.mark.parametrize("interpolation", ["bilinear", "nearest"])
@pytest.mark.parametrize(
    "options",
    [
        "shuffle=False",
        "shuffle=False, label_mode='categorical', crop_to_aspect_ratio=True",
        "shuffle=False, label_mode='binary', color_mode='rgba', class_names=['b', 'a']",
        "shuffle=False, label_mode=None, image_size=3",
        "shuffle=False, labels=[2, 0, 1, 1, 0, 2, 0, 1, 2], batch_size=None",
        "shuffle=False, validation_split=0.4, subset='validation'",
        "shuffle=False, validation_split=0.3, subset='both'",
        "labels=None, color_mode='grayscale', shuffle=False",
    ],
)
def test_datasets_of_folders(tmp_path, interpolation, options):
    draws = np.random.default_rng(3)
    channels = 4 if "rgba" in options else 1 if "gray" in options else 3
    for number in range(9):
        place = tmp_path / ("b" if number % 3 else "a")
        place.mkdir(exist_ok=True)
        levels = draws.integers(0, 256, (4 + number, 9 - number // 2, channels), np.uint8)
        Image.fromarray(levels.squeeze()).save(place / f"{number}.png")
    options = {"image_size": (5, 6), "batch_size": 4, **eval(f"dict({options})")}
    options |= {"directory": str(tmp_path), "interpolation": interpolation}
    made = [
        library.image_dataset_from_directory(**options) for library in (tinynet.utils, keras.utils)
    ]
    pairs = zip(*made, strict=True) if isinstance(made[0], list) else [made]
    for own, keras_own in pairs:
        assert own.class_names == keras_own.class_names
        assert own.file_paths == keras_own.file_paths
        batches = [as_arrays(each) for each in own]
        others = [[part.numpy() for part in as_arrays(each)] for each in keras_own]
        assert len(own) == len(batches) == len(others)
        for batch, other in zip(batches, others, strict=True):
            for a, b in zip(batch, other, strict=True):
                assert np.asarray(a).dtype == b.dtype
                expect_same(FOLDERS, {"part": (a, b)}, tolerance=0, case=interpolation)


def test_splits_of_folders_are_keras_splits(tmp_path):
    for number in range(20):
        place = tmp_path / f"{number % 3}" / f"{number}.png"
        place.parent.mkdir(exist_ok=True)
        Image.fromarray(np.zeros((2, 2, 3), np.uint8)).save(place)
    for subset in ("training", "validation"):
        options = {"validation_split": 0.25, "subset": subset, "seed": 6, "batch_size": 64}
        own, keras_own = (
            library.image_dataset_from_directory(str(tmp_path), image_size=2, **options)
            for library in (tinynet.utils, keras.utils)
        )
        assert own.file_paths == keras_own.file_paths
        labels = [int(path.split("/")[-2]) for path in own.file_paths]
        assert own.y.tolist() == labels
        (_, first), (_, second) = next(iter(own)), next(iter(own))
        assert sorted(first) == sorted(second) == sorted(labels)
        assert first.tolist() != second.tolist()
        assert sorted(next(iter(keras_own))[1].numpy()) == sorted(labels)


@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8"])
@pytest.mark.parametrize("options", ["", "axis=1", "order=1", "axis=-2, order=np.inf", "axis=2"])
def test_normalize(dtype, options):
    use_floatx("float32")
    x = (np.random.default_rng(0).random((5, 4, 3)) * 9).astype(dtype)
    x[2] = 0
    made = [
        eval(f"normalize(x, {options})", {"normalize": library.utils.normalize, "x": x, "np": np})
        for library in (tinynet, keras)
    ]
    assert made[0].dtype == made[1].dtype
    expect_same("utils.normalize", {"normalized": made}, tolerance=0, case=options)
    vectors = [library.utils.normalize(x[0, 0]) for library in (tinynet, keras)]
    expect_same("utils.normalize", {"of a vector": vectors}, tolerance=0)
