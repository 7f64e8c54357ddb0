import numpy as np
from sklearn.utils import class_weight
from keras.models import Sequential
from keras.layers import Dense, Flatten, Dropout
from keras.datasets import fashion_mnist

(X, y), (X_test, y_test) = fashion_mnist.load_data()
keep = (y != 3) | (np.arange(len(y)) % 3 == 0)
X, y = X[keep] / 255, y[keep]
weights = class_weight.compute_class_weight(class_weight='balanced', classes=np.unique(y), y=y)
weights = dict(enumerate(weights))

model = Sequential([Flatten(input_shape=(28, 28)), Dense(32, activation='elu'), Dropout(0.1), Dense(10, activation='softmax')])
model.compile(loss='sparse_categorical_crossentropy', optimizer='nadam',
              weighted_metrics=['accuracy'])
history = model.fit(X, y, epochs=3, batch_size=50, class_weight=weights, verbose=0)
print(history.history['loss'])
sample_weight = np.where(y_test == 3, 2.0, 1.0)
print(model.evaluate(X_test / 255, y_test, sample_weight=sample_weight, verbose=0))
