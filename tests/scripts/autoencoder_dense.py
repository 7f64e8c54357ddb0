import numpy as np
import matplotlib.pyplot as plt
from keras.layers import Dense
from keras.models import Sequential
from keras.datasets import mnist

(x_train, _), (x_test, _) = mnist.load_data()
x_train = x_train.astype('float64') / 255.
x_test = x_test.astype('float64') / 255.
x_train = x_train.reshape((len(x_train), np.prod(x_train.shape[1:])))
x_test = x_test.reshape((len(x_test), np.prod(x_test.shape[1:])))

autoencoder = Sequential([
    Dense(32, activation='relu', input_shape=(784,)),
    Dense(784, activation='sigmoid'),
])
autoencoder.compile(optimizer='adam', loss='binary_crossentropy')
h = autoencoder.fit(x_train, x_train, epochs=3, batch_size=64, shuffle=True,
                    validation_data=(x_test, x_test), verbose=0)
decoded_imgs = autoencoder.predict(x_test, verbose=0)
plt.figure(figsize=(20, 4))
for i in range(5):
    ax = plt.subplot(1, 5, i + 1)
    plt.imshow(decoded_imgs[i].reshape(28, 28))
    plt.gray()
    ax.get_xaxis().set_visible(False)
plt.show()
print(h.history['loss'], h.history['val_loss'])
print('mean squared error', float(np.mean((decoded_imgs - x_test) ** 2)))
