"""
As far as a dense network goes
==============================

No convolution, only dense layers, which do not know that pixels have neighbours. How much of
Fashion-MNIST can they learn? This puts together what the other examples tried one by one, and adds
one thing that they did not: images with a piece of another image in them.

From a terminal::

    python examples/best_mlp.py --seed 0 --out runs/best_mlp
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

args = lesson.begin(best.options("Train the best dense network.", "best_mlp", epochs=120))
data, train, test = best.images(args)

# %%
# The network
# -----------
# * *Width*: 1024, 512 and 256 units, many more than the task needs.
# * *Mirrored images*: ``RandomFlip`` turns half of the garments over, each time other ones. That
#   doubles the images, and costs nothing.
# * *Pieces of other images* (``CutMix`` in ``lesson_best.py``): a square of a sneaker in a coat,
#   and its share of the label. This is what helps most. So many weights would otherwise learn the
#   images by heart; mixed images prevent it better than dropout does, of which little is left.
# * *Time*: such images never come twice, so the network goes on learning for many more epochs.
# * *Batch normalization* in front of each ReLU, so that a large learning rate does no harm.

model = best.CutMix(name="best_mlp")
model.add(tn.Input((28, 28)))
model.add(layers.Reshape((28, 28, 1)))
model.add(layers.RandomFlip("horizontal"))
model.add(layers.Rescaling(1 / 255))
model.add(layers.Flatten())
model.add(layers.Dropout(0.05))
for units in (1024, 512, 256):
    model.add(layers.Dense(units, use_bias=False))
    model.add(layers.BatchNormalization(momentum=0.9))
    model.add(layers.ReLU())
    model.add(layers.Dropout(0.1))
model.add(layers.Dense(10, activation="softmax"))

# %%
# Training
# --------
# The learning rate falls along half a cosine. Accuracy in training is counted on the mixed images,
# where a network can only guess which of the two garments is the larger; so it stays far below
# that on whole ones.

seconds = best.train(args, model, *train, batch_size=128)

# %%
# The test, once
# --------------
# The network looks at each image and at its mirror image, and the mean of its two answers counts.

accuracies = best.judge(args, model, *test)
model.save(args.out / "model.safetensors")
lesson.keep_results(args, data, {**accuracies, "epochs": args.epochs, "seconds": round(seconds, 1)})
