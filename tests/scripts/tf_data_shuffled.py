"""Shuffled, batched, augmented by hand: an input pipeline, steps_per_epoch with repeat."""
import tensorflow as tf
from tensorflow import keras

BATCH_SIZE = 32
AUTOTUNE = tf.data.AUTOTUNE

tf.keras.utils.set_random_seed(0)
(x_train, y_train), (x_test, y_test) = keras.datasets.fashion_mnist.load_data()
x_train, x_test = x_train[..., tf.newaxis] / 255.0, x_test[..., tf.newaxis] / 255.0
val_size = 40
dataset = tf.data.Dataset.from_tensor_slices((x_train, y_train))
val_ds = dataset.take(val_size).batch(BATCH_SIZE).prefetch(AUTOTUNE)
train_ds = dataset.skip(val_size).shuffle(1000).batch(BATCH_SIZE).prefetch(AUTOTUNE)
print(len(train_ds), len(val_ds))

model = keras.Sequential([
    keras.layers.Conv2D(6, 3, activation="relu", input_shape=(28, 28, 1)),
    keras.layers.MaxPooling2D(),
    keras.layers.Flatten(),
    keras.layers.Dense(10, activation="softmax"),
])
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
history = model.fit(train_ds, validation_data=val_ds, epochs=3, verbose=0)
print(history.history["loss"], history.history["val_loss"])

repeated = dataset.shuffle(100, seed=5).repeat().batch(BATCH_SIZE)
history = model.fit(repeated, steps_per_epoch=4, epochs=2, verbose=0)
print(history.history["loss"])
predictions = model.predict(tf.data.Dataset.from_tensor_slices(x_test).batch(BATCH_SIZE), verbose=0)
print(predictions.shape, float(predictions.max()))
