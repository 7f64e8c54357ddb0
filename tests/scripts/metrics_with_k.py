from tensorflow.keras import backend as K
from tensorflow.keras.datasets import mnist
from tensorflow.keras.layers import Dense, Dropout, Flatten
from tensorflow.keras.models import Sequential
from tensorflow.keras.utils import to_categorical


def recall_m(y_true, y_pred):
    found = K.sum(K.round(K.clip(y_true * y_pred, 0, 1)))
    wanted = K.sum(K.round(K.clip(y_true, 0, 1)))
    return found / (wanted + K.epsilon())

def precision_m(y_true, y_pred):
    found = K.sum(K.round(K.clip(y_true * y_pred, 0, 1)))
    claimed = K.sum(K.round(K.clip(y_pred, 0, 1)))
    return found / (claimed + K.epsilon())

def f1_m(y_true, y_pred):
    precision, recall = precision_m(y_true, y_pred), recall_m(y_true, y_pred)
    return 2 * ((precision * recall) / (precision + recall + K.epsilon()))

def hits(y_true, y_pred):
    return K.mean(K.equal(K.argmax(y_true, axis=-1), K.argmax(y_pred, axis=-1)))

(X, y), (X_test, y_test) = mnist.load_data()
X, X_test = X.astype('float32') / 255, X_test.astype('float32') / 255
y, y_test = to_categorical(y, 10), to_categorical(y_test, 10)

model = Sequential([Flatten(input_shape=(28, 28)), Dense(32, activation='relu'), Dropout(0.2),
                    Dense(10, activation='softmax')])
model.compile(loss='categorical_crossentropy', optimizer='adam',
              metrics=['acc', f1_m, precision_m, recall_m, hits])
history = model.fit(X, y, validation_split=0.1, epochs=4, batch_size=32, verbose=0)
for name, values in history.history.items():
    print(name, values)
loss, accuracy, f1_score, precision, recall, share = model.evaluate(X_test, y_test, verbose=0)
print(loss, accuracy, f1_score, precision, recall, share)
