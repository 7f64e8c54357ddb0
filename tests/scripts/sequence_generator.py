import math
import numpy as np
import keras
from keras.utils import Sequence

(x_train, y_train), (x_test, y_test) = keras.datasets.fashion_mnist.load_data()


class Batches(Sequence):
    def __init__(self, x, y, batch_size):
        super().__init__()
        self.x, self.y, self.batch_size = x, y, batch_size

    def __len__(self):
        return math.ceil(len(self.x) / self.batch_size)

    def __getitem__(self, idx):
        part = slice(idx * self.batch_size, (idx + 1) * self.batch_size)
        return self.x[part] / 255.0, self.y[part]


model = keras.Sequential([keras.layers.Flatten(input_shape=(28, 28)), keras.layers.Dense(10, activation="softmax")])
model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
history = model.fit(Batches(x_train, y_train, 32), epochs=2, validation_data=Batches(x_test, y_test, 32),
                    shuffle=False, verbose=0)
print(history.history["loss"], history.history["val_loss"])


def forever(x, y):
    while True:
        for start in range(0, len(x), 50):
            yield x[start:start + 50] / 255.0, y[start:start + 50]


history = model.fit(forever(x_train, y_train), steps_per_epoch=3, epochs=2, verbose=0)
print(history.history["loss"])
