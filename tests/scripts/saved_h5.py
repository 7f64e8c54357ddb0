import numpy as np
from tensorflow import keras
from tensorflow.keras.models import load_model

(x_train, y_train), (x_test, y_test) = keras.datasets.fashion_mnist.load_data()
x_train, x_test = x_train / 255.0, x_test / 255.0
model = keras.Sequential([
    keras.layers.Flatten(input_shape=(28, 28)),
    keras.layers.Dense(32, activation='relu'),
    keras.layers.Dropout(0.2),
    keras.layers.Dense(10, activation='softmax')])
model.compile(optimizer='adam', loss='sparse_categorical_crossentropy', metrics=['accuracy'])
model.fit(x_train, y_train, epochs=2, verbose=0)
print('before', model.evaluate(x_test, y_test, verbose=0))
model.save('fashion_model.h5')
del model
restored = load_model('fashion_model.h5')
print('after', restored.evaluate(x_test, y_test, verbose=0))
print(np.argmax(restored.predict(x_test[:5], verbose=0), axis=1))
