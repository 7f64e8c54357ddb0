from tensorflow import keras
from tensorflow.keras.layers import (
    BatchNormalization, Conv2D, Dense, DepthwiseConv2D, Dropout, GlobalAveragePooling2D, ReLU, SeparableConv2D, ZeroPadding2D,
)

(x_train, y_train), (x_test, y_test) = keras.datasets.cifar10.load_data()
print(x_train.shape, y_train.shape)
x_train, x_test = x_train.astype("float64") / 255, x_test.astype("float64") / 255

model = keras.Sequential()
model.add(keras.Input(shape=(32, 32, 3)))
model.add(ZeroPadding2D())
model.add(Conv2D(8, 3, strides=2, use_bias=False))
model.add(BatchNormalization())
model.add(ReLU(6.0))
model.add(SeparableConv2D(12, 3, padding="same", activation="relu"))
model.add(DepthwiseConv2D(3, strides=2, padding="same"))
model.add(GlobalAveragePooling2D())
model.add(Dropout(0.2))
model.add(Dense(10, activation="softmax"))
model.compile(optimizer=keras.optimizers.Adam(), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
history = model.fit(x_train, y_train, epochs=2, batch_size=32, validation_data=(x_test, y_test), verbose=0)
print(history.history["loss"], history.history["val_loss"])
