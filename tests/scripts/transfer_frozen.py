# Train on the first five classes, then keep the features and learn the other five
import numpy as np
import keras
from keras.layers import Conv2D, Dense, Dropout, Flatten, MaxPooling2D, Activation
from keras.models import Sequential

(x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()
x_train = x_train.reshape(-1, 28, 28, 1).astype('float32') / 255
x_test = x_test.reshape(-1, 28, 28, 1).astype('float32') / 255


def train_model(model, train, test, num_classes):
    y = keras.utils.to_categorical(train[1], num_classes)
    y_test = keras.utils.to_categorical(test[1], num_classes)
    model.compile(loss='categorical_crossentropy', optimizer='adam', metrics=['accuracy'])
    h = model.fit(train[0], y, batch_size=32, epochs=2, verbose=0, validation_data=(test[0], y_test))
    score = model.evaluate(test[0], y_test, verbose=0)
    print('Test score:', score[0])
    print('Test accuracy:', score[1])
    return h


feature_layers = [
    Conv2D(6, 3, padding='valid', input_shape=(28, 28, 1)),
    Activation('relu'),
    MaxPooling2D(pool_size=2),
    Dropout(0.25),
    Flatten(),
]
classification_layers = [Dense(24), Activation('relu'), Dropout(0.5), Dense(5), Activation('softmax')]
model = Sequential(feature_layers + classification_layers)
small, small_test = y_train < 5, y_test < 5
train_model(model, (x_train[small], y_train[small]), (x_test[small_test], y_test[small_test]), 5)
before = feature_layers[0].get_weights()[0].copy()

for layer in feature_layers:
    layer.trainable = False
train_model(model, (x_train[~small], y_train[~small] - 5), (x_test[~small_test], y_test[~small_test] - 5), 5)
print('features unchanged:', np.array_equal(before, feature_layers[0].get_weights()[0]))
