import tensorflow as tf
from tensorflow.keras import regularizers, initializers
from tensorflow.keras.layers import Dense, LeakyReLU, Flatten, GaussianNoise, ELU

(x_train, y_train), (x_test, y_test) = tf.keras.datasets.fashion_mnist.load_data()
x_train = tf.keras.utils.normalize(x_train, axis=1)
x_test = tf.keras.utils.normalize(x_test, axis=1)
model = tf.keras.models.Sequential()
model.add(Flatten())
model.add(Dense(48, kernel_regularizer=regularizers.l2(0.001), kernel_initializer=initializers.HeNormal()))
model.add(LeakyReLU())
model.add(GaussianNoise(0.05))
model.add(Dense(24, kernel_regularizer=regularizers.l1_l2(l1=1e-5, l2=1e-4), activity_regularizer=regularizers.l2(1e-5)))
model.add(ELU())
model.add(Dense(10, activation='softmax', bias_regularizer=regularizers.l2(1e-4)))
model.compile(optimizer='adam', loss='sparse_categorical_crossentropy', metrics=['accuracy'])
history = model.fit(x_train, y_train, epochs=3, verbose=0, validation_data=(x_test, y_test))
print(history.history['loss'])
print(history.history['val_loss'])
