"""Draw the README's picture: the curves, the confusion matrix and some mistakes of one run.

make train && .venv/bin/python docs/figures/readme_picture.py --run runs/fashion_mnist_ann
"""

import argparse
import csv
import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import tinynet as tn
from tinynet import plots
from tinynet.datasets import fashion_mnist

parser = argparse.ArgumentParser(description="Draw the README's picture from a finished run.")
parser.add_argument("--run", type=Path, default=Path("runs/fashion_mnist_ann"))
parser.add_argument("--data", help="folder with the four Fashion-MNIST files")
parser.add_argument("--out", type=Path, default=Path("docs/images/fashion_mnist_ann.png"))
args = parser.parse_args()

with (args.run / "history.csv").open() as file:
    rows = list(csv.DictReader(file))
history = {name: [float(row[name]) for row in rows] for name in rows[0]}
results = json.loads((args.run / "results.json").read_text())
model = tn.models.load_model(args.run / "model.safetensors")
_, (x_test, y_test) = fashion_mnist.load_data(args.data)
probabilities = model.predict(x_test, batch_size=1000, verbose=0)
counts = tn.metrics.confusion_matrix(y_test, np.argmax(probabilities, axis=1), 10)

figure = plt.figure(figsize=(13.5, 8), layout="constrained")
left, right = figure.subfigures(1, 2, width_ratios=[1, 1.15])
top, bottom = left.subfigures(2, 1, height_ratios=[1.15, 1])
plots.learning_curves(history, monitor="val_accuracy", axes=list(top.subplots(1, 2)))
worst = plots.most_confident_mistakes(y_test, probabilities, n=6)
plots.prediction_gallery(
    x_test[worst],
    y_test[worst],
    probabilities[worst],
    fashion_mnist.CLASS_NAMES,
    axes=bottom.subplots(2, 3),
)
bottom.suptitle("The most confident mistakes", fontsize=12)
plots.confusion_matrix(counts, fashion_mnist.CLASS_NAMES, ax=right.subplots())
figure.suptitle(
    f"784-256-128-64-10 on Fashion-MNIST, seed {results['seed']}: "
    f"{results['test_accuracy']:.2%} of the test images right",
    fontsize=14,
)
args.out.parent.mkdir(parents=True, exist_ok=True)
figure.savefig(args.out, dpi=100)
print(f"{args.out} from {args.run}")
