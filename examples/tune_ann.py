"""
Tuning a network with Optuna
============================

How many hidden layers, how wide, which activation, which learning rate? Nobody knows beforehand.
Here Optuna tries them out: at random at first, then where the trials so far look good, and trials
that are not promising end early. The search can be stopped and resumed, and several machines can
work on it together.

From a terminal:

.. code-block:: sh

    python examples/tune_ann.py --trials 40 --seed 0 --out runs/tune_ann
"""

# %%
# Setup
# -----
# Optuna chooses what to try next and remembers the results (``pip install 'tinynet[search]'``).
# Everything that learns comes from tinynet.

import csv
import io
import time
import warnings

import matplotlib.pyplot as plt

warnings.filterwarnings("ignore", message="IProgress not found")  # Optuna looks for ipywidgets

import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.visualization import matplotlib as figures
from sklearn.metrics import f1_score

import tinynet as tn
from tinynet import layers, lessons, plots
from tinynet.datasets import fashion_mnist
from tinynet.interop.optuna import (
    PruningCallback,
    TrialSeededSampler,
    open_study,
    search,
    suggest,
)

optuna.logging.set_verbosity(optuna.logging.WARNING)  # the lines below are shorter

parser = lessons.options("Search for a network for Fashion-MNIST.", "tune_ann", epochs=15)
parser.add_argument(
    "--trials", type=int, default=40, help="trials in the study in the end, those of all machines"
)
parser.add_argument("--random", type=int, default=15, help="so many of them are drawn at random")
parser.add_argument("--storage", help="address of a database (default: study.db in the results)")
parser.add_argument("--study", help="its name in there (default: the data and the epochs)")
args = lessons.begin(parser)
if args.quick:
    args.trials, args.random = min(args.trials, 6), min(args.random, 3)

# %%
# The data
# --------
# The last fifth of the training images is set aside for validation: how well a network does on
# these decides whether it is a good one. The test images decide nothing.

data, (x_train, y_train), (x_test, y_test) = lessons.images(args)
validation_split = 0.2
batch_size = 128

# %%
# The search space
# ----------------
# The number of hidden layers; the units of the first one, halved in each further layer; the
# activation; whether there is batch normalization before it; how much dropout after it; and the
# learning rate, drawn on a logarithmic scale, where the step from 0.0001 to 0.001 is as large as
# the step from 0.001 to 0.01.

space = {
    "hidden_layers": IntDistribution(1, 3),
    "units": IntDistribution(64, 512, step=64),
    "activation": CategoricalDistribution(["relu", "elu", "tanh"]),
    "batch_norm": CategoricalDistribution([True, False]),
    "dropout": FloatDistribution(0.0, 0.5),
    "learning_rate": FloatDistribution(1e-4, 1e-2, log=True),
}


def network(choice, images):
    """Return the compiled network of one choice, to be trained on this many images per epoch."""
    tn.backend.clear_session()  # its layers are numbered from the start
    model = tn.Sequential(name="tuned_ann")
    model.add(tn.Input((28, 28)))
    model.add(layers.Rescaling(1 / 255))
    model.add(layers.Flatten())
    for depth in range(choice["hidden_layers"]):
        model.add(layers.Dense(choice["units"] // 2**depth, use_bias=not choice["batch_norm"]))
        if choice["batch_norm"]:
            model.add(layers.BatchNormalization())
        model.add(layers.Activation(choice["activation"]))
        model.add(layers.Dropout(choice["dropout"]))
    model.add(layers.Dense(10, activation="softmax"))
    # The learning rate decays along half a cosine and reaches zero at the last step, so the last
    # epoch's weights are the ones to judge.
    steps = args.epochs * -(-images // batch_size)
    rate = tn.optimizers.schedules.CosineDecay(choice["learning_rate"], decay_steps=steps)
    model.compile(tn.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


# %%
# One trial
# ---------
# Optuna hands us a trial, the trial suggests a choice, and we return how good that choice is. The
# callback reports the validation accuracy to Optuna after each epoch and ends the training if other
# trials were better at the same epoch. The seed is stored with the trial, so that each trial can be
# repeated on its own; a trial that is run again because its machine died keeps the seed of the
# first attempt.


def objective(trial):
    """Train the network of one trial and return its validation accuracy."""
    seed = trial.user_attrs.get("seed", 1000 * args.seed + trial.number)
    trial.set_user_attr("seed", seed)
    choice = suggest(trial, space)
    tn.utils.set_random_seed(seed)
    history = network(choice, round(len(x_train) * (1 - validation_split))).fit(
        x_train,
        y_train,
        batch_size=batch_size,
        epochs=args.epochs,
        validation_split=validation_split,
        shuffle="every_epoch",
        verbose=0,
        callbacks=[PruningCallback(trial, monitor="val_accuracy")],
    )
    return history.history["val_accuracy"][-1]


# %%
# The study
# ---------
# A study holds all trials of one search, in a database: a file next to the results, or, with
# ``--storage``, a server that many machines share. It also records the search space, and is refused
# if that does not match.
#
# Two choices remain. Which trial comes next? The first ones are random search. After that, TPE
# (Bergstra et al., 2011) draws values that are more likely among the good trials than among the
# others. And which trial ends early? One whose accuracy is below the median of the others at the
# same epoch. The median is the simplest rule of this kind, and enough if all trials are equally
# long. The random trials run to the end, to establish what is usual. No trial ends in its first
# four epochs, in which high learning rates look worse than they are.

study = open_study(
    args.storage or f"sqlite:///{args.out / 'study.db'}",
    args.study or f"{data}, {args.epochs} epochs",
    space,
    conditions={"data": data, "images": len(x_train), "epochs": args.epochs},
    sampler=TrialSeededSampler(
        lambda seed: optuna.samplers.TPESampler(n_startup_trials=args.random, seed=seed),
        seed=args.seed,
    ),
    pruner=optuna.pruners.MedianPruner(n_startup_trials=args.random, n_warmup_steps=4),
)

# %%
# The search
# ----------
# Each trial prints one line. If the study already has some trials, from before an interruption or
# from another machine, only the missing ones are run.

COMPLETE, PRUNED = optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED


def in_words(choice):
    """Describe a choice in one line."""
    units = " ".join(str(choice["units"] // 2**k) for k in range(choice["hidden_layers"]))
    normalized = ", batch norm" if choice["batch_norm"] else ""
    return (
        f"{units} {choice['activation']}{normalized}, dropout {choice['dropout']:.2f}, "
        f"learning rate {choice['learning_rate']:.5f}"
    )


def tell(study, trial):
    """Print the result of a trial."""
    done = len(study.get_trials(deepcopy=False, states=(COMPLETE, PRUNED)))
    epochs = len(trial.intermediate_values)
    ended = f", ended after {epochs} epochs" if trial.state == PRUNED else ""
    print(
        f"{done:3} of {args.trials}: trial {trial.number:<2} {trial.value:.2%} "
        f"in {trial.duration.total_seconds():.1f} s{ended} ({in_words(trial.params)})",
        flush=True,
    )


start = time.perf_counter()
before = len(study.get_trials(deepcopy=False, states=(COMPLETE, PRUNED)))
print(f"study {study.study_name!r}: {before} trials so far, {args.trials} in the end")
search(study, objective, args.trials, callbacks=[tell])

# %%
# What was found, and what made the difference. The figures are Optuna's: the best value so far over
# the trials; how important each parameter is for being among the best tenth of the trials that ran
# to the end (PED-ANOVA, Watanabe et al. 2023, `arXiv:2304.10255
# <https://arxiv.org/abs/2304.10255>`_), only a hint after so few trials; every trial as a line
# through its parameters; and all learning curves, including those that end early.

best = study.best_trial
print(f"best: trial {best.number}, validation accuracy {best.value:.2%}")
print(f"      {in_words(best.params)}")

warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)  # the figures
as_said = {"target_name": "validation accuracy"}


def keep(ax, name, width, height, **said):
    """Save one of Optuna's figures with our own size and labels."""
    ax.set(**said)
    for loc in ("left", "center"):
        ax.set_title("", loc=loc)
    for each in ax.figure.axes:
        each.grid(False)
        if each.get_ylim() == (1, 3):
            each.set_yticks([1, 2, 3])  # there are no 1.25 hidden layers
    ax.figure.set_size_inches(width, height)
    ax.figure.savefig(args.out / name, dpi=150, bbox_inches="tight")


ax = figures.plot_optimization_history(study, **as_said)
ax.legend(["trial", "best so far"], loc="lower right")
keep(ax, "history.png", 8, 4, xlabel="trial")
ax = figures.plot_param_importances(study, **as_said)
ax.get_legend().remove()
keep(ax, "importance.png", 8, 4, xlabel="importance, in all 1", ylabel="")
ax = figures.plot_parallel_coordinate(study, **as_said)
ax.tick_params(axis="x", rotation=0)
plt.setp(ax.get_xticklabels(), ha="center")
keep(ax, "parallel_coordinates.png", 15, 6)
ax = figures.plot_intermediate_values(study)
ax.get_legend().remove()
keep(ax, "trials.png", 8, 4.5, xlabel="epoch (the first is 0)", ylabel=as_said["target_name"])
plt.style.use("default")  # Optuna has switched to another one

columns = ["number", "state", "value", "epochs", "seconds", "seed", "retry_of", *space]
table = io.StringIO()
writer = csv.DictWriter(table, columns)
writer.writeheader()
for trial in study.trials:
    writer.writerow(
        {
            "number": trial.number,
            "state": trial.state.name.lower(),
            "value": trial.value,
            "epochs": len(trial.intermediate_values),
            "seconds": round(trial.duration.total_seconds(), 2) if trial.duration else None,
            "seed": trial.user_attrs.get("seed"),
            "retry_of": trial.system_attrs.get("failed_trial"),
            **trial.params,
        }
    )
tn.files.write_atomically(args.out / "trials.csv", table.getvalue())

# %%
# The best network
# ----------------
# We train it again from scratch, for as many epochs as in the search, and now on all training
# images: those set aside have done their job, because there is nothing left to choose.

tn.utils.set_random_seed(args.seed)
model = network(best.params, len(x_train))
model.summary()
history = model.fit(
    x_train, y_train, batch_size=batch_size, epochs=args.epochs, shuffle="every_epoch"
).history
plots.learning_curves(history)
lessons.keep_figure(args, "learning_curves")

# %%
# Test once
# ---------
# Now, and only now, we use the test images.

probabilities = model.predict(x_test, batch_size=1000, verbose=0)
test_accuracy = lessons.report(args, x_test, y_test, probabilities)
print(f"test accuracy {test_accuracy:.2%}")

# %%
# The student project that this example follows found its network with random search in Keras, and
# reported F1 for its hardest and its easiest classes. Shirts are hard for every model: some of them
# could just as well be T-shirts, pullovers or coats.

reference = {"Shirt": 0.68, "Trouser": 0.98, "Ankle boot": 0.95}
names = fashion_mnist.CLASS_NAMES
scores = f1_score(y_test, probabilities.argmax(1), labels=range(10), average=None, zero_division=0)
f1 = dict(zip(names, map(float, scores), strict=True))
print(f"\n{'F1':12}{'here':>6}{'reference':>12}")
for name in sorted(names, key=f1.get):
    beside = f"{reference[name]:.2f}" if name in reference else ""
    print(f"{name:12}{f1[name]:6.2f}{beside:>12}")

# %%
# Save the results
# ----------------

model.save(args.out / "model.safetensors")
lessons.keep_results(
    args,
    data,
    {
        "test_accuracy": test_accuracy,
        "validation_accuracy": best.value,
        "seconds": round(time.perf_counter() - start, 1),
        "f1": f1,
        "f1_reference": reference,
        "best_trial": best.number,
        "choice": best.params,
        "trials": {
            state.name.lower(): len(study.get_trials(deepcopy=False, states=(state,)))
            for state in optuna.trial.TrialState
        },
        "epochs": args.epochs,
        "batch_size": batch_size,
    },
)
