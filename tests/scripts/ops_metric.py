# Fashion items: a metric class, a metric function and a loss of my own, with keras.ops only.
import keras
from keras import layers, ops

(x_train, y_train), (x_test, y_test) = keras.datasets.fashion_mnist.load_data()
x_train = x_train.astype("float32") / 255.0
x_test = x_test.astype("float32") / 255.0
num_classes = 10


@keras.saving.register_keras_serializable(package="my_metrics")
class MacroRecall(keras.metrics.Metric):
    def __init__(self, num_classes, name="macro_recall", **kwargs):
        super().__init__(name=name, **kwargs)
        self.num_classes = num_classes
        self.found = self.add_weight(shape=(num_classes,), initializer="zeros", name="found")
        self.wanted = self.add_weight(shape=(num_classes,), initializer="zeros", name="wanted")

    def update_state(self, y_true, y_pred, sample_weight=None):
        y_true = ops.reshape(ops.cast(y_true, "int32"), (-1,))
        true = ops.one_hot(y_true, self.num_classes)
        pred = ops.one_hot(ops.argmax(y_pred, axis=-1), self.num_classes)
        self.found.assign(self.found + ops.sum(true * pred, axis=0))
        self.wanted.assign(self.wanted + ops.sum(true, axis=0))

    def result(self):
        recall = self.found / ops.maximum(self.wanted, 1.0)
        return ops.mean(recall)

    def reset_state(self):
        self.found.assign(ops.zeros((self.num_classes,)))
        self.wanted.assign(ops.zeros((self.num_classes,)))

    def get_config(self):
        return {**super().get_config(), "num_classes": self.num_classes}


def confidence(y_true, y_pred):
    return ops.mean(ops.max(y_pred, axis=-1))


def entropy(y_true, y_pred):
    y_pred = ops.clip(y_pred, keras.config.epsilon(), 1.0)
    return -ops.sum(y_pred * ops.log(y_pred), axis=-1)


def top_margin(y_true, y_pred):
    y_true = ops.one_hot(ops.cast(ops.squeeze(y_true, axis=-1), "int32"), num_classes)
    right = ops.sum(ops.where(ops.equal(y_true, 1.0), y_pred, 0.0), axis=-1)
    wrong = ops.max(y_pred - y_true, axis=-1)
    return ops.square(ops.subtract(1.0, right)) + ops.exp(ops.minimum(wrong, 0.5)) / 10.0


def build():
    return keras.Sequential(
        [
            keras.Input(shape=(28, 28)),
            layers.Flatten(),
            layers.Dense(32, activation="relu"),
            layers.Dense(num_classes, activation="softmax"),
        ]
    )


model = build()
model.compile(
    loss="sparse_categorical_crossentropy",
    optimizer=keras.optimizers.Adam(learning_rate=1e-3),
    metrics=["accuracy", MacroRecall(num_classes), confidence, entropy],
)
history = model.fit(x_train, y_train, batch_size=64, epochs=2, validation_split=0.1, verbose=0)
for key, values in history.history.items():
    print(key, values)
score = model.evaluate(x_test, y_test, verbose=0)
print("Test loss:", score[0])
print("Test accuracy:", score[1])
print("Test macro recall:", score[2])

predicted = ops.convert_to_numpy(ops.argmax(model.predict(x_test, verbose=0), axis=-1))
print("First predictions:", predicted[:10])

other = build()
other.compile(loss=top_margin, optimizer="sgd")
print(other.evaluate(x_test, y_test.reshape(-1, 1), verbose=0))
# measured, to about ten digits
history = other.fit(x_train, y_train.reshape(-1, 1), epochs=2, verbose=0)
print(["%.7f" % value for value in history.history["loss"]])
