"""The tools of the comparisons: the size of a difference, other roundings, settings."""

import numpy as np
import pytest

from parity_tests import report
from parity_tests.both import Entry, difference
from parity_tests.other_roundings import one_rounding_off
from parity_tests.settings import environment_of, row, settings


def test_a_difference_is_relative_to_the_largest_term():
    assert difference([1.0, 3.0], [1.0, 2.0]) == (0.5, (1,))
    assert difference([1.0, 3.0], [1.0, 2.0], terms=[-10.0, 4.0]) == (0.1, (1,))
    assert difference(1e-7, 0.0, terms=1.0) == (1e-7, ())


def test_where_all_terms_are_0_only_0_will_do():
    assert difference([0.0, -0.0], [0.0, 0.0]) == (0.0, (0,))
    assert difference([0.0, 1e-300], [0.0, 0.0]) == (np.inf, (1,))


def test_nan_and_infinity_have_their_places():
    special = [np.nan, np.inf, -np.inf, 1.0]
    assert difference(special, special)[0] == 0
    for place in range(3):
        other = [*special]
        other[place] = 1.0
        assert difference(other, special) == (np.inf, (place,))
        assert difference(special, other)[0] == np.inf


@pytest.mark.parametrize("terms", [np.nan, np.inf])
def test_terms_that_would_hide_any_difference(terms):
    with pytest.raises(AssertionError, match="not finite"):
        difference([1.0], [2.0], terms=[terms])


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_every_number_moves_to_a_neighbor(dtype):
    x = np.random.default_rng(0).normal(size=1000).astype(dtype)
    moved = one_rounding_off(x)
    neighbors = np.nextafter(x, x.dtype.type(-np.inf)), np.nextafter(x, x.dtype.type(np.inf))
    assert moved.dtype == x.dtype
    np.testing.assert_array_equal((moved == neighbors[0]) ^ (moved == neighbors[1]), True)
    assert 300 < np.count_nonzero(moved == neighbors[0]) < 700
    np.testing.assert_array_equal(one_rounding_off(x), moved)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_what_has_no_rounding_stays(dtype):
    x = np.array([0.0, -0.0, np.inf, -np.inf, np.nan], dtype)
    np.testing.assert_array_equal(one_rounding_off(x), x)


def test_settings_do_not_mix(monkeypatch):
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    monkeypatch.setenv("OF_MINE", "kept")
    for setting in settings():
        environment = environment_of(setting)
        assert environment["OF_MINE"] == "kept"
        assert environment.get("OPENBLAS_CORETYPE") == setting.environment.get("OPENBLAS_CORETYPE")
        assert setting.environment.items() <= environment.items()


def test_what_several_processes_found_is_added_up(monkeypatch):
    def entry(case, largest):
        return {"a": {"float64": Entry({("test", case)}, largest, 1e-12)}}

    for place, empty in (("RECORD", {}), ("SENTENCES", []), ("CURVES", {})):
        monkeypatch.setattr(report, place, empty)
    report.RECORD.update(entry("one", 2e-16))
    monkeypatch.setattr(report, "SENTENCES", ["said there"])
    sent = report.packed()
    monkeypatch.setattr(report, "SENTENCES", ["said here"])
    report.RECORD.clear()
    report.RECORD.update(entry("two", 1e-16))
    report.add(sent)
    both = Entry({("test", "one"), ("test", "two")}, 2e-16, 1e-12)
    assert report.RECORD["a"] == {"float64": both}
    assert report.SENTENCES == ["said here", "said there"]


def test_a_row_of_the_table():
    whole = "Sequential (whole run)"
    first = {
        "tests": {"passed": 1200, "failed": 0},
        "largest": {"float64": {"a": 1e-16, "b": 2e-16, whole: 4e-14}, "float32": {"a": 1e-7}},
    }
    first["largest"]["equal"] = {"c": 0.0}
    assert row(first, first) == [
        "1,200 passed",
        "2.0e-16 b",
        "1.0e-07 a",
        "4.0e-14",
        "yes",
        "0 of 4",
    ]
    other = {
        "tests": {"passed": 3, "failed": 1},
        "largest": {"float64": {"a": 3e-16, "b": 2e-16}, "float32": {}, "equal": {"c": 1e-9}},
    }
    assert row(other, first) == ["3 passed, 1 failed", "3.0e-16 a", "", "", "no", "1 of 3"]
