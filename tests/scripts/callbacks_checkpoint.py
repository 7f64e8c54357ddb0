import os
from keras.callbacks import EarlyStopping, ModelCheckpoint, ReduceLROnPlateau
from keras.datasets import fashion_mnist
from keras.layers import Dense, Flatten
from keras.models import Sequential, load_model

(x_train, y_train), (x_test, y_test) = fashion_mnist.load_data()
x_train = x_train / 255
x_test = x_test / 255

model = Sequential([Flatten(input_shape=(28, 28)), Dense(32, activation='relu'), Dense(10, activation='softmax')])
model.compile(optimizer='adam', loss='sparse_categorical_crossentropy', metrics=['accuracy'])
callbacks = [
    EarlyStopping(monitor='val_loss', patience=3),
    ReduceLROnPlateau(monitor='val_loss', factor=0.2, patience=1, min_lr=0.0001),
    ModelCheckpoint('best_model.keras', monitor='val_loss', save_best_only=True),
]
history = model.fit(x_train, y_train, epochs=4, validation_split=0.2, callbacks=callbacks, verbose=0)
print(history.history['val_loss'])
print(os.path.exists('best_model.keras'))
best = load_model('best_model.keras')
print(best.evaluate(x_test, y_test, verbose=0))
