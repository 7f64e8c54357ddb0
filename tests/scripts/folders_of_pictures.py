import os

import numpy as np
import tensorflow as tf
from PIL import Image
from tensorflow.keras import layers, models, optimizers
from tensorflow.keras.preprocessing.image import ImageDataGenerator

rng = np.random.RandomState(0)
for part, n in (("train", 8), ("validation", 4)):
    for c, name in enumerate(("cats", "dogs")):
        os.makedirs(os.path.join("data", part, name))
        for i in range(n):
            picture = rng.randint(0, 150, (40, 36, 3)).astype("uint8")
            picture[: 20 + 10 * c, :, c] += 90
            Image.fromarray(picture).save(f"data/{part}/{name}/{i}.png")

train_datagen = ImageDataGenerator(
    rescale=1.0 / 255,
    rotation_range=40,
    width_shift_range=0.2,
    shear_range=0.2,
    zoom_range=0.2,
    horizontal_flip=True,
)
test_datagen = ImageDataGenerator(rescale=1.0 / 255)
train_generator = train_datagen.flow_from_directory(
    "data/train", target_size=(32, 32), batch_size=4, class_mode="binary"
)
validation_generator = test_datagen.flow_from_directory(
    "data/validation", target_size=(32, 32), batch_size=4, class_mode="binary", shuffle=False
)
model = models.Sequential([
    layers.Conv2D(4, (3, 3), activation="relu", input_shape=(32, 32, 3)),
    layers.MaxPooling2D((2, 2)),
    layers.Flatten(),
    layers.Dropout(0.5),
    layers.Dense(1, activation="sigmoid"),
])
model.compile(
    loss="binary_crossentropy", optimizer=optimizers.RMSprop(learning_rate=1e-3), metrics=["acc"]
)
history = model.fit(train_generator, epochs=3, validation_data=validation_generator, verbose=0)
print(history.history)
print(model.predict(validation_generator, verbose=0).sum())

train_ds = tf.keras.utils.image_dataset_from_directory(
    "data/train",
    validation_split=0.25,
    subset="training",
    seed=123,
    image_size=(32, 32),
    batch_size=4,
)
print(train_ds.class_names)
train_ds = train_ds.cache().shuffle(100).prefetch(buffer_size=tf.data.AUTOTUNE)
model = models.Sequential([
    layers.Rescaling(1.0 / 255, input_shape=(32, 32, 3)),
    layers.Conv2D(4, 3, activation="relu"),
    layers.GlobalMaxPooling2D(),
    layers.Dense(2),
])
loss = tf.losses.SparseCategoricalCrossentropy(from_logits=True)
model.compile(optimizer=tf.optimizers.Adam(), loss=loss, metrics=["accuracy"])
print(model.fit(train_ds, epochs=2, verbose=0).history)
for images, labels in train_ds.take(1):
    print(images.shape, labels.numpy())
