from keras.layers import Input, Dense
from keras.models import Model
from keras.datasets import fashion_mnist

(x_train, _), (x_test, _) = fashion_mnist.load_data()
x_train = x_train.reshape(-1, 784) / 255.
x_test = x_test.reshape(-1, 784) / 255.

encoding_dim = 16
input_img = Input(shape=(784,))
encoded = Dense(encoding_dim, activation='relu')(input_img)
decoded = Dense(784, activation='sigmoid')(encoded)
autoencoder = Model(input_img, decoded)
encoder = Model(input_img, encoded)
autoencoder.compile(optimizer='adam', loss='mse')
h = autoencoder.fit(x_train, x_train, epochs=2, batch_size=64, verbose=0)
print(h.history['loss'])
codes = encoder.predict(x_test, verbose=0)
print(codes.shape, float(codes.mean()))
