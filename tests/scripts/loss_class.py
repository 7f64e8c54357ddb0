import tensorflow as tf
from tensorflow import keras

(X_train, y_train), (X_test, y_test) = keras.datasets.fashion_mnist.load_data()
X_train, X_test = X_train / 255.0, X_test / 255.0
y_train, y_test = (y.reshape(-1, 1).astype("float64") for y in (y_train, y_test))


class HuberLoss(keras.losses.Loss):
    def __init__(self, threshold=1.0, **kwargs):
        self.threshold = threshold
        super().__init__(**kwargs)

    def call(self, y_true, y_pred):
        error = y_true - y_pred
        is_small = tf.abs(error) < self.threshold
        squared = tf.square(error) / 2
        linear = self.threshold * tf.abs(error) - self.threshold**2 / 2
        return tf.where(is_small, squared, linear)


def my_rmse(y_true, y_pred):
    return keras.backend.sqrt(keras.backend.mean(keras.backend.square(y_pred - y_true), axis=-1))


for loss in (HuberLoss(2.0), my_rmse):
    model = keras.models.Sequential([
        keras.layers.Flatten(input_shape=[28, 28]),
        keras.layers.Dense(16, activation="selu", kernel_initializer="lecun_normal"),
        keras.layers.Dense(1),
    ])
    model.compile(loss=loss, optimizer=keras.optimizers.SGD(learning_rate=1e-3), metrics=["mae"])
    print(model.evaluate(X_test, y_test, verbose=0))
    # The gradient of such a loss is measured, to about ten digits.
    history = model.fit(X_train, y_train, epochs=2, validation_data=(X_test, y_test), verbose=0)
    print(["%.7f" % value for value in history.history["loss"]])
    print(["%.7f" % value for value in history.history["val_mae"]])
