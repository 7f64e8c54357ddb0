"""
As far as a convolutional network goes
======================================

Four convolutions, mirrored images, pieces of other images, a learning rate that falls, two looks at
each image: everything that helped on the validation images, put together.

From a terminal::

    python examples/best_cnn.py --seed 0 --out runs/best_cnn
"""

# %%
# The data
# --------
# Everything below was chosen with ``--validate``, which keeps some of the training images aside and
# reports on them. When all is chosen they have nothing left to say, so that by default all training
# images train, and the test images are looked at, once.

import lesson
import lesson_best as best

import tinynet as tn
from tinynet import layers

args = lesson.begin(best.options("Train the best convolutional network.", "best_cnn", epochs=30))
data, train, test = best.images(args)

# %%
# The network
# -----------
# * *Small windows, one behind the other*: two layers of 3 x 3 see 5 x 5 pixels with fewer weights
#   than one layer of 5 x 5, and bend twice (Simonyan and Zisserman 2015, section 2.3).
# * *More filters where the image is smaller*: what is looked for is more special, and costs less.
# * *Mirrored images* and *pieces of other images*, as in the best dense network. They leave less to
#   do for dropout.

model = best.CutMix(name="best_cnn")
model.add(tn.Input((28, 28)))
model.add(layers.Reshape((28, 28, 1)))
model.add(layers.RandomFlip("horizontal"))
model.add(layers.Rescaling(1 / 255))
for stage, dropped in (((32,), 0.0), ((64, 64), 0.1), ((128,), 0.2)):
    for filters in stage:
        model.add(layers.Conv2D(filters, 3, padding="same", use_bias=False))
        model.add(layers.BatchNormalization(momentum=0.9))
        model.add(layers.ReLU())
    model.add(layers.MaxPooling2D())
    model.add(layers.Dropout(dropped))
model.add(layers.Flatten())
model.add(layers.Dense(128, use_bias=False))
model.add(layers.BatchNormalization(momentum=0.9))
model.add(layers.ReLU())
model.add(layers.Dropout(0.3))
model.add(layers.Dense(10, activation="softmax"))

# %%
# Training
# --------
# The learning rate falls along half a cosine. Accuracy in training is counted on the mixed images,
# where a network can only guess which of the two garments is the larger.

seconds = best.train(args, model, *train, batch_size=64)

# %%
# The test, once
# --------------
# The network looks at each image and at its mirror image, and the mean of its two answers counts.

accuracies = best.judge(args, model, *test)
model.save(args.out / "model.safetensors")
lesson.keep_results(args, data, {**accuracies, "epochs": args.epochs, "seconds": round(seconds, 1)})
