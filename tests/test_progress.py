"""The progress bar: on a terminal, in a notebook, in a file, and when nobody wants it."""

import io
import itertools
import os
import pty
import re
import sys
import threading
import types
from collections.abc import Callable, Iterator

import numpy as np
import pytest

import tinynet
from tinynet import Sequential, layers, written
from tinynet.callbacks import LambdaCallback, ProgbarLogger, ReduceLROnPlateau, progress

X = np.random.default_rng(0).normal(size=(40, 3))
Y = (X.sum(axis=1) > 0).astype(int)
SECONDS = r"\d+\.\ds \d+(\.\d)?(us|ms|s)/step"
FIGURES = r"accuracy: \d\.\d{4} - loss: \d\.\d{4}"
VALIDATION = r"val_accuracy: \d\.\d{4} - val_loss: \d\.\d{4}"


def small() -> Sequential:
    model = Sequential([tinynet.Input((3,)), layers.Dense(2, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def assert_lines(text: str, *patterns: str) -> None:
    lines = text.splitlines()
    assert len(lines) == len(patterns), text
    for line, pattern in zip(lines, patterns, strict=True):
        assert re.fullmatch(pattern, line), line


class Terminal(io.TextIOWrapper):
    """The writing end of a pseudo-terminal; `seen` is all that came out at the other."""

    def __init__(self) -> None:
        self.reading, writing = pty.openpty()
        super().__init__(os.fdopen(writing, "wb"), encoding="utf-8")
        self.received = b""
        self.thread = threading.Thread(target=self.receive, daemon=True)
        self.thread.start()

    def receive(self) -> None:
        while True:
            try:
                part = os.read(self.reading, 4096)
            except OSError:  # how a pseudo-terminal ends
                return
            if not part:
                return
            self.received += part

    def seen(self) -> str:
        """Close the terminal and return what was written to it."""
        self.close()
        self.thread.join()
        os.close(self.reading)
        return self.received.decode()


def screen(text: str) -> str:
    """Return what stands on a terminal after `text`: a new line, a line written over."""
    lines, column = [""], 0
    for character in text:
        if character == "\r":
            column = 0
        elif character == "\n":
            lines.append("")
            column = 0
        else:
            lines[-1] = lines[-1][:column].ljust(column) + character + lines[-1][column + 1 :]
            column += 1
    return "\n".join(line.rstrip() for line in lines)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Callable[[], object]], str]]:
    """Run something on a terminal of 80 columns whose bar moves with every batch."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(progress, "INTERVAL", 0)

    def run(work: Callable[[], object]) -> str:
        made = Terminal()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", made)
            work()
        return made.seen()

    return run


# A file.


@pytest.mark.parametrize("verbose", ["auto", 1, 2])
def test_a_file_gets_a_line_an_epoch(
    verbose: int | str, capsys: pytest.CaptureFixture[str]
) -> None:
    small().fit(X, Y, batch_size=8, epochs=2, validation_split=0.2, verbose=verbose)
    text = capsys.readouterr().out
    assert "\r" not in text
    assert_lines(
        text,
        rf"Epoch 1/2 - 4/4 - {SECONDS} - {FIGURES} - {VALIDATION}",
        rf"Epoch 2/2 - 4/4 - {SECONDS} - {FIGURES} - {VALIDATION}",
    )


def test_evaluate_and_predict_write_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    model = small()
    model.evaluate(X, Y)
    model.predict(X, batch_size=7)
    model.fit(X, Y)
    assert_lines(
        capsys.readouterr().out,
        rf"2/2 - {SECONDS} - {FIGURES}",
        rf"6/6 - {SECONDS}",
        rf"2/2 - {SECONDS} - {FIGURES}",  # a single epoch needs no title
    )


def test_silence(capsys: pytest.CaptureFixture[str], terminal: Callable[..., str]) -> None:
    def work() -> None:
        model = small()
        model.fit(X, Y, epochs=2, validation_split=0.2, verbose=0)
        model.evaluate(X, Y, verbose=0)
        model.predict(X, verbose=0)

    work()
    assert capsys.readouterr().out == ""
    assert terminal(work) == ""


# A terminal.


def test_a_terminal_gets_a_bar_and_then_what_became_of_it(
    terminal: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(written, "ONCE", 0)  # one step after the other
    text = terminal(
        lambda: small().fit(X, Y, batch_size=8, epochs=2, validation_split=0.2, verbose=1)
    )
    epoch = (rf"4/4 - {SECONDS} - {FIGURES}", rf"    - {VALIDATION}")
    assert_lines(screen(text), "Epoch 1/2", *epoch, "Epoch 2/2", *epoch)
    # What was to be seen on the way.
    moments = [screen(text[: found.start()]).splitlines()[-1] for found in re.finditer("\r", text)]
    bars = [line for line in moments if "|" in line]
    assert re.fullmatch(r"0/4 \| +\| \? left", bars[0])
    for done in range(1, 5):
        pattern = rf"{done}/4 \|[█▏▎▍▌▋▊▉ ]+\| \d\d:\d\d left - {FIGURES}"
        assert any(re.fullmatch(pattern, bar) for bar in bars)
    filled = [bar.count("█") for bar in bars if bar.startswith(("1/4", "2/4", "3/4", "4/4"))]
    assert filled[0] < max(filled)


@pytest.mark.parametrize("columns", [50, 80, 200])
def test_no_line_is_wider_than_the_terminal(
    columns: int, terminal: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    callbacks = [ReduceLROnPlateau()]
    text = terminal(
        lambda: small().fit(X, Y, batch_size=1, epochs=2, validation_split=0.2, callbacks=callbacks)
    )
    widths = [len(line) for part in text.split("\r") for line in screen(part).splitlines()]
    assert max(widths) <= columns
    others = screen(text).rstrip().split("\n")
    if columns == 200:
        assert any(
            re.fullmatch(rf"32/32 - .*{VALIDATION} - learning_rate: 0\.01.*", x) for x in others
        )
    else:
        assert sum(line.startswith(" " * 5 + " - ") for line in others) >= 2


def test_counts_stand_in_a_column(terminal: Callable[..., str]) -> None:
    text = terminal(lambda: small().fit(X, Y, batch_size=2))
    assert "\r 1/20 |" in text and "\r20/20 |" in text


def test_other_callbacks_write_below_the_title_and_not_into_the_bar(
    terminal: Callable[..., str],
) -> None:
    def work(**validation: object) -> None:
        callbacks = [
            ReduceLROnPlateau("loss", 0.5, patience=1, min_delta=9, verbose=1),
            LambdaCallback(on_epoch_end=lambda epoch, logs: print(f"note {epoch}")),
        ]
        small().fit(X, Y, batch_size=8, epochs=2, callbacks=callbacks, **validation)

    for validation in ({}, {"validation_data": (X, Y)}):
        text = screen(terminal(lambda v=validation: work(**v)))
        assert "|" not in text
        lines = [line for line in text.splitlines() if not line.startswith((" ", "5/5"))]
        assert lines == [
            "Epoch 1/2",
            "note 0",
            "Epoch 2/2",
            "Epoch 2: ReduceLROnPlateau reducing learning rate to 0.005.",
            "note 1",
        ]


def test_two_lines_of_a_terminal_with_verbose_2(terminal: Callable[..., str]) -> None:
    text = terminal(lambda: small().fit(X, Y, epochs=2, verbose=2))
    assert_lines(
        screen(text).rstrip("\n"), *(rf"Epoch {n}/2 - 2/2 - {SECONDS} - {FIGURES}" for n in (1, 2))
    )
    assert "|" not in text


def test_evaluate_and_predict_on_a_terminal(terminal: Callable[..., str]) -> None:
    model = small()
    text = terminal(lambda: (model.evaluate(X, Y), model.predict(X)))
    assert "|" in text and "outputs" not in text
    assert_lines(screen(text).rstrip("\n"), rf"2/2 - {SECONDS} - {FIGURES}", rf"2/2 - {SECONDS}")


def test_a_bar_that_was_interrupted_is_not_in_the_way_of_the_next(
    terminal: Callable[..., str],
) -> None:
    def interrupt(batch: int, logs: object) -> None:
        raise KeyboardInterrupt

    def work() -> None:
        model = small()
        with pytest.raises(KeyboardInterrupt) as kept:  # and with it all that was going on
            model.fit(X, Y, callbacks=[LambdaCallback(on_train_batch_end=interrupt)])
        print("\ninterrupted")
        model.fit(X, Y)
        assert kept

    _, after = screen(terminal(work)).split("interrupted\n")
    assert_lines(after.rstrip("\n"), rf"2/2 - {SECONDS} - {FIGURES}")


# A notebook.


def test_a_notebook_gets_the_bar_as_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ipykernel", types.ModuleType("ipykernel"))
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    small().fit(X, Y, epochs=2)
    text = sys.stdout.getvalue()
    assert "\r" in text and "|" in text
    final = screen(text).rstrip("\n")
    assert_lines(
        final, *(line for n in (1, 2) for line in (f"Epoch {n}/2", rf"2/2 - {SECONDS} - {FIGURES}"))
    )


# Words and numbers.


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.12345, "0.1235"),
        (12.0, "12.0000"),
        (0.0, "0.0000"),
        (0.001, "0.0010"),
        (0.0009, "9.0000e-04"),
        (-1e-5, "-1.0000e-05"),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        (np.array([0.5, 1.0]), "0.7500"),  # a figure a class: their mean, as in Keras
    ],
)
def test_numbers(value: object, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    bar = ProgbarLogger()
    bar.set_params({"verbose": 2, "epochs": 1, "steps": 1})
    bar.on_epoch_begin(0)
    bar.on_epoch_end(0, {"figure": value})
    assert capsys.readouterr().out.endswith(f" - figure: {text}\n")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0004, "0.0s 200us/step"), (0.0248, "0.0s 12ms/step"), (95.5, "95.5s 47.8s/step")],
)
def test_times(
    seconds: float,
    text: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = iter([0.0, seconds])
    monkeypatch.setattr(progress, "time", types.SimpleNamespace(perf_counter=lambda: next(clock)))
    bar = ProgbarLogger()
    bar.set_params({"verbose": 2, "epochs": 1, "steps": 2})
    bar.on_predict_begin()
    for batch in range(2):
        bar.on_predict_batch_end(batch)
    bar.on_predict_end()
    assert capsys.readouterr().out == f"2/2 - {text}\n"


def test_figures_are_written_only_when_they_are_shown(
    terminal: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(written, "ONCE", 0)
    calls: list[object] = []
    clock = (0.04 * tick for tick in itertools.count())
    monkeypatch.setattr(progress, "_figures", lambda logs: calls.append(logs) or [])
    monkeypatch.setattr(progress, "INTERVAL", 0.1)
    monkeypatch.setattr(progress, "time", types.SimpleNamespace(perf_counter=lambda: next(clock)))
    terminal(lambda: small().fit(X, Y, batch_size=1))
    assert len(calls) == 40 // 3 + 1  # after every third step of 0.04 s, and at the end


@pytest.mark.parametrize(("verbose", "lines"), [(0, 0), (2, 1)])
def test_a_bar_of_ones_own_takes_the_place_of_the_usual_one(
    verbose: int, lines: int, capsys: pytest.CaptureFixture[str]
) -> None:
    small().fit(X, Y, verbose=verbose, callbacks=[ProgbarLogger()])
    assert capsys.readouterr().out.count("\n") == lines
