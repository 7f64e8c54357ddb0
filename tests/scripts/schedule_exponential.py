from tensorflow import keras
from tensorflow.keras import layers
from tensorflow.keras.optimizers.schedules import ExponentialDecay

(x_train, y_train), _ = keras.datasets.fashion_mnist.load_data()
x_train = x_train.reshape((-1, 784)) / 255.0

for schedule in (
    ExponentialDecay(initial_learning_rate=1e-2, decay_steps=10, decay_rate=0.9),
    keras.optimizers.schedules.CosineDecay(0.01, 30),
    keras.optimizers.schedules.PiecewiseConstantDecay([5, 10], [0.1, 0.05, 0.01]),
    keras.optimizers.schedules.PolynomialDecay(0.05, 20, 0.001),
):
    model = keras.Sequential([layers.Dense(24, activation="relu", input_shape=(784,)),
                              layers.Dense(10, activation="softmax")])
    model.compile(keras.optimizers.SGD(learning_rate=schedule), "sparse_categorical_crossentropy")
    history = model.fit(x_train, y_train, batch_size=32, epochs=2, verbose=0)
    print(type(schedule).__name__, history.history["loss"])
