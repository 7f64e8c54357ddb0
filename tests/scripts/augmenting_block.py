from tensorflow import keras
from tensorflow.keras import layers
from tensorflow.keras.models import Sequential

(x_train, y_train), (x_test, y_test) = keras.datasets.fashion_mnist.load_data()
x_train, x_test = x_train.reshape(-1, 28, 28, 1), x_test.reshape(-1, 28, 28, 1)

data_augmentation = keras.Sequential(
  [
    layers.RandomFlip("horizontal", input_shape=(28, 28, 1)),
    layers.RandomTranslation(0.1, 0.1),
  ]
)
model = Sequential([
  data_augmentation,
  layers.Rescaling(1./255),
  layers.Conv2D(8, 3, padding='same', activation='relu'),
  layers.MaxPooling2D(),
  layers.Flatten(),
  layers.Dense(10)
])
model.compile(optimizer='adam',
              loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
              metrics=['accuracy'])
history = model.fit(x_train, y_train, validation_data=(x_test, y_test), epochs=2, verbose=0)
print(history.history['loss'])
print(history.history['val_loss'])
