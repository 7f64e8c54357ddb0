"""Callbacks: what they decide on any values, epoch by epoch, and what fit tells them."""

import contextlib
import csv
import functools
import io
import math
import re
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinynet
from parity_tests.backend import BACKEND, keras
from parity_tests.both import expect_same, make, make_both, numpy, use_floatx
from parity_tests.told_by_hand import STEPS, epochs_of, small_models, tell_training
from tinynet.callbacks import backup

# Some of these repeat, are better by exactly min_delta, or cannot be compared at all.
FIGURES = [1.0, 0.75, 0.5, 0.4375, 0.25, 0.0, -0.0, -1.0, math.nan, math.inf, -math.inf, None]
POOLS = st.lists(st.sampled_from(FIGURES), min_size=1, max_size=4)
if BACKEND == "tensorflow":  # which compares in float32; the others compare more digits
    POOLS |= st.sampled_from([[0.8, 0.8 + 1e-9], [0.9, 0.8, 0.7], [0.79995, 0.8, 0.7999]])
WATCHED = [
    {"monitor": "val_loss"},
    {"monitor": "loss", "mode": "auto"},
    {"monitor": "val_accuracy"},
    {"monitor": "mae"},
    {"monitor": "val_loss", "mode": "max"},
    {"monitor": "anything", "mode": "min"},
]
DELTAS = st.sampled_from([0, 1e-4, 0.0625, 0.1, -0.25])

# The options that are drawn, and what a callback remembers from one epoch to the next.
CASES = {
    "callbacks.EarlyStopping": {
        "min_delta": DELTAS,
        "patience": st.integers(0, 3),
        "baseline": st.sampled_from([None, 0.8, 0.25]),
        "restore_best_weights": st.booleans(),
        "start_from_epoch": st.integers(0, 3),
    },
    "callbacks.ReduceLROnPlateau": {
        "factor": st.sampled_from([0.5, 0.1]),
        "min_delta": DELTAS,
        "patience": st.integers(0, 3),
        "cooldown": st.integers(0, 3),
        "min_lr": st.sampled_from([0, 0.01, 0.3]),
    },
    "callbacks.ModelCheckpoint": {
        "save_best_only": st.booleans(),
        "save_weights_only": st.booleans(),
        "save_freq": st.sampled_from(["epoch", "epoch", 1, 2, 4, 5]),
        "initial_value_threshold": st.sampled_from([None, 0.8, 0.25]),
    },
    "callbacks.LearningRateScheduler": {
        "schedule": st.sampled_from(
            [
                "lambda epoch, rate: rates[epoch % len(rates)]",
                "lambda epoch, rate: 0.9 * rate if epoch > 1 else rate",
                "lambda epoch, rate: np.float32(rate / 3)",
                "lambda epoch: 1 / (1 + epoch)",
            ]
        )
    },
    "callbacks.TerminateOnNaN": {"raise_error": st.booleans()},
    "callbacks.CSVLogger": {
        "separator": st.sampled_from([",", ";", "\t"]),
        "append": st.booleans(),
    },
    "callbacks.SwapEMAWeights": {"swap_on_epoch": [False, True]},
    "callbacks.TensorBoard": {
        "update_freq": ["epoch", "batch", 3],
    },
    "callbacks.BackupAndRestore": {
        "save_freq": ["epoch", 2],
        "double_checkpoint": [False, True],
    },
    "callbacks.ProgbarLogger": {},
    "callbacks.History": {},
    "callbacks.LambdaCallback": {},
    "callbacks.Callback": {},
}
REMEMBERED = {
    "callbacks.EarlyStopping": ("best", "best_epoch", "wait", "stopped_epoch"),
    "callbacks.ReduceLROnPlateau": ("best", "wait", "cooldown_counter"),
    "callbacks.ModelCheckpoint": ("best",),
}
few_and_repeatable = settings(max_examples=60, deadline=None, database=None, derandomize=True)


@st.composite
def trainings(draw):
    """Draw one or two training runs, each as its first epoch and the values of its epochs."""
    figures = st.lists(st.sampled_from(draw(POOLS)), min_size=1, max_size=12)
    return draw(st.lists(st.tuples(st.integers(0, 2), figures), min_size=1, max_size=2))


def spelled(piece, options):
    """Return the text of a callback; a schedule is already text."""
    arguments = (f"{k}={v if k == 'schedule' else repr(v)}" for k, v in options.items())
    return f"keras.{piece}({', '.join(arguments)})"


def decide(piece, callback, model, trainings, monitor):
    """Let a callback decide; return its decisions and its state by name."""
    model.optimizer.learning_rate = 1.0
    found = defaultdict(list)
    for first_epoch, figures in trainings:
        for epoch, logs, warned in tell_training(
            callback, model, epochs_of(figures, monitor), first_epoch
        ):
            found["epochs"].append(epoch)
            found["stop_training"].append(model.stop_training)
            found["learning rate"].append(numpy(model.optimizer.learning_rate))
            found["learning rate in the logs"].append(logs.get("learning_rate", -1))
            found["warned"].append(warned)
            for name in REMEMBERED.get(piece, ()):
                value = getattr(callback, name)
                found[f"{name} is None"].append(value is None)
                found[name].append(0 if value is None else value)
        found["weights at the end"].append(model.get_weights()[0])
    return found


@pytest.mark.parametrize("piece", ["callbacks.EarlyStopping", "callbacks.ReduceLROnPlateau"])
@given(data=st.data(), watched=st.sampled_from(WATCHED), trainings=trainings())
@few_and_repeatable
def test_decisions_on_a_figure(piece, data, watched, trainings):
    options = watched | data.draw(st.fixed_dictionaries(CASES[piece]))
    text = spelled(piece, options)
    own, theirs = (
        decide(piece, callback, model, trainings, options["monitor"])
        for callback, model in zip(make_both(text), small_models(), strict=True)
    )
    expect_same(piece, {k: (own[k], theirs[k]) for k in theirs}, tolerance=0, case=text)


@given(
    options=st.fixed_dictionaries(CASES["callbacks.LearningRateScheduler"]),
    rates=st.lists(st.floats(0, 10), min_size=1, max_size=5),
    trainings=trainings(),
)
@few_and_repeatable
def test_rates_of_a_schedule(options, rates, trainings):
    piece = "callbacks.LearningRateScheduler"
    text = spelled(piece, options)
    own, theirs = (
        decide(piece, callback, model, trainings, "val_loss")
        for callback, model in zip(make_both(text, rates=rates), small_models(), strict=True)
    )
    expect_same(piece, {k: (own[k], theirs[k]) for k in theirs}, tolerance=0, case=text)


@given(
    options=st.fixed_dictionaries(CASES["callbacks.TerminateOnNaN"]),
    losses=st.lists(st.sampled_from([0.5, 1e38, -1e38, 1e300, None, *FIGURES]), max_size=8),
)
@few_and_repeatable
def test_losses_that_end_a_training(options, losses):
    piece = "callbacks.TerminateOnNaN"
    text, found = spelled(piece, options), []
    for callback, model in zip(make_both(text), small_models(), strict=True):
        callback.set_model(model)
        model.stop_training = False
        found.append([])
        for batch, loss in enumerate(losses):
            try:
                callback.on_train_batch_end(batch, {} if loss is None else {"loss": loss})
                found[-1].append(model.stop_training)
            except RuntimeError:
                found[-1].append(2)
    expect_same(piece, {"stops after each batch": tuple(found)}, tolerance=0, case=text)


NAMES = ["m", "{epoch:02d}", "{epoch}-{loss:.2f}", "{epoch}-{val_loss:.3f}", "{epoch}-{batch}"]


@given(
    options=st.fixed_dictionaries(CASES["callbacks.ModelCheckpoint"]),
    watched=st.sampled_from(WATCHED),
    name=st.sampled_from(NAMES),
    trainings=trainings(),
)
@few_and_repeatable
def test_what_is_saved_and_when(options, watched, name, trainings):
    piece = "callbacks.ModelCheckpoint"
    if options["save_best_only"] and options["save_freq"] != "epoch":
        # Keras does not know which direction is better until the first epoch is over.
        later = {"save_freq": options["save_freq"] + STEPS - 1, "initial_value_threshold": None}
        options = options | later
    text = spelled(piece, watched | options).replace("(", "(filepath, ", 1)
    endings = (".safetensors", ".weights.h5" if options["save_weights_only"] else ".keras")
    found, saved = [], ([], [])
    for library, model, ending, calls in zip(
        (tinynet, keras), small_models(), endings, saved, strict=True
    ):
        callback = make(text, library, filepath=name + ending)
        with pytest.MonkeyPatch.context() as patch:
            for method in ("save", "save_weights"):
                patch.setattr(model, method, recorder(calls, method, ending))
            try:
                found.append(decide(piece, callback, model, trainings, watched["monitor"]))
            except KeyError:  # the name contains something that the logs do not have
                found.append({"KeyError": [1]})
    own, theirs = found
    assert saved[0] == saved[1], f"{text}, filepath {name!r}: saved {saved[0]}, Keras {saved[1]}"
    expect_same(piece, {k: (own[k], theirs[k]) for k in theirs}, tolerance=0, case=text)


def recorder(calls, method, ending):
    """Return a replacement for a model's method, which notes the path without its ending."""
    return lambda path, **options: calls.append((method, str(path).removesuffix(ending)))


@pytest.mark.parametrize("weights_only", [False, True])
def test_saved_models(weights_only, tmp_path):
    text = (
        "keras.callbacks.ModelCheckpoint(folder / ('{epoch}-{loss:.3f}' + ending), "
        f"save_weights_only={weights_only})"
    )
    x, names, tensors = np.arange(4.0)[:, None], [], {}
    endings = (".safetensors", ".weights.h5" if weights_only else ".keras")
    for library, model, ending in zip((tinynet, keras), small_models(), endings, strict=True):
        folder = tmp_path / library.__name__
        model.set_weights([np.ones((1, 1)), np.ones(1)])
        model.optimizer.learning_rate = 0.1
        callback = make(text, library, folder=folder, ending=ending)
        model.fit(x, 3 * x, epochs=2, batch_size=2, shuffle=False, callbacks=[callback], verbose=0)
        paths = sorted(folder.iterdir())
        names.append([path.name.removesuffix(ending) for path in paths])
        for path in paths:
            if weights_only:
                model.load_weights(path)
            else:
                model = library.models.load_model(path)
            tensors.setdefault(path.name.removesuffix(ending), []).append(model.get_weights()[0])
    assert names[0] == names[1] and len(names[0]) == 2
    expect_same("callbacks.ModelCheckpoint", tensors, case=text)


LOGS = st.dictionaries(
    st.sampled_from(["loss", "accuracy", "val_loss", "f1_score"]),
    st.sampled_from([0.1, 1 / 3, 1e-20, 7, math.nan, math.inf, np.array([0.25, 1 / 3])]),
)


@given(
    options=st.fixed_dictionaries(CASES["callbacks.CSVLogger"]),
    before=st.sampled_from([None, "", "epoch,loss\r\n0,1.5\r\n"]),
    trainings=st.lists(st.lists(LOGS, max_size=4), min_size=1, max_size=2),
)
@few_and_repeatable
def test_table_of_the_epochs(options, before, trainings, tmp_path_factory):
    piece = "callbacks.CSVLogger"
    text = spelled(piece, options).replace("(", "(path, ", 1)
    tables = []
    for library, model in zip((keras, tinynet), small_models()[::-1], strict=True):
        path = tmp_path_factory.mktemp("table") / "log.csv"
        if before is not None:
            path.write_bytes(before.encode())
        callback = make(text, library, path=path)
        # Where Keras would write numbers under the names of others, tinynet says so.
        mixed = tables and options["append"] and mixes(tables[0], options["separator"], trainings)
        refusal = pytest.raises(ValueError, match="has the columns")
        with refusal if mixed else contextlib.nullcontext():
            for epochs in trainings:
                list(tell_training(callback, model, epochs))
        if mixed:
            return
        tables.append(path.read_bytes())
    assert tables[0] == tables[1]
    expect_same(piece, {"bytes": tuple(map(len, tables))}, tolerance=0, case=text)


def mixes(table, separator, trainings):
    """Return whether some training's numbers are not those named in the first line of a table."""
    first, *_ = [*table.decode().splitlines(), ""]
    for names in (list(epochs[0]) for epochs in trainings if epochs):
        if not any(name.startswith("val_") for name in names):
            names += [f"val_{name}" for name in names]  # which Keras provides for, too
        if {"epoch", *names} != set(first.split(separator)):
            return True
    return False


# In real training.

OCCASIONS = [name for name in dir(tinynet.callbacks.Callback) if name.startswith("on_")]


@functools.cache
def told_in_training(library):
    """Train, test and use a small model; return everything that callbacks heard and printed."""
    heard = {"callbacks.Callback": [], "callbacks.LambdaCallback": []}

    def note(kind, occasion, *given, **named):
        *place, logs = [*given, *named.values()]
        heard[kind].append((occasion, place, dict(logs or {})))

    def method(occasion):
        return lambda self, *given, **named: note("callbacks.Callback", occasion, *given, **named)

    own_class = type(
        "Told", (library.callbacks.Callback,), {name: method(name) for name in OCCASIONS}
    )
    functions = {
        name: functools.partial(note, "callbacks.LambdaCallback", name) for name in OCCASIONS
    }
    model = make(
        "keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, activation='softmax')])",
        library,
    )
    rng = np.random.default_rng(6)
    model.set_weights([rng.normal(size=(3, 2)), rng.normal(size=2)])
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    x, y, history = rng.normal(size=(7, 3)), np.arange(7) % 2, library.callbacks.History()
    callbacks = [
        own_class(),
        library.callbacks.ReduceLROnPlateau(factor=0.5, patience=1, min_delta=1.0),
        library.callbacks.LambdaCallback(**functions),
        history,
    ]
    settings = {"batch_size": 3, "callbacks": callbacks, "verbose": 2}
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        for first, last in ((0, 2), (2, 3)):
            returned = model.fit(
                x,
                y,
                epochs=last,
                initial_epoch=first,
                validation_split=0.3,
                shuffle=False,
                **settings,
            )
        model.evaluate(x, y, **settings)
        model.predict(x, **settings)
    assert returned is history and model.history is history
    return heard, history, printed.getvalue()


@pytest.mark.parametrize("piece", ["callbacks.Callback", "callbacks.LambdaCallback"])
def test_what_callbacks_hear_and_when(piece):
    (own, *_), (theirs, *_) = told_in_training(tinynet), told_in_training(keras)
    assert [each[:2] for each in own[piece]] == [each[:2] for each in theirs[piece]]
    for (occasion, place, logs), (*_, keras_logs) in zip(own[piece], theirs[piece], strict=True):
        case = f"{occasion}{(*place,)}"
        assert list(logs) == list(keras_logs), case
        figures = {k: (logs[k], numpy(keras_logs[k])) for k in logs}
        expect_same(piece, figures, case=case)


def test_history_of_two_trainings():
    (_, own, _), (_, theirs, _) = told_in_training(tinynet), told_in_training(keras)
    assert list(own.history) == list(theirs.history)
    figures = {name: (own.history[name], theirs.history[name]) for name in theirs.history}
    expect_same("callbacks.History", {"epoch": (own.epoch, theirs.epoch), **figures})


def shown(text):
    """Return the epochs, the counts of batches and the values in what was printed."""
    return re.findall(r"Epoch \d+/\d+|\b\d+/\d+\b|\w+: [-+.\w]+", text)


def test_figures_shown_after_an_epoch():
    (*_, own), (*_, theirs) = told_in_training(tinynet), told_in_training(keras)
    assert shown(own) == shown(theirs) and len(shown(own)) == 25
    expect_same("callbacks.ProgbarLogger", {}, tolerance=0, case="fit, evaluate, predict")


@given(
    st.dictionaries(
        st.sampled_from(["loss", "accuracy", "mae"]),
        # Not 0, which Keras writes as 0.0000e+00; nor less, where its line and its bar differ; nor
        # 0.001, which Keras writes as 0.0010 if it comes rounded from float32, like the learning
        # rate, and as 1.0000e-03 if not.
        st.floats(1e-30, 1e30).filter(lambda number: number != 1e-3)
        | st.lists(st.floats(1, 2), min_size=1, max_size=3),
    )
)
@few_and_repeatable
def test_figures_as_text(logs):
    printed = []
    for library in (tinynet, keras):
        callback = library.callbacks.ProgbarLogger()
        callback.set_params({"verbose": 2, "epochs": 3, "steps": STEPS})
        with contextlib.redirect_stdout(io.StringIO()) as out:
            callback.on_train_begin({})
            callback.on_epoch_begin(1, {})
            for batch in range(STEPS):
                callback.on_train_batch_end(batch, {})
            callback.on_epoch_end(1, logs)
        printed.append(shown(out.getvalue()))
    own, theirs = printed
    assert own == theirs
    expect_same("callbacks.ProgbarLogger", {}, tolerance=0, case="by hand")


class Scalars:
    """Takes the place of tf.summary, which needs a package of its own: keeps what is written."""

    def __init__(self):
        self.lines, self.writer, self.records = defaultdict(list), [], [lambda: True]

    def create_file_writer(self, folder):
        return Writer(self, folder)

    @contextlib.contextmanager
    def record_if(self, condition):
        self.records.append(condition)
        yield
        self.records.pop()

    def scalar(self, tag, value, step):
        # Keras leaves out epochs, too, that do not end on such a batch; tinynet does not.
        if self.writer and (not tag.startswith("batch_") or self.records[-1]()):
            part = self.writer[-1].folder.rpartition("/")[2]
            self.lines[part].append((tag, int(step), float(numpy(value))))


class Writer:
    def __init__(self, scalars, folder):
        self.scalars, self.folder = scalars, folder

    @contextlib.contextmanager
    def as_default(self, step=None):
        self.scalars.writer.append(self)
        yield
        self.scalars.writer.pop()

    def close(self):
        pass


@pytest.mark.parametrize("update_freq", CASES["callbacks.TensorBoard"]["update_freq"])
def test_scalars(update_freq, tmp_path, capsys):
    piece, found = "callbacks.TensorBoard", []
    x = np.random.default_rng(0).normal(size=(20, 3))
    for library in (tinynet, keras):
        use_floatx("float64")
        library.utils.set_random_seed(1)
        callback = library.callbacks.TensorBoard(
            str(tmp_path), write_graph=False, update_freq=update_freq
        )
        callback._summary_module = scalars = Scalars()
        model = library.Sequential([library.Input((3,)), library.layers.Dense(1)])
        model.compile(library.optimizers.SGD(0.1), "mse", metrics=["mae"])
        options = {"verbose": 0, "callbacks": [callback]}
        for _ in range(2):
            model.fit(x, x[:, :1], batch_size=4, epochs=2, validation_split=0.25, **options)
        model.evaluate(x, x[:, :1], **options)
        found.append(scalars.lines)
    own = {}
    for path in tmp_path.rglob("scalars.csv"):
        with path.open(newline="") as file:
            header, *lines = csv.reader(file)
        assert header == ["tag", "step", "value"]
        own[path.parent.name] = [(tag, int(step), float(value)) for tag, step, value in lines]
    assert own.keys() == found[1].keys() == {"train", "validation"}
    for part, lines in own.items():
        others = sorted(found[1][part])
        assert [line[:2] for line in sorted(lines)] == [line[:2] for line in others]
        values = [[line[2] for line in each] for each in (sorted(lines), others)]
        expect_same(piece, {part: values}, case=f"{update_freq=}")
    assert capsys.readouterr().out.count("as CSV") == 1


@pytest.mark.parametrize("validation", [0.25, 0.0])
@pytest.mark.parametrize("swap", CASES["callbacks.SwapEMAWeights"]["swap_on_epoch"])
def test_evaluated_with_averages(swap, validation):
    x = np.random.default_rng(0).normal(size=(20, 3))
    found = []
    for library in (tinynet, keras):
        use_floatx("float64")
        library.utils.set_random_seed(1)
        model = library.Sequential([library.Input((3,)), library.layers.Dense(1)])
        sgd = library.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.7)
        model.compile(sgd, "mse")
        seen = []
        callbacks = [
            library.callbacks.SwapEMAWeights(swap),
            library.callbacks.LambdaCallback(
                on_epoch_end=lambda *_, s=seen, m=model: s.append(
                    np.concatenate(m.get_weights(), None)
                )
            ),
        ]
        options = {"batch_size": 4, "verbose": 0, "callbacks": callbacks}
        run = model.fit(x, x[:, :1], epochs=3, validation_split=validation, **options)
        after = np.concatenate(model.get_weights(), None)
        loss = model.evaluate(x, x[:, :1], **options)
        found.append({**run.history, "seen": seen, "after": after, "evaluated": loss})
    pairs = {name: (own, found[1][name]) for name, own in found[0].items()}
    expect_same("callbacks.SwapEMAWeights", pairs, case=f"swap_on_epoch={swap}")
    if swap:
        assert not np.array_equal(found[0]["seen"][0], found[0]["seen"][1])


# After an interruption.


def trained(library, text, folder, stop_after=None, more=()):
    """Train a small model, or go on with it; stop after so many steps. Return its weights and more.

    Dropout and a new order of the samples would be other ones in Keras, so there are none.
    """
    left = [stop_after]

    def stop(batch, logs):
        if left[0] is not None:
            left[0] -= 1
            if left[0] == 0:
                raise InterruptedError

    model = make("keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])", library)
    model.compile(library.optimizers.SGD(0.05, momentum=0.9), "mse")
    model.set_weights([np.array([[0.5], [-0.25]]), np.zeros(1)])
    x = np.linspace(-1, 1, 24).reshape(12, 2)
    callbacks = [
        make(text, library, folder=folder),
        library.callbacks.LambdaCallback(on_train_batch_end=stop),
        *(make(each, library) for each in more),
    ]
    options = {"batch_size": 3, "epochs": 4, "shuffle": False, "verbose": 0}
    history = model.fit(x, x[:, :1] ** 2, callbacks=callbacks, **options)
    return model.get_weights(), history.epoch, int(numpy(model.optimizer.iterations))


@pytest.mark.parametrize("double", CASES["callbacks.BackupAndRestore"]["double_checkpoint"])
@pytest.mark.parametrize("freq", CASES["callbacks.BackupAndRestore"]["save_freq"])
def test_a_training_that_was_interrupted(freq, double, tmp_path):
    piece = "callbacks.BackupAndRestore"
    text = f"keras.{piece}(folder, save_freq={freq!r}, double_checkpoint={double})"
    whole, again = {}, {}
    for library in (tinynet, keras):
        folder = tmp_path / library.__name__
        whole[library] = trained(library, text, folder)
        assert not folder.exists()
        with pytest.raises(InterruptedError):
            trained(library, text, folder, stop_after=11)  # of 16, four in an epoch
        again[library] = trained(library, text, folder)
        assert not folder.exists()
    for found in (whole, again) if freq == "epoch" else (whole,):
        pairs = zip(found[tinynet][0], found[keras][0], strict=True)
        tensors = {f"weight {i}": pair for i, pair in enumerate(pairs)}
        expect_same(piece, tensors, case=text)
    own, other = again[tinynet], whole[tinynet]
    assert all(np.array_equal(a, b) for a, b in zip(own[0], other[0], strict=True))
    assert own[1:] == other[1:] == ([0, 1, 2, 3], 16)
    # Keras begins the epoch again that was interrupted, here with the weights from within it.
    assert again[keras][1] == [2, 3]
    assert again[keras][2] == (16 if freq == "epoch" else 18)


def test_patience_goes_on_after_an_interruption_and_begins_anew_in_keras(tmp_path):
    text = "keras.callbacks.BackupAndRestore(folder)"
    stopping = ["keras.callbacks.EarlyStopping('loss', min_delta=1e9, patience=2)"]
    epochs, files = {}, {}
    for library in (tinynet, keras):
        folder = tmp_path / library.__name__
        assert trained(library, text, folder, more=stopping)[1] == [0, 1, 2]
        with pytest.raises(InterruptedError):
            trained(library, text, folder, stop_after=6, more=stopping)  # in the second epoch
        with backup.WRITING:  # another thread of tinynet's writes, and may not have ended
            files[library] = len([each for each in folder.rglob("*") if each.is_file()])
        epochs[library] = trained(library, text, folder, more=stopping)[1]
    assert epochs == {tinynet: [0, 1, 2], keras: [1, 2, 3]}
    assert files == {tinynet: 1, keras: 2}


def test_only_the_backup_is_deleted_and_in_keras_the_whole_folder(tmp_path):
    left = {}
    for library in (tinynet, keras):
        folder = tmp_path / library.__name__
        folder.mkdir()
        (folder / "notes.txt").write_text("not a backup")
        trained(library, "keras.callbacks.BackupAndRestore(folder)", folder)
        left[library] = sorted(each.name for each in folder.glob("*"))
    assert left == {tinynet: ["notes.txt"], keras: []}
