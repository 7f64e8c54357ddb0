import numpy as np
import tensorflow as tf
from tensorflow.keras import layers, models
from tensorflow.keras.layers import LeakyReLU, ReLU

tf.random.set_seed(7)
(x_train, y_train), (x_test, y_test) = tf.keras.datasets.fashion_mnist.load_data()
keep = (y_train == 2) | (y_train == 6)
x_train, y_train = x_train[keep][..., None] / 255.0, (y_train[keep] == 6).astype("float32")

tf.keras.utils.set_random_seed(7)
discriminator = models.Sequential([
    layers.Conv2D(8, 3, strides=2, padding="same", activation=LeakyReLU(0.2), input_shape=(28, 28, 1)),
    layers.Dropout(0.3),
    layers.Conv2D(8, 3, strides=2, padding="same", activation=ReLU(max_value=6.0)),
    layers.Flatten(),
    layers.Dense(16, activation=layers.ELU(alpha=0.5)),
    layers.Dense(1, activation="sigmoid"),
])
discriminator.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
history = discriminator.fit(x_train, y_train, epochs=2, batch_size=64, validation_split=0.2, verbose=0)
for name, values in history.history.items():
    print(name, values)
print(np.round(discriminator.predict(x_train[:3], verbose=0), 4))
