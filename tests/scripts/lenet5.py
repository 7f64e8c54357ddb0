import keras
from keras import layers

(x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()
x_train = x_train.reshape((-1, 28, 28, 1)) / 255.0
x_test = x_test.reshape((-1, 28, 28, 1)) / 255.0

lenet = keras.Sequential(name="LeNet-5")
lenet.add(layers.Conv2D(6, kernel_size=5, strides=1, activation='tanh', input_shape=(28, 28, 1), padding='same'))
lenet.add(layers.AveragePooling2D(2))
lenet.add(layers.Conv2D(16, kernel_size=5, strides=1, activation='tanh', padding='valid'))
lenet.add(layers.AveragePooling2D(2))
lenet.add(layers.Flatten())
lenet.add(layers.Dense(120, activation='tanh'))
lenet.add(layers.Dense(84, activation='tanh'))
lenet.add(layers.Dense(10, activation='softmax'))
lenet.compile(optimizer='sgd', loss='sparse_categorical_crossentropy', metrics=['accuracy'])
print(lenet.count_params(), 'parameters')
hist = lenet.fit(x_train, y_train, batch_size=32, epochs=2, validation_data=(x_test, y_test), verbose=0)
print(hist.history['loss'], hist.history['val_loss'])
