"""
Several processes train one network
===================================

The full Fashion-MNIST network, trained by several processes at once: each takes its share of
every batch, and their gradients are averaged before the step. Two processes with 64 images each
are then the *same run* as one with 128, not merely a similar one, and that takes care in three
places: the gradient, batch normalization and dropout. The page on when to leave tinynet
(``docs/outgrowing.md``) has the formulas.

From a terminal, with ``pip install '.[mpi]'`` done before::

    python examples/data_parallel.py --float64 --out runs/one
    mpiexec -n 2 python examples/data_parallel.py --float64 --out runs/two --compare runs/one

The second says by how much the two runs differ.
"""

# %%
# What we need
# ------------
# MPI, the Message Passing Interface, starts the same script several times and lets the processes
# talk. Each has a number, its *rank*.

import io
import sys
import time
from pathlib import Path

import lesson
import matplotlib.pyplot as plt
import numpy as np

import tinynet as tn
from tinynet import layers, plots

try:
    from mpi4py import MPI
except (ImportError, RuntimeError) as error:  # a RuntimeError where there is no MPI below it
    sys.exit(
        f"MPI cannot be imported ({error}). It comes with tinynet[mpi]: in this folder, "
        f"pip install '.[mpi]'; on Windows, pip install mpi4py impi-rt"
    )

comm = MPI.COMM_WORLD
if comm.rank > 0:
    sys.stdout = io.StringIO()  # all do the same; rank 0 speaks for them


def end_all(*error):
    """Say what is wrong and end all processes: the others would wait for this one for ever."""
    sys.__excepthook__(*error)
    if comm.size > 1:
        comm.Abort(1)


sys.excepthook = end_all

parser = lesson.options("Train the full network in several processes.", "data_parallel", epochs=20)
parser.add_argument("--batch-size", type=int, default=128, help="of all processes together")
parser.add_argument("--float64", action="store_true", help="compute in double precision")
parser.add_argument("--compare", type=Path, help="folder with another run, to compare with")
args = lesson.begin(parser)
if args.float64:
    tn.config.set_floatx("float64")
if args.compare and comm.rank == 0 and not (args.compare / "results.json").exists():
    raise FileNotFoundError(f"--compare: expected a folder with a finished run, got {args.compare}")

# %%
# Who takes which rows
# --------------------
# Every process has all images and, from the same seed, walks through them in the same order. Of
# each batch it takes the rows that are its own. ``array_split`` cuts as evenly as can be: of 7
# rows the first of two ranks gets 4, of a single row the second gets none.


def own_rows(whole):
    """Return this rank's rows of an array that has a row for every image of a batch."""
    return np.array_split(whole, comm.size)[comm.rank]


# %%
# ``Allreduce`` is nearly all the talking there is: every rank puts in an array, and every rank gets
# their sum. MPI promises all of them the same bits, so what is computed from it is the same too.


def total(part):
    """Return the sum of all ranks' arrays."""
    whole = np.empty_like(part)
    comm.Allreduce(part, whole)
    return whole


# %%
# Batch normalization
# -------------------
# The mean and the variance have to be those of the whole batch. Going back, every output depends
# on every input through them, on whichever rank it is, so the two sums in the formula of ``dx`` run
# over all ranks. ``grads`` gets the sums over the own rows only: those are added up later,
# together with all other gradients.


class SyncBatchNormalization(layers.BatchNormalization):
    """Batch normalization of x (rows, features) over the rows of all ranks."""

    def forward(self, x, training=False):
        """Normalise; in training with the statistics of the whole batch."""
        self.uses_batch = training and self.trainable
        if not self.uses_batch:
            return super().forward(x)  # the moving statistics, which are the same on all ranks
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
        """Fill dgamma and dbeta with the sums over the own rows, return dx."""
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
# One process would draw a mask for the whole batch. Every rank draws that same mask, from the same
# seed, and uses its own rows of it.


class SharedDropout(layers.Dropout):
    """Dropout with the mask that one process would draw for the rows of all ranks."""

    def forward(self, x, training=False):
        """Drop in training, else return `x`."""
        self.active = training and self.rate > 0
        if not self.active:
            return x
        shape = (comm.allreduce(len(x)), *x.shape[1:])
        self.stays = own_rows(tn.random.uniform(shape, seed=self.seed_generator)) >= self.rate
        return np.where(self.stays, x / (1 - self.rate), 0)

    def backward(self, dout):
        """Drop the same places of the gradient."""
        return np.where(self.stays, dout / (1 - self.rate), 0) if self.active else dout


# %%
# The step
# --------
# The loss of a batch of m images is the mean of theirs. A rank with r of them computes the mean
# over its own, so it gives each the weight r/m: what it gets is then its part of the whole loss,
# its gradients are parts of the whole gradient, and the parts only have to be added up. tinynet
# lays all gradients of a model one behind the other in memory, so that takes one ``Allreduce``.
#
# The outputs are few numbers, ten an image. They are gathered on all ranks, where the figures of
# the whole batch are counted: callbacks see the same everywhere, and decide the same.


class DataParallel(tn.Sequential):
    """A model that all ranks train together; without regularizers and sample weights."""

    def see(self, batch, training=False):
        """Send the own rows of a batch through the model, and count the whole batch."""
        x, y = own_rows(batch.x), own_rows(batch.y)
        out = self.forward(x, training)
        part_of_loss = self.loss_value(out, y, np.full(len(x), len(x) / len(batch.x)))
        self.figures.update(
            batch, np.concatenate(comm.allgather(out)), comm.allreduce(part_of_loss)
        )

    def train_step(self, batch):
        """Make one step, the same on all ranks."""
        self.see(batch, training=True)
        self.backward_from_loss()
        params, grads = self.learned()
        comm.Allreduce(MPI.IN_PLACE, grads.flat)
        self.optimizer.step(params, grads)

    def test_step(self, batch):
        """Count a batch."""
        self.see(batch)


# %%
# The network
# -----------
# That of ``fashion_mnist_ann.py``. The first weights and the seeds of the dropout layers come from
# the one seed that all ranks have, so they are the same everywhere, and nothing has to be sent.


def network(sequential, normalization, dropout):
    """Return the full network, made of these classes."""
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


model = network(DataParallel, SyncBatchNormalization, SharedDropout)
model.compile(
    optimizer=tn.optimizers.Adam(learning_rate=0.001),
    loss="sparse_categorical_crossentropy",
    metrics=["accuracy"],
)

# %%
# Training
# --------
# Rank 0 reads the images and sends them to all. From here on it is as with one process: ``fit``
# walks through whole batches, and does not know that others do so too.

everything = comm.bcast(lesson.images(args) if comm.rank == 0 else None)
data, (x_train, y_train), (x_test, y_test) = everything
callbacks = [
    tn.callbacks.ReduceLROnPlateau("val_accuracy", factor=0.5, patience=5, verbose=1),
    tn.callbacks.EarlyStopping("val_accuracy", patience=15, restore_best_weights=True, verbose=1),
]
if comm.rank == 0:
    callbacks.append(tn.callbacks.CSVLogger(args.out / "history.csv"))

print(f"{comm.size} process(es), batches of {args.batch_size} images in all")
start = time.perf_counter()
history = model.fit(
    x_train,
    y_train,
    batch_size=args.batch_size,
    epochs=args.epochs,
    validation_split=0.2,
    shuffle="every_epoch",
    callbacks=callbacks,
).history
seconds = time.perf_counter() - start
best = int(np.argmax(history["val_accuracy"]))

# %%
# Did all ranks make the same steps? Then not a single weight differs between them.

weights = np.concatenate([each.reshape(-1) for each in model.get_weights()])
between_ranks = float(np.max(np.ptp(comm.allgather(weights), axis=0)))
print(f"largest difference between the ranks' weights: {between_ranks:.1e}")

# %%
# The test, once. All ranks evaluate, because each does its share; only rank 0 writes files.

test_loss, test_accuracy = model.evaluate(x_test, y_test, batch_size=1000, verbose=0)
print(f"test loss {test_loss:.4f}, test accuracy {test_accuracy:.2%}")
if comm.rank > 0:
    sys.exit()

# %%
# What is kept
# ------------
# The weights go into a model of tinynet's own layers: training was all that the others were for.
# Such a model can be loaded anywhere, and goes to Keras by ``tn.interop.to_keras``.

plain = network(tn.Sequential, layers.BatchNormalization, layers.Dropout)
plain.set_weights(model.get_weights())
plain.save(args.out / "model.safetensors")
plots.learning_curves(history, monitor="val_accuracy")
plt.savefig(args.out / "learning_curves.png", dpi=150)

lesson.keep_results(
    args,
    data,
    {
        "test_accuracy": test_accuracy,
        "test_loss": test_loss,
        "validation_accuracy": history["val_accuracy"][best],
        "epochs": len(history["loss"]),
        "best_epoch": best + 1,
        "seconds": round(seconds, 1),
        "processes": comm.size,
        "batch_size": args.batch_size,
        "float": tn.config.floatx(),
        "largest_difference_between_ranks": between_ranks,
    },
)

# %%
# Is it the same run as another? The losses of all epochs and the last weights tell.

if args.compare:
    other = np.genfromtxt(args.compare / "history.csv", delimiter=",", names=True, ndmin=1)
    other_model = tn.models.load_model(args.compare / "model.safetensors")
    other_weights = np.concatenate([each.reshape(-1) for each in other_model.get_weights()])
    print(f"The largest differences from the run in {args.compare}/:")
    print(f"  losses   {np.max(np.abs(history['loss'] - other['loss'])):.1e}")
    print(f"  weights  {np.max(np.abs(weights - other_weights)):.1e}")
