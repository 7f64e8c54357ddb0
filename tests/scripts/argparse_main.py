#!/usr/bin/env python
"""Trains a network; options on the command line."""
import argparse
import json
import logging
import os

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import tensorflow as tf  # noqa: E402
from tensorflow.keras import Sequential  # noqa: E402
from tensorflow.keras.layers import Dense, Dropout, Flatten  # noqa: E402

tf.get_logger().setLevel(logging.ERROR)


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--lr", type=float, default=0.01)
    parser.add_argument("--seed", type=int, default=3)
    return parser.parse_args()


def main():
    args = parse_args()
    tf.keras.utils.set_random_seed(args.seed)
    (x_train, y_train), (x_test, y_test) = tf.keras.datasets.fashion_mnist.load_data()
    mean, std = x_train.mean(), x_train.std()
    x_train, x_test = (x_train - mean) / std, (x_test - mean) / std
    model = Sequential([Flatten(input_shape=(28, 28)), Dense(32, activation="selu", kernel_initializer="lecun_normal"),
                        Dropout(rate=0.2), Dense(10, activation="softmax")])
    model.compile(optimizer=tf.keras.optimizers.SGD(args.lr), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(x_train, y_train, epochs=args.epochs, batch_size=32, validation_split=0.1, verbose=0)
    results = {"history": {k: [float(v) for v in values] for k, values in sorted(history.history.items())},
               "test": model.evaluate(x_test, y_test, verbose=0)}
    with open("results.json", "w") as file:
        json.dump(results, file)
    print(json.dumps(results))
    print("predicted", np.unique(model.predict(x_test, verbose=0).argmax(1)))


if __name__ == "__main__":
    main()
