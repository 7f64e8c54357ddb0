import os
os.environ['TF_CPP_MIN_LOG_LEVEL'] = '2'
import tensorflow as tf
import matplotlib.pyplot as plt

gpus = tf.config.list_physical_devices('GPU')
for gpu in gpus:
    tf.config.experimental.set_memory_growth(gpu, True)
print("Num GPUs Available:", len(gpus))

(x_train, y_train), (x_test, y_test) = tf.keras.datasets.fashion_mnist.load_data()
x_train, x_test = x_train / 255.0, x_test / 255.0
y_hot = tf.one_hot(y_train, 10)
model = tf.keras.Sequential([
    tf.keras.layers.Flatten(input_shape=(28, 28)),
    tf.keras.layers.Dense(24, activation=tf.keras.activations.relu),
    tf.keras.layers.Dense(10, activation='softmax'),
])
model.compile(optimizer=tf.keras.optimizers.Adam(learning_rate=0.002), loss='categorical_crossentropy')
history = model.fit(x_train, y_hot, epochs=3, batch_size=64, verbose=0)
print(history.history['loss'])
y_pred = tf.argmax(model.predict(x_test, verbose=0), axis=1)
cm = tf.math.confusion_matrix(y_test, y_pred, num_classes=10)
print(cm.numpy())
plt.imshow(cm)
plt.show()
hits = tf.cast(y_pred.numpy() == y_test, tf.float32)
print("accuracy", float(tf.reduce_mean(hits)))
print("highest gray value", float(tf.reduce_max(tf.constant(x_test))))
