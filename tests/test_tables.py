"""Tables: columns of several types are taken where all are numbers; else the column is named."""

import decimal
import fractions
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinynet import Sequential, data
from tinynet.layers import Dense

X = np.random.default_rng(0).normal(size=(40, 4)).astype("float32")
Y = np.arange(40) % 3
FRAME = pd.DataFrame(X, columns=list("abcd"))
TABLES: dict[str, Any] = {
    "floats": FRAME,
    "float and bool": FRAME.assign(e=FRAME["a"] > 0),
    "int and bool": pd.DataFrame({"a": Y, "b": Y > 1}),
    "get_dummies": pd.get_dummies(FRAME.assign(color=np.where(X[:, 0] > 0, "red", "blue"))),
    "float and Int64": FRAME.assign(e=pd.array(Y, dtype="Int64")),
    "float and boolean": FRAME.assign(e=pd.array(X[:, 0] > 0, dtype="boolean")),
    "Float32 and UInt8": pd.DataFrame(
        {"a": pd.array(X[:, 0], dtype="Float32"), "b": pd.array(Y, dtype="UInt8")}
    ),
    "float32 and int8": FRAME.assign(e=Y.astype("int8")),
    "objects": FRAME.astype(object),
    "a list of rows": [[1, True, 2.5], [0, False, 1.5]] * 20,
    "NumPy's and Python's numbers": np.array(
        [[np.float32(1), 2, np.True_, np.int8(3)]] * 40, dtype=object
    ),
}


@pytest.mark.parametrize("name", TABLES)
def test_tables_of_numbers_train(name: str) -> None:
    table = TABLES[name]
    model = Sequential([Dense(3, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    assert np.isfinite(model.fit(table, Y, verbose=0).history["loss"][0])
    expected = np.array([[float(entry) for entry in row] for row in np.asarray(table, object)])
    np.testing.assert_array_equal(
        model.predict(table, verbose=0), model.predict(expected, verbose=0)
    )


@pytest.mark.parametrize(
    "y",
    [
        pd.Series(Y),
        pd.Series(Y, dtype="Int64"),
        pd.Series(Y, dtype=object),
        pd.DataFrame({"label": Y}),
        Y.tolist(),
        np.array(Y.tolist(), dtype=object),
    ],
)
def test_targets_of_a_table(y: Any) -> None:
    found = data.check_numbers("y", y)
    assert found.dtype.kind in "iu"
    np.testing.assert_array_equal(found.reshape(-1), Y)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (
            FRAME.assign(e="red"),
            r"x: expected numbers, got 'red' of type str .* column 'e'",
        ),
        (
            FRAME.assign(e=pd.array([1, None] * 20, dtype="Int64")),
            r"got <NA> of type NAType first at index \(1, 4\), column 'e'; .* missing values",
        ),
        (FRAME.assign(e=pd.Timestamp("2026-01-01")), r"got Timestamp\(.* column 'e'"),
        (FRAME.assign(e=pd.Categorical(["a", "b"] * 20)), "got 'a' of type str .* column 'e'"),
        (FRAME.assign(e=[None, 1.5] * 20).astype(object), "expected finite numbers, got nan"),
        (FRAME.assign(e=1j).astype(object), "got 1j of type complex .* column 'e'"),
        (np.array([["a" * 90, 1.0]], dtype=object), r"got 'aaa.*\.\.\. of type str"),
        (np.array([[decimal.Decimal(1), 1.0]], dtype=object), "of type Decimal first at"),
        (np.array([[fractions.Fraction(1, 4)]], dtype=object), "of type Fraction first at"),
        (pd.DataFrame({"a": ["x", "y"]}), "(dtype|got 'x')"),
    ],
)
def test_what_is_no_number_is_named(table: Any, message: str) -> None:
    model = Sequential([Dense(3)])
    with pytest.raises((TypeError, ValueError), match=message):
        model.predict(table, verbose=0)
    assert not model.built


@given(
    st.lists(
        st.tuples(st.booleans(), st.integers(-99, 99), st.floats(-9, 9, width=32)),
        min_size=1,
        max_size=5,
    )
)
def test_any_table_of_numbers_is_the_array_of_its_numbers(rows: list[tuple[Any, ...]]) -> None:
    table = pd.DataFrame(rows, columns=["a", "b", "c"])
    np.testing.assert_array_equal(data.check_numbers("x", table), np.array(rows, np.float64))
