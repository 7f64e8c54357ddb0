from tensorflow.keras.layers import Input, Conv2D, MaxPooling2D, Flatten, Dense, Dropout
from tensorflow.keras.models import Model
from tensorflow.keras.datasets import fashion_mnist
from tensorflow.keras.utils import to_categorical

(x_train, y_train), (x_test, y_test) = fashion_mnist.load_data()
x_train = x_train[..., None] / 255.
x_test = x_test[..., None] / 255.
y_train, y_test = to_categorical(y_train), to_categorical(y_test)

inp = Input(shape=(28, 28, 1))
x = Conv2D(8, 3, activation='relu', padding='same')(inp)
x = MaxPooling2D()(x)
x = Conv2D(8, 3, activation='relu')(x)
x = MaxPooling2D()(x)
x = Flatten()(x)
x = Dropout(0.3)(x)
out = Dense(10, activation='softmax')(x)
model = Model(inputs=inp, outputs=out)
model.compile('adam', 'categorical_crossentropy', metrics=['accuracy'])
h = model.fit(x_train, y_train, epochs=2, batch_size=32, validation_split=0.2, verbose=0)
print(h.history['loss'], h.history['val_loss'])
print(model.evaluate(x_test, y_test, verbose=0))
