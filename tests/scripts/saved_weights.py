import keras

(x_train, y_train), (x_test, y_test) = keras.datasets.fashion_mnist.load_data()


def create_model():
    model = keras.models.Sequential([
        keras.layers.Flatten(input_shape=(28, 28)),
        keras.layers.Rescaling(1 / 255),
        keras.layers.Dense(32, activation='relu'),
        keras.layers.Dense(10),
    ])
    model.compile(optimizer='adam',
                  loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
                  metrics=[keras.metrics.SparseCategoricalAccuracy()])
    return model


model = create_model()
loss, acc = model.evaluate(x_test, y_test, verbose=0)
print("Untrained model, accuracy: {:5.2f}%, loss".format(100 * acc), loss)
model.fit(x_train, y_train, epochs=2, verbose=0)
loss, acc = model.evaluate(x_test, y_test, verbose=2)
print("Trained model, accuracy: {:5.2f}%, loss".format(100 * acc), loss)
model.save_weights('checkpoint.weights.h5')
model = create_model()
model.load_weights('checkpoint.weights.h5')
loss, acc = model.evaluate(x_test, y_test, verbose=2)
print("Restored model, accuracy: {:5.2f}%, loss".format(100 * acc), loss)
