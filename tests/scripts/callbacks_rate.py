import math
import numpy as np
import tensorflow as tf
from tensorflow.keras.callbacks import EarlyStopping, LearningRateScheduler, ReduceLROnPlateau, TerminateOnNaN, CSVLogger
from tensorflow.keras.datasets import fashion_mnist
from tensorflow.keras.layers import BatchNormalization, Dense, Flatten
from tensorflow.keras.models import Sequential

tf.random.set_seed(1234)
np.random.seed(1234)

(x_train, y_train), (x_test, y_test) = fashion_mnist.load_data()
x_train = x_train.astype('float32') / 255.
x_test = x_test.astype('float32') / 255.

# learning rate schedule
def step_decay(epoch):
	initial_lrate = 0.05
	drop = 0.5
	epochs_drop = 2.0
	lrate = initial_lrate * math.pow(drop, math.floor((1+epoch)/epochs_drop))
	return lrate

model = Sequential()
model.add(Flatten(input_shape=[28, 28]))
model.add(Dense(32, activation='relu'))
model.add(BatchNormalization())
model.add(Dense(10, activation='softmax'))
model.compile(loss='sparse_categorical_crossentropy', optimizer=tf.keras.optimizers.SGD(momentum=0.9), metrics=['acc'])
lrate = LearningRateScheduler(step_decay)
es = EarlyStopping(monitor='val_acc', mode='max', patience=2, restore_best_weights=True)
h = model.fit(x_train, y_train, validation_data=(x_test, y_test), epochs=5, batch_size=32,
              callbacks=[lrate, es, TerminateOnNaN(), CSVLogger('log.csv')], verbose=0)
for key in sorted(h.history):
	print(key, [float(value) for value in h.history[key]])
with open('log.csv') as file:
	print(len(file.readlines()), 'lines in the log')
