"""What best_mlp.py and best_cnn.py share: pieces of other images, a falling rate, two looks.

The two differ in their networks alone; read them first.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import lesson
import matplotlib.pyplot as plt
import numpy as np

import tinynet as tn
from tinynet import plots


def options(description: str, out: str, epochs: int) -> argparse.ArgumentParser:
    """Return the options of every example, and ``--validate``."""
    parser = lesson.options(description, out, epochs)
    parser.add_argument(
        "--validate",
        action="store_true",
        help="keep the last tenth of the training images aside, and leave the test images alone",
    )
    return parser


def images(args: argparse.Namespace) -> tuple[str, lesson.Part, lesson.Part]:
    """Return the data's name, the images to train on, and those to be judged by."""
    name, (x_train, y_train), (x_test, y_test) = lesson.images(args)
    if args.validate:
        kept = len(x_train) // 10
        x_test, y_test = x_train[-kept:], y_train[-kept:]
        x_train, y_train = x_train[:-kept], y_train[:-kept]
    return name, (x_train, y_train), (x_test, y_test)


class CutMix(tn.Sequential):
    """A model that is trained on images into which a piece of another image was put.

    About half of the batches are left as they are. In the others, a square of each image is that of
    another image of the batch, and so is the square's share of its label. A network that is asked
    for "69 % coat, 31 % sneaker" cannot rely on one detail, and can hardly learn by heart: there
    are as many such images as there are pairs and squares. Source: Yun et al. 2019, "CutMix:
    regularization strategy to train strong classifiers with localizable features", section 3; their
    pieces may reach over the edge of the image, and are cut off there.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.rng = np.random.default_rng(0)  # `train` takes the run's seed

    def train_step(self, batch: tn.data.Batch) -> None:
        """Make a step with what `mixed` makes of the batch, one-hot labels included."""
        super().train_step(self.mixed(batch) if self.rng.random() < 0.5 else batch)

    def mixed(self, batch: tn.data.Batch) -> tn.data.Batch:
        """Put a square of one image into another, and its share of the label."""
        images, height, width = batch.x.shape
        side = int(
            np.sqrt(self.rng.random()) * min(height, width)
        )  # its area is drawn evenly, and rounded down
        top = self.rng.integers(height - side + 1)
        left = self.rng.integers(width - side + 1)
        square = np.s_[:, top : top + side, left : left + side]
        other = self.rng.permutation(images)
        x = batch.x.copy()
        x[square] = batch.x[square][other]
        share = side**2 / (height * width)
        return batch._replace(x=x, y=(1 - share) * batch.y + share * batch.y[other])


def train(
    args: argparse.Namespace, model: CutMix, x: np.ndarray, y: np.ndarray, batch_size: int
) -> float:
    """Train with Adam, whose rate falls along half a cosine; return the seconds it took.

    Large steps at first, so that the network finds a wide valley, and ever smaller ones to reach
    its bottom. So there is nothing to stop early: the end of the schedule is the end.
    """
    model.rng = np.random.default_rng(args.seed)
    steps = args.epochs * -(-len(x) // batch_size)
    falling = tn.optimizers.schedules.CosineDecay(0.002, steps, alpha=0.001)
    model.compile(tn.optimizers.Adam(falling), "categorical_crossentropy", ["accuracy"])
    model.summary()
    start = time.perf_counter()
    history = model.fit(
        x,
        tn.utils.to_categorical(y, 10),
        batch_size=batch_size,
        epochs=args.epochs,
        shuffle="every_epoch",
    ).history
    seconds = time.perf_counter() - start
    plots.learning_curves(history)
    plt.savefig(args.out / "learning_curves.png", dpi=150)
    return seconds


def look_twice(model: tn.Sequential, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a model's probabilities for images, and their mean with those of mirror images.

    What was true in training is true afterwards: a garment and its mirror image are of one class.
    """
    one, other = (
        model.predict(np.ascontiguousarray(each), batch_size=500, verbose=0)
        for each in (x, x[:, :, ::-1])
    )
    return one, (one + other) / 2


def judge(args: argparse.Namespace, model: CutMix, x: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    """Report on the images that took no part in training; return the accuracies."""
    one, two = look_twice(model, x)
    accuracy_of_one = float(np.mean(one.argmax(1) == y))
    accuracy = lesson.report(args, x, y, two)
    which = "validation" if args.validate else "test"
    print(f"{which} accuracy: one look {accuracy_of_one:.2%}, two looks {accuracy:.2%}")
    return {f"{which}_accuracy": accuracy, f"{which}_accuracy_of_one_look": accuracy_of_one}
