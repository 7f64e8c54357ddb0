"""Blocks of HDF5 files that lead back to themselves are refused before the library follows them.

The files here are only as much of one as the check looks at; the library could not open them.
"""

import io
from pathlib import Path
from struct import pack
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.saved_models import disturbed, equal_models
from tinynet import Sequential, layers
from tinynet.interop.keras_files import hdf5_blocks
from tinynet.models import load_model

START = hdf5_blocks.SIGNATURE + bytes([0, 0, 0, 0, 0, 8, 8, 0])  # version 0, sizes of 8 bytes


def check(*blocks: bytes) -> None:
    content = START + b"".join(blocks)
    hdf5_blocks.check(io.BytesIO(content), len(content))


def tree(right: int) -> bytes:
    return b"TREE" + bytes(4) + pack("<QQQ", 2**64 - 1, right, 0)


def local_heap(at: int, free: int, *places: tuple[int, int]) -> bytes:
    data = bytearray(64)
    for place, following in places:
        data[place : place + 16] = pack("<QQ", following, 16)
    return b"HEAP" + bytes(4) + pack("<QQQ", len(data), free, at + 32) + data


def global_heap(size: int, *objects: tuple[int, int, int]) -> bytes:
    """Make a heap of objects: their number, the size that is said, the bytes that follow."""
    found = b"GCOL\1" + bytes(3) + pack("<Q", size)
    for number, said, length in objects:
        found += pack("<HHIQ", number, 1, 0, said) + bytes(length)
    return found


def texts(
    *lengths: int, version: int = 1, gap: int = 4, most: bool = False, kind: int = 1
) -> bytes:
    """Make an attribute of texts: their type, how many there are, and for each its length."""
    found = bytes([0x19, 1, kind, 0]) + hdf5_blocks.OF_BYTES + bytes(gap)
    found += bytes([version, 1, most, 0]) + bytes(4 if version == 1 else 0)
    found += pack("<Q", len(lengths)) * (1 + most)
    return found + b"".join(pack("<IQI", length, 2**60, 1) for length in lengths)


FORMS = [
    *({}, {"version": 2}, {"gap": 0}, {"most": True}, {"kind": 0}),
    {"version": 2, "gap": 0, "most": True},
]


@pytest.mark.parametrize("form", FORMS)
def test_lengths_of_texts(form: dict[str, Any]) -> None:
    check(texts(3, 0, 100, **form), bytes(64))
    with pytest.raises(
        ValueError, match=r"a text is longer than the file.* h5repack writes it anew"
    ):
        check(texts(3, 10_000, 5, **form), bytes(64))
    check(texts(3, **form)[:-20], bytes(3))  # cut off


def test_numbers_that_look_like_the_type_of_a_text() -> None:
    """281 and 65,817 have the same first four bytes; any step may have that number."""
    for number in (281, 65_817):
        check(pack("<Q", number) + bytes(12) + b"\1\1\0\0" + b"\xff" * 64)


def test_texts_that_say_that_there_are_more_than_there_can_be() -> None:
    many = texts()[:-8] + pack("<Q", 2**63)
    with pytest.raises(ValueError, match=r"a text is longer than the file|upon each other"):
        check(many + bytes(4000), many + bytes(4000))


def test_a_damaged_length_takes_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "model.h5"
    disturbed().save(path)
    content = bytearray(path.read_bytes())
    place = content.index(b"\x19\1\1\0\x10\0\0\0") + 24 + 8  # of a single text: its length
    assert int.from_bytes(content[place : place + 4], "little") < 100
    content[place + 3] = 0x10
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"model\.h5: .*\(a text is longer than the file\)"):
        load_model(path)


def test_blocks_as_they_should_be() -> None:
    check(tree(2**64 - 1))
    check(tree(16 + 32), tree(2**64 - 1))  # the first one's neighbour is the second
    check(local_heap(16, 1))
    check(local_heap(16, 8, (8, 40), (40, 1)))
    check(global_heap(72, (1, 5, 8), (2, 8, 8), (0, 8, 0)))  # 8 bytes at the end are free
    check(global_heap(64, (1, 5, 8), (0, 24, 8)))
    check(global_heap(0), b"TREEHEAPGCOL")  # letters that are no block


@pytest.mark.parametrize(
    ("blocks", "match"),
    [
        ([tree(16)], "nodes of a tree"),
        ([tree(16 + 32), tree(16 + 64), tree(16 + 32)], "nodes of a tree"),
        ([local_heap(16, 8, (8, 8))], "free places"),
        ([local_heap(16, 8, (8, 40), (40, 24), (24, 40))], "free places"),
        ([global_heap(64, (1, 5, 8), (2, 40, 8))], "as large as the whole"),
        ([global_heap(64, (1, 5, 8), (0, 8, 24))], "as large as the whole"),
        ([global_heap(64, (1, 2**64 - 1, 32))], "as large as the whole"),
    ],
)
def test_blocks_that_lead_back(blocks: list[bytes], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        check(*blocks)


@pytest.mark.parametrize(
    "start",
    [
        b"",
        b"\x89HDF",
        bytes(512) + START,
        START[:13] + b"\4" + START[14:],
        START[:8] + b"\2\4\4" + START[11:],
    ],
)
def test_files_that_begin_otherwise(start: bytes) -> None:
    with pytest.raises(ValueError, match="does not begin"):
        hdf5_blocks.check(io.BytesIO(start), len(start))


def test_a_block_on_the_edge_of_what_is_read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for window in range(1, 40):
        monkeypatch.setattr(hdf5_blocks, "WINDOW", window)
        with pytest.raises(ValueError, match="nodes of a tree"):
            check(b"TRE", tree(19), b"TR")


def test_heaps_upon_each_other() -> None:
    """Each is whole; gone through again and again, many of them would take hours."""
    first, inner = b"GCOL\1\0\0\0" + pack("<Q", 16 + 2 * 64), global_heap(48, (1, 16, 16))
    check(first, 2 * (inner.replace(b"\1", b"\0", 1) + bytes(16)))
    with pytest.raises(ValueError, match="upon each other"):
        check(first, 2 * (inner + bytes(16)))


@given(
    st.lists(st.sampled_from([b"TREE", b"HEAP", b"GCOL", b"\1", b"\0" * 3, b"\x20"]) | st.binary())
)
def test_any_bytes(parts: list[bytes]) -> None:
    try:
        check(*parts)
    except ValueError as error:
        assert "damaged" in str(error)  # noqa: PT017 (it may be read, too)


def test_weights_that_spell_the_name_of_a_block(tmp_path: Path) -> None:
    model = Sequential([layers.Dense(8, use_bias=False)])
    model.build((None, 3))
    letters = np.frombuffer(b"TREEHEAPGCOL" * 8, np.float32).reshape(3, 8)
    model.layers[0].kernel.assign(letters)
    for name in ("model.h5", "model.keras", "model.weights.h5"):
        if "weights" in name:
            model.save_weights(tmp_path / name)
        else:
            model.save(tmp_path / name)
            assert load_model(tmp_path / name).get_weights()[0].tobytes() == letters.tobytes()
    model.load_weights(tmp_path / "model.weights.h5")
    assert model.get_weights()[0].tobytes() == letters.tobytes()


def test_a_model_of_many_layers_is_read(tmp_path: Path) -> None:
    """Trees and heaps of several blocks: what Keras's files have in them, and no circle."""
    model = Sequential([layers.Dense(2, name=f"dense_with_a_long_name_{i}") for i in range(150)])
    model.build((None, 2))
    for name in ("model.h5", "model.keras"):
        model.save(tmp_path / name)
        again = load_model(tmp_path / name)
        for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
            assert a.tobytes() == b.tobytes()
    model = disturbed()
    model.save(tmp_path / "small.h5")
    equal_models(model, load_model(tmp_path / "small.h5"))
