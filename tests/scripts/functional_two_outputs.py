"""Two outputs: the class, and whether it is worn on the feet."""
import numpy as np
import tensorflow as tf
from tensorflow import keras

(x_train, y_train), (x_test, y_test) = keras.datasets.fashion_mnist.load_data()
x_train, x_test = x_train / 255.0, x_test / 255.0
shoe_train = np.isin(y_train, [5, 7, 9]).astype("float32").reshape(-1, 1)
shoe_test = np.isin(y_test, [5, 7, 9]).astype("float32").reshape(-1, 1)

inputs = keras.layers.Input(shape=(28, 28), name="image")
hidden = keras.layers.Flatten()(inputs)
hidden = keras.layers.Dense(32, activation="relu")(hidden)
klass = keras.layers.Dense(10, activation="softmax", name="klass")(hidden)
shoe = keras.layers.Dense(1, activation="sigmoid", name="shoe")(hidden)
model = keras.models.Model(inputs=inputs, outputs=[klass, shoe])
model.compile(
    optimizer="adam",
    loss={"klass": "sparse_categorical_crossentropy", "shoe": "binary_crossentropy"},
    loss_weights={"klass": 1.0, "shoe": 0.5},
    metrics={"klass": "accuracy", "shoe": "accuracy"},
)
history = model.fit(x_train, {"klass": y_train, "shoe": shoe_train}, epochs=2, verbose=0)
for name in sorted(history.history):
    print(name, history.history[name])
print(model.evaluate(x_test, [y_test, shoe_test], verbose=0))
