import numpy as np
import matplotlib.pyplot as plt
from sklearn.metrics import classification_report, confusion_matrix, ConfusionMatrixDisplay
import tensorflow as tf
from tensorflow.keras.models import Sequential
from tensorflow.keras.layers import Dense, Flatten

(x_train, y_train), (x_test, y_test) = tf.keras.datasets.fashion_mnist.load_data()
labels = {0: "T-shirt/top", 1: "Trouser", 2: "Pullover", 3: "Dress", 4: "Coat",
          5: "Sandal", 6: "Shirt", 7: "Sneaker", 8: "Bag", 9: "Ankle Boot"}
x_train, x_test = x_train / 255, x_test / 255
model = Sequential()
model.add(Flatten(input_shape=(28, 28)))
model.add(Dense(32, activation='relu'))
model.add(Dense(10, activation='softmax'))
model.compile(optimizer='adam', loss='sparse_categorical_crossentropy', metrics=['accuracy'])
history = model.fit(x_train, y_train, epochs=3, validation_split=0.1, verbose=0)

fig, axs = plt.subplots(2, 1, figsize=(6, 6))
axs[0].plot(history.history['accuracy'])
axs[0].plot(history.history['val_accuracy'])
axs[0].legend(['train', 'val'])
axs[1].plot(history.history['loss'])
axs[1].plot(history.history['val_loss'])
plt.show()

predicted = np.argmax(model.predict(x_test), axis=1)
print(classification_report(y_test, predicted, target_names=list(labels.values()), zero_division=0))
cm = confusion_matrix(y_test, predicted)
print(cm)
ConfusionMatrixDisplay(cm).plot()
plt.show()
print('loss', history.history['loss'], 'val_loss', history.history['val_loss'])
