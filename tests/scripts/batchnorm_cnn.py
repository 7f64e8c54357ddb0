import keras
from keras.models import Sequential
from keras.layers import Dense, Dropout, Flatten, Conv2D, MaxPooling2D, BatchNormalization
from sklearn.model_selection import train_test_split
from keras.datasets import fashion_mnist
from keras.utils import to_categorical

(X_train_full, y_train_full), (X_test, y_test) = fashion_mnist.load_data()
X_train, X_val, y_train, y_val = train_test_split(X_train_full, y_train_full, test_size=0.2, random_state=13)
X_train = X_train.reshape(X_train.shape[0], 28, 28, 1) / 255.0
X_val = X_val.reshape(X_val.shape[0], 28, 28, 1) / 255.0
X_test = X_test.reshape(X_test.shape[0], 28, 28, 1) / 255.0
y_train, y_val, y_test = map(to_categorical, (y_train, y_val, y_test))

keras.utils.set_random_seed(13)
cnn = Sequential()
cnn.add(Conv2D(8, kernel_size=(3, 3), activation='relu', kernel_initializer='he_normal', input_shape=(28, 28, 1)))
cnn.add(BatchNormalization())
cnn.add(MaxPooling2D((2, 2)))
cnn.add(Dropout(0.25))
cnn.add(Conv2D(16, (3, 3), activation='relu', padding='same'))
cnn.add(BatchNormalization())
cnn.add(MaxPooling2D(pool_size=(2, 2)))
cnn.add(Dropout(0.25))
cnn.add(Flatten())
cnn.add(Dense(32, activation='relu'))
cnn.add(Dropout(0.3))
cnn.add(Dense(10, activation='softmax'))
cnn.compile(loss=keras.losses.CategoricalCrossentropy(), optimizer=keras.optimizers.Adam(), metrics=['accuracy'])
history = cnn.fit(X_train, y_train, batch_size=32, epochs=2, verbose=0, validation_data=(X_val, y_val))
score = cnn.evaluate(X_test, y_test, verbose=0)
print('Test loss:', score[0])
print('Test accuracy:', score[1])
print(history.history['val_loss'])
