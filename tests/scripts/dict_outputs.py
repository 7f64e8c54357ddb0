import numpy as np
from tensorflow import keras
from tensorflow.keras import layers

rng = np.random.default_rng(0)
data = {"words": rng.integers(0, 2, (64, 20)), "tags": rng.integers(0, 2, (64, 5))}
data = {name: values.astype("float32") for name, values in data.items()}
targets = {"priority": rng.random((64, 1)), "team": np.eye(4)[rng.integers(0, 4, 64)]}

words = keras.Input(shape=(20,), name="words")
tags = keras.Input(shape=(5,), name="tags")
features = layers.Dense(16, activation="relu")(layers.Concatenate()([words, tags]))
priority = layers.Dense(1, activation="sigmoid", name="sigmoid_of_priority")(features)
head = keras.Sequential([keras.Input((16,)), layers.Dense(4), layers.Softmax()], name="head")
model = keras.Model(
    inputs={"words": words, "tags": tags}, outputs={"priority": priority, "team": head(features)}
)
model.compile(
    optimizer="adam",
    loss={"priority": "mean_squared_error", "team": "categorical_crossentropy"},
    metrics={"priority": ["mae", "binary_crossentropy"], "team": ["accuracy"]},
)
history = model.fit(data, targets, batch_size=16, epochs=3, verbose=0)
for name in sorted(history.history):
    print(name, history.history[name])
print(model.evaluate(data, targets, return_dict=True, verbose=0))
predictions = model.predict(data, verbose=0)
for name, values in predictions.items():
    print(name, values.shape, values[0])

pixels = keras.Input(shape=(28, 28), dtype="uint8")
x = layers.Flatten()(layers.Rescaling(1.0 / 255)(pixels))
small = keras.Model(pixels, layers.Dense(10, activation="softmax")(x))
small.compile("sgd", "mse", metrics=["categorical_crossentropy"])
(x_train, y_train), _ = keras.datasets.mnist.load_data()
print(small.fit(x_train, np.eye(10)[y_train], epochs=2, verbose=0).history)
