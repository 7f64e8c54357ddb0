import numpy as np
import keras
from keras.models import Sequential
from keras.layers import Dense, ReLU, Reshape, Softmax

(x_train, y_train), (x_test, y_test) = keras.datasets.fashion_mnist.load_data()
x_train, x_test = x_train / 127.5 - 1.0, x_test / 127.5 - 1.0

model = Sequential([Reshape((784,), input_shape=(28, 28)), Dense(32), ReLU(), Dense(10), Softmax()])
model.compile(keras.optimizers.AdamW(learning_rate=1e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
rng = np.random.RandomState(0)
batch_size = 32
for epoch in range(2):
    order = rng.permutation(len(x_train))
    for start in range(0, len(order), batch_size):
        rows = order[start:start + batch_size]
        loss, accuracy = model.train_on_batch(x_train[rows], y_train[rows])
    print("Epoch", epoch, "last batch:", float(loss))
    print("test:", [float(value) for value in model.test_on_batch(x_test, y_test)])
print(model.predict_on_batch(x_test[:2]).sum(axis=1).round(6))
