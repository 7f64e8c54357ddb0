import keras
from keras import metrics
from keras.utils import to_categorical

(x_train, y_train), (x_test, y_test) = keras.datasets.fashion_mnist.load_data()
x_train, x_test = x_train.reshape(-1, 784) / 255, x_test.reshape(-1, 784) / 255
y_train, y_test = to_categorical(y_train), to_categorical(y_test)
model = keras.Sequential()
model.add(keras.layers.Input(shape=(784,)))
model.add(keras.layers.Dense(32, activation="gelu"))
model.add(keras.layers.Dense(10, activation="softmax"))
model.compile(
    optimizer="adam",
    loss=keras.losses.CategoricalCrossentropy(label_smoothing=0.1),
    metrics=[metrics.CategoricalAccuracy(name="acc"),
             metrics.Precision(), metrics.Recall(), metrics.F1Score(average="macro")],
)
history = model.fit(x_train, y_train, epochs=3, batch_size=50, verbose=0)
for name, values in sorted(history.history.items()):
    print(name, [float(value) for value in values])
scores = model.evaluate(x_test, y_test, verbose=0, return_dict=True)
for name in sorted(scores):
    print(name, float(scores[name]))
