"""
Several processes train one network
===================================

The full Fashion-MNIST network, trained by several processes at once: each takes its share of
every batch, and their gradients are averaged before the step. Two processes with 64 images each
are then the *same run* as one with 128, not merely a similar one. That takes care in three
places: the gradient, batch normalization and dropout.

We train twice, first in one process and then in several, and see how much the two runs differ. The
formulas are in the documentation, on the page "When to leave tinynet".

From a terminal, after ``pip install 'tinynet[mpi]'``:

.. code-block:: sh

    python examples/data_parallel.py --processes 2 --seed 0 --out runs/data_parallel
"""

# %%
# Setup
# -----
# MPI, the Message Passing Interface, starts the same program several times and lets the processes
# communicate. Each has a number, its *rank*. The process that runs this line is alone and has rank
# 0; several processes are started further below.

import pickle
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import tinynet as tn
from tinynet import layers, lessons, plots

try:
    import cloudpickle
    from mpi4py import MPI
except (ImportError, RuntimeError) as error:  # a RuntimeError if mpi4py finds no MPI
    raise ImportError(
        f"MPI cannot be used ({error}). What it needs comes with tinynet[mpi]; on Windows, "
        f"pip install mpi4py impi-rt cloudpickle"
    ) from error

# The launcher next to this Python belongs to its MPI; another one may not.
beside = shutil.which("mpiexec", path=Path(sys.executable).parent)
parser = lessons.options("Train the full network in several processes.", "data_parallel", epochs=20)
parser.add_argument("--batch-size", type=int, default=128, help="of all processes together")
parser.add_argument("--processes", type=int, default=2, help="train one network (default: 2)")
parser.add_argument("--mpiexec", default=shlex.quote(beside or "mpiexec"), help="starts them")
args = lessons.begin(parser)
comm = MPI.COMM_WORLD
data, (x_train, y_train), (x_test, y_test) = lessons.images(args)

# %%
# Who takes which rows
# --------------------
# Every process has all images and, from the same seed, goes through them in the same order. Of
# each batch it takes its own rows. ``array_split`` splits as evenly as possible: of 7 rows, the
# first of two ranks gets 4; of a single row, the second gets none.


def own_rows(whole):
    """Return this rank's rows of an array that has a row for every image of a batch."""
    return np.array_split(whole, comm.size)[comm.rank]


# %%
# ``Allreduce`` is nearly all of the communication: every rank contributes an array, and every rank
# gets their sum. MPI guarantees that all of them get the same bits, so what they compute from the
# sum is the same too.


def total(part):
    """Return the sum of the arrays of all ranks."""
    whole = np.empty_like(part)
    comm.Allreduce(part, whole)
    return whole


# %%
# Batch normalization
# -------------------
# The mean and the variance have to be those of the whole batch. Through them, every output depends
# on every input, whichever rank it is on, so in the backward pass the two sums in the formula for
# ``dx`` run over all ranks. ``grads`` gets the sums over the rank's own rows only: those are added
# up later, together with all other gradients.


class SyncBatchNormalization(layers.BatchNormalization):
    """Batch normalization of x (rows, features) over the rows of all ranks."""

    def forward(self, x, training=False):
        """Normalize; in training, with the statistics of the whole batch."""
        self.uses_batch = training and self.trainable
        if not self.uses_batch:
            return super().forward(x)  # the moving statistics, the same on all ranks
        self.rows = comm.allreduce(len(x))
        mean = total(np.sum(x, axis=0)) / self.rows
        variance = total(np.sum(np.square(x - mean), axis=0)) / self.rows
        self.inv_std = 1 / np.sqrt(variance + self.epsilon)
        self.x_hat = (x - mean) * self.inv_std
        for name, batch in (("moving_mean", mean), ("moving_variance", variance)):
            self.state[name] *= self.momentum
            self.state[name] += batch * (1 - self.momentum)
        return self.params["gamma"] * self.x_hat + self.params["beta"]

    def backward(self, dout):
        """Fill dgamma and dbeta with the sums over this rank's rows, return dx."""
        if not self.uses_batch:
            return super().backward(dout)
        self.grads["gamma"][:] = np.sum(dout * self.x_hat, axis=0)
        self.grads["beta"][:] = np.sum(dout, axis=0)
        dgamma, dbeta = total(np.stack([self.grads["gamma"], self.grads["beta"]]))
        scale = self.params["gamma"] * self.inv_std
        return scale * (dout - dbeta / self.rows - self.x_hat * dgamma / self.rows)


# %%
# Dropout
# -------
# A single process would draw one mask for the whole batch. Every rank draws that same mask, from
# the same seed, and uses its own rows of it.


class SharedDropout(layers.Dropout):
    """Dropout with the mask that a single process would draw for the rows of all ranks."""

    def forward(self, x, training=False):
        """Apply dropout in training, otherwise return `x`."""
        self.active = training and self.rate > 0
        if not self.active:
            return x
        shape = (comm.allreduce(len(x)), *x.shape[1:])
        self.stays = own_rows(tn.random.uniform(shape, seed=self.seed_generator)) >= self.rate
        return np.where(self.stays, x / (1 - self.rate), 0)

    def backward(self, dout):
        """Drop the same entries of the gradient."""
        return np.where(self.stays, dout / (1 - self.rate), 0) if self.active else dout


# %%
# The step
# --------
# The loss of a batch of m images is the mean of their losses. A rank with r of them computes the
# mean over its own images, so it gives each of them the weight r/m. Its result is then its part of
# the loss of the whole batch, its gradients are parts of the whole gradient, and the parts only
# have to be added up, with an ``Allreduce`` for each of them.
#
# The outputs are few, ten numbers per image. They are gathered on all ranks, and each computes the
# metrics of the whole batch: callbacks see the same values everywhere, and make the same decisions.


class DataParallel(tn.Sequential):
    """A model that all ranks train together; without regularizers and sample weights."""

    def see(self, batch, training=False):
        """Run this rank's rows through the model, and update the metrics with the whole batch."""
        x, y = own_rows(batch.x), own_rows(batch.y)
        out = self.forward(x, training)
        part_of_loss = self.loss_value(out, y, np.full(len(x), len(x) / len(batch.x)))
        self.figures.update(
            batch, np.concatenate(comm.allgather(out)), comm.allreduce(part_of_loss)
        )

    def train_step(self, batch):
        """Take one training step, the same on all ranks."""
        self.see(batch, training=True)
        self.backward_from_loss()
        grads = self.grads
        for each in grads.values():
            comm.Allreduce(MPI.IN_PLACE, each)
        self.optimizer.step(self.params, grads)

    def test_step(self, batch):
        """Update the metrics with a batch."""
        self.see(batch)


# %%
# The network
# -----------
# The network is that of ``fashion_mnist_ann.py``. The initial weights and the seeds of the dropout
# layers come from the one seed that all ranks share, so they are the same everywhere, and nothing
# has to be sent.


def network(sequential, normalization, dropout):
    """Return the full network, built from these classes."""
    model = sequential(name="fashion_mnist_ann")
    model.add(tn.Input((28, 28)))
    model.add(layers.Rescaling(1 / 255))
    model.add(layers.Flatten())
    model.add(dropout(0.1))
    for units, dropped in ((256, 0.3), (128, 0.2), (64, 0.1)):
        model.add(layers.Dense(units, use_bias=False))
        model.add(normalization())
        model.add(layers.ReLU())
        model.add(dropout(dropped))
    model.add(layers.Dense(10, activation="softmax"))
    return model


# %%
# What every process does
# -----------------------
# With these classes, training looks the same as in one process: ``fit`` goes through whole batches,
# and does not know that other processes do so too. All ranks evaluate, because each does its share;
# rank 0 reports for all of them. It also checks whether all took the same steps: if so, not a
# single weight differs.
#
# Everything is computed in float64. In float32, rounding alone would make two runs drift apart
# after a while.


def train():
    """Train and test the network together with all other ranks; return the results on rank 0."""
    tn.config.set_floatx("float64")
    tn.utils.set_random_seed(args.seed)
    model = network(DataParallel, SyncBatchNormalization, SharedDropout)
    model.compile(
        optimizer=tn.optimizers.Adam(learning_rate=0.001),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    start = time.perf_counter()
    history = model.fit(
        x_train,
        y_train,
        batch_size=args.batch_size,
        epochs=args.epochs,
        validation_split=0.2,
        shuffle="every_epoch",
        callbacks=[
            tn.callbacks.ReduceLROnPlateau("val_accuracy", factor=0.5, patience=5),
            tn.callbacks.EarlyStopping("val_accuracy", patience=15, restore_best_weights=True),
        ],
        verbose=2 if comm.rank == 0 else 0,
    ).history
    seconds = time.perf_counter() - start
    test_loss, test_accuracy = model.evaluate(x_test, y_test, batch_size=1000, verbose=0)
    weights_of_ranks = comm.gather(in_a_row(model))
    if comm.rank > 0:
        return None
    # The weights go into a model of tinynet's own layers: the special ones were needed for training
    # only. Such a model can be loaded anywhere, and tn.interop.to_keras converts it to Keras.
    plain = network(tn.Sequential, layers.BatchNormalization, layers.Dropout)
    plain.set_weights(model.get_weights())
    return plain, {
        "processes": comm.size,
        "test_accuracy": test_accuracy,
        "test_loss": test_loss,
        "seconds": round(seconds, 1),
        "largest_difference_between_ranks": float(np.ptp(weights_of_ranks, axis=0).max()),
        "history": history,
    }


def in_a_row(model):
    """Return all weights of a model as one vector."""
    return np.concatenate([each.reshape(-1) for each in model.get_weights()])


# %%
# One process
# -----------
# First, this process alone.

print(f"1 process, batches of {args.batch_size} images")
model, one = train()

# %%
# Several processes
# -----------------
# ``mpiexec`` starts a command several times. Here the command is Python with a program of five
# lines: read a function from a file, call it, and let rank 0 write its result to another file.
# cloudpickle makes the first file: it packs a function with everything that it uses, from a script
# or a notebook: the classes above, the options and the images.
#
# On several machines, each needs the same environment, and has to see the results folder under the
# same path. ``--mpiexec "mpiexec -hosts first,second"`` starts the processes there.

CALL = """
import pathlib, pickle, sys
function, answer = map(pathlib.Path, sys.argv[1:])
found = pickle.loads(function.read_bytes())()
if found is not None:
    answer.write_bytes(pickle.dumps(found))
"""


def in_processes(function):
    """Call a function in all processes at once; return what it returns on rank 0."""
    with tempfile.TemporaryDirectory(dir=args.out) as folder:
        packed, answer = Path(folder, "function.pickle"), Path(folder, "answer.pickle")
        packed.write_bytes(cloudpickle.dumps(function))
        command = [*shlex.split(args.mpiexec), "-n", str(args.processes), sys.executable]
        command += ["-m", "mpi4py", "-c", CALL, packed, answer]  # -m mpi4py: an error ends all
        output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        with subprocess.Popen(command, **output) as processes:
            for line in processes.stdout:
                print(line, end="", flush=True)
        if processes.returncode:
            raise RuntimeError(f"{args.mpiexec}: ended with {processes.returncode}, see above")
        return pickle.loads(answer.read_bytes())


print(f"{args.processes} processes, batches of {args.batch_size} images in all")
other_model, several = in_processes(train)
if several["processes"] != args.processes:
    raise RuntimeError(f"{args.mpiexec}: of another MPI, its processes do not see one another")

# %%
# The same run?
# -------------
# We compare the losses of all epochs and the final weights. Any difference comes from adding the
# same numbers in another order.
#
# The run is not faster. The network is small, and in every step the processes wait for each other
# several times. During the run shown here, other programs also kept both processors busy.

epochs = np.arange(1, len(one["history"]["loss"]) + 1)
gaps = np.abs(np.subtract(one["history"]["loss"], several["history"]["loss"]))
gap_of_weights = float(np.max(np.abs(in_a_row(model) - in_a_row(other_model))))
print(f"test accuracy: {one['test_accuracy']:.2%} and {several['test_accuracy']:.2%}")
print(f"seconds of training: {one['seconds']} and {several['seconds']}")
print("largest difference")
print(f"  between the ranks' weights: {several['largest_difference_between_ranks']:.1e}")
print(f"  between the runs' losses:   {gaps.max():.1e}")
print(f"  between the runs' weights:  {gap_of_weights:.1e}")

_, (left, right) = plt.subplots(1, 2, figsize=(11, 3.8), layout="constrained")
names = {"1 process": one["history"], f"{args.processes} processes": several["history"]}
plots.compare_runs(names, "loss", ax=left)
right.plot(epochs, gaps, "o", color=plots.VERMILION)
right.set(xlabel="epoch", ylabel="difference of the two losses")
right.xaxis.get_major_locator().set_params(integer=True)
right.spines[["top", "right"]].set_visible(False)
lessons.keep_figure(args, "losses")

# %%
# Save the results
# ----------------

model.save(args.out / "model.safetensors")
lessons.keep_results(
    args,
    data,
    {
        "runs": [one, several],
        "batch_size": args.batch_size,
        "largest_difference_of_losses": float(gaps.max()),
        "largest_difference_of_weights": gap_of_weights,
    },
)
