"""One picture of each function in `tinynet.plots`, on drawn garments and a small network."""

import numpy as np
from drawing import WIDTH, plt, save

import tinynet as tn
from tinynet import layers, plots
from tinynet.datasets import apparel, drawn_apparel

NAMES = apparel.CLASS_NAMES


def train(optimizer, seed, x, y, validation):
    """Return a model that has seen some hundred garments, and its history."""
    tn.utils.set_random_seed(seed)
    # Smaller than usual, so that what is learned soon outweighs it and shows in the images.
    small = tn.initializers.RandomNormal(stddev=0.002)
    model = tn.Sequential(
        [
            tn.Input((28, 28)),
            layers.Flatten(),
            layers.Dense(32, use_bias=False, kernel_initializer=small),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Dropout(0.2),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    cut = tn.callbacks.ReduceLROnPlateau(monitor="val_accuracy", factor=0.3, patience=3)
    history = model.fit(
        x, y, batch_size=32, epochs=20, validation_data=validation, callbacks=[cut], verbose=0
    )
    return model, history.history


def draw():
    """Train a few small networks and draw all there is to see."""
    x, y = drawn_apparel(800, seed=0)
    x_val, y_val = drawn_apparel(400, seed=1)
    x, x_val = x / np.float32(255), x_val / np.float32(255)

    model, history = train(tn.optimizers.SGD(0.02, momentum=0.9), 0, x, y, (x_val, y_val))
    probabilities = model.predict(x_val, verbose=0)
    counts = tn.metrics.confusion_matrix(y_val, np.argmax(probabilities, axis=1), 10)
    worst = plots.most_confident_mistakes(y_val, probabilities, n=6)

    plots.learning_curves(history, monitor="val_accuracy", axes=panels(2, 1, 5.4)[:, 0])
    save(plt.gcf(), "learning_curves")
    runs = {
        rule.__name__: [train(rule(), seed, x, y, (x_val, y_val))[1] for seed in range(3)]
        for rule in (tn.optimizers.SGD, tn.optimizers.Adam)
    }
    plots.compare_runs(runs, ax=panels(1, 1, 3.6)[0, 0])
    save(plt.gcf(), "compare_runs")
    plots.confusion_matrix(counts, NAMES, ax=panels(1, 1, 5.2)[0, 0])
    save(plt.gcf(), "confusion_matrix")
    plots.confusion_matrix(counts, NAMES, shares=True, ax=panels(1, 1, 5.2)[0, 0])
    save(plt.gcf(), "confusion_shares")
    plots.sample_images(x[:20], y[:20], NAMES, axes=panels(4, 5, 5))
    save(plt.gcf(), "sample_images")
    for part, rows in (("prediction_gallery", np.arange(12)), ("mistakes", worst)):
        axes = panels(len(rows) // 3, 3, len(rows) / 3 * 1.9)
        plots.prediction_gallery(x_val[rows], y_val[rows], probabilities[rows], NAMES, axes=axes)
        save(plt.gcf(), part)
    plots.first_layer_weights(model, n=24, axes=panels(4, 6, 4.4))
    save(plt.gcf(), "first_layer_weights")
    plots.activation_histograms(model, x_val, axes=panels(2, 2, 4))
    save(plt.gcf(), "activation_histograms")
    plots.gradient_histograms(model, x[:128], y[:128], axes=panels(3, 2, 6))
    save(plt.gcf(), "gradient_histograms")


def panels(rows, columns, height):
    """Return axes in rows and columns, in a figure of the usual width."""
    return plt.subplots(rows, columns, figsize=(WIDTH, height), squeeze=False)[1]


if __name__ == "__main__":
    draw()
