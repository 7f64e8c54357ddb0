import tensorflow as tf

(x_train, y_train), (x_test, y_test) = tf.keras.datasets.fashion_mnist.load_data()


def preprocess(x, y):
  x = tf.cast(x, tf.float64) / 255.0
  y = tf.cast(y, tf.int64)
  return x, y


train_ds = tf.data.Dataset.from_tensor_slices((x_train, y_train))
train_ds = train_ds.map(preprocess, num_parallel_calls=tf.data.AUTOTUNE).cache().batch(32).prefetch(tf.data.AUTOTUNE)
test_ds = tf.data.Dataset.from_tensor_slices((x_test, y_test)).batch(32).map(preprocess)
for images, labels in train_ds.take(1):
  print(images.shape, labels.numpy()[:5])
print(len(train_ds), int(test_ds.cardinality()))

model = tf.keras.Sequential([
    tf.keras.layers.Flatten(input_shape=(28, 28)),
    tf.keras.layers.Dense(32, activation='relu'),
    tf.keras.layers.Dense(10),
])
model.compile(
    optimizer=tf.keras.optimizers.Adam(0.001),
    loss=tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=[tf.keras.metrics.SparseCategoricalAccuracy()],
)
history = model.fit(train_ds, epochs=2, validation_data=test_ds, verbose=0)
print(history.history['loss'], history.history['val_loss'])
print(model.evaluate(test_ds, verbose=0))
