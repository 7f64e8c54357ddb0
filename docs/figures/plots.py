"""One picture of each function in `tinynet.plots`, on drawn garments and a small network."""

import numpy as np
from drawing import save

import tinynet as tn
from tinynet import layers, plots
from tinynet.datasets import apparel, drawn_apparel

NAMES = apparel.CLASS_NAMES
# Smaller than usual, so that what is learned soon outweighs it and shows in the images.
SMALL = tn.initializers.RandomNormal(stddev=0.002)


def train(optimizer, seed, x, y, validation):
    """Return a model that has seen some hundred garments, and its history."""
    tn.utils.set_random_seed(seed)
    model = tn.Sequential(
        [
            tn.Input((28, 28)),
            layers.Flatten(),
            layers.Dense(32, use_bias=False, kernel_initializer=SMALL),
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

    save(plots.learning_curves(history, monitor="val_accuracy")[0].figure, "learning_curves")
    runs = {
        rule.__name__: [train(rule(), seed, x, y, (x_val, y_val))[1] for seed in range(3)]
        for rule in (tn.optimizers.SGD, tn.optimizers.Adam)
    }
    save(plots.compare_runs(runs).figure, "compare_runs")
    save(plots.confusion_matrix(counts, NAMES).figure, "confusion_matrix")
    save(plots.confusion_matrix(counts, NAMES, shares=True).figure, "confusion_shares")
    save(plots.sample_images(x[:20], y[:20], NAMES)[0, 0].figure, "sample_images")
    for part, rows in (("prediction_gallery", np.arange(12)), ("mistakes", worst)):
        axes = plots.prediction_gallery(x_val[rows], y_val[rows], probabilities[rows], NAMES)
        save(axes[0, 0].figure, part)
    save(plots.first_layer_weights(model, n=24)[0, 0].figure, "first_layer_weights")
    save(plots.activation_histograms(model, x_val)[0, 0].figure, "activation_histograms")
    save(plots.gradient_histograms(model, x[:128], y[:128])[0, 0].figure, "gradient_histograms")


if __name__ == "__main__":
    draw()
