"""The same question, with AUC as a metric and from logits."""
import numpy as np
import tensorflow as tf

(x_train, y_train), (x_test, y_test) = tf.keras.datasets.fashion_mnist.load_data()
y_train, y_test = np.isin(y_train, [5, 7, 9]), np.isin(y_test, [5, 7, 9])
model = tf.keras.Sequential([
    tf.keras.layers.Flatten(input_shape=(28, 28)),
    tf.keras.layers.Rescaling(1 / 255),
    tf.keras.layers.Dense(16, activation='relu'),
    tf.keras.layers.Dense(1, activation='sigmoid'),
])
model.compile(optimizer=tf.keras.optimizers.Adam(learning_rate=0.001),
              loss='binary_crossentropy',
              metrics=[tf.keras.metrics.AUC(), tf.keras.metrics.FalsePositives(), tf.keras.metrics.RootMeanSquaredError()])
history = model.fit(x_train, y_train.astype('float32'), epochs=2, verbose=0)
for name, values in sorted(history.history.items()):
    print(name, [float(value) for value in values])
