"""Category and brightness of a garment at once: one body, two heads."""
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"

import numpy as np
from tensorflow import keras
from tensorflow.keras.layers import BatchNormalization, Dense, Flatten, Input
from tensorflow.keras.models import Model

(trainX, trainY), (testX, testY) = keras.datasets.fashion_mnist.load_data()
trainX, testX = trainX / 255.0, testX / 255.0
train_light, test_light = trainX.mean(axis=(1, 2)), testX.mean(axis=(1, 2))
train_light, test_light = train_light.reshape(-1, 1), test_light.reshape(-1, 1)


class FashionNet(Model):
    def __init__(self, num_categories):
        super().__init__()
        self.flatten = Flatten()
        self.body = Dense(32, activation="relu")
        self.norm = BatchNormalization()
        self.category = Dense(num_categories, activation="softmax")
        self.light = Dense(1)

    def call(self, inputs):
        x = self.norm(self.body(self.flatten(inputs)))
        return [self.category(x), self.light(x)]


def functional(num_categories):
    inputs = Input(shape=(28, 28))
    x = Dense(32, activation="relu")(Flatten()(inputs))
    x = BatchNormalization()(x)
    category = Dense(num_categories, activation="softmax", name="category_output")(x)
    light = Dense(1, name="light_output")(x)
    return Model(inputs=inputs, outputs=[category, light], name="fashionnet")


EPOCHS = 3
BS = 64
for model in (FashionNet(10), functional(10)):
    losses = ["sparse_categorical_crossentropy", "mse"]
    lossWeights = [1.0, 5.0]
    print("[INFO] compiling model...")
    opt = keras.optimizers.SGD(learning_rate=0.01, momentum=0.9)
    model.compile(opt, losses, lossWeights, [["accuracy"], ["mae", "mse"]])
    H = model.fit(
        trainX,
        [trainY, train_light],
        validation_data=(testX, [testY, test_light]),
        epochs=EPOCHS,
        batch_size=BS,
        verbose=0,
    )
    for name in sorted(H.history):
        print(name, H.history[name])
    print(model.evaluate(testX, [testY, test_light], batch_size=BS, verbose=0))
    (category, light) = model.predict(testX, verbose=0)
    print(category.argmax(axis=1)[:8], np.round(light[:4, 0], 5))

# the last batch of 8 samples, step by step
model.compile("sgd", losses, lossWeights, ["accuracy", "mae"], run_eagerly=True)
print(model.evaluate(testX, [testY, test_light], batch_size=52, verbose=0))
print(model.train_on_batch(testX[-8:], [testY[-8:], test_light[-8:]]))
