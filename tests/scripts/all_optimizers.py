import keras

(x_train, y_train), _ = keras.datasets.fashion_mnist.load_data()
x_train = x_train / 255

for optimizer in ['sgd', 'rmsprop', 'adam', 'adamax', 'adagrad', 'adadelta', 'nadam']:
    model = keras.models.Sequential([
        keras.layers.Flatten(input_shape=(28, 28)),
        keras.layers.Dense(24, activation='relu'),
        keras.layers.Dense(10, activation='softmax'),
    ])
    model.compile(loss='sparse_categorical_crossentropy', optimizer=optimizer, metrics=['accuracy'])
    hist = model.fit(x_train, y_train, epochs=2, batch_size=50, verbose=0)
    print(optimizer, hist.history['loss'])
