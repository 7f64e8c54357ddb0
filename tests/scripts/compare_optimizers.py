import matplotlib.pyplot as plt
import pandas as pd
from tensorflow.keras.datasets import fashion_mnist
from tensorflow.keras.layers import Dense, Flatten, Input
from tensorflow.keras.models import Sequential
from tensorflow.keras.optimizers import SGD, Adam, RMSprop, Adagrad

(x_train, y_train), (x_test, y_test) = fashion_mnist.load_data()
x_train, x_test = x_train / 255.0, x_test / 255.0

results = {}
optimizers = {'SGD': SGD(learning_rate=0.01), 'Momentum': SGD(0.01, momentum=0.9), 'Adagrad': Adagrad(learning_rate=0.01),
              'RMSprop': RMSprop(learning_rate=0.001), 'Adam': Adam(learning_rate=0.001, beta_1=0.9), 'clipped': Adam(clipnorm=1.0)}
for name, optimizer in optimizers.items():
    model = Sequential([Input(shape=(28, 28)), Flatten(), Dense(32, activation='sigmoid'), Dense(10, activation='softmax')])
    model.compile(optimizer=optimizer, loss='sparse_categorical_crossentropy', metrics=['accuracy'])
    history = model.fit(x_train, y_train, epochs=2, batch_size=64, validation_data=(x_test, y_test), verbose=0)
    results[name] = history.history
    print(name, history.history['loss'], history.history['val_loss'])

table = pd.DataFrame({name: each['val_loss'] for name, each in results.items()})
table.plot()
plt.savefig('optimizers.png')
print(table.idxmin().to_string())
