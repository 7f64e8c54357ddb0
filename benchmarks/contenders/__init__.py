"""The same networks, trained by each library as its own documentation advises.

Every module has `train(images, labels, batch_size, epochs)`, which trains from a fixed seed and
returns the seconds of each epoch; `keras_script` takes the library first. Images are uint8
(n, 28, 28), labels uint8 (n,). All train the full Fashion-MNIST network in batches of the same
size, with Adam, dropout and batch normalization, shuffle in every epoch, and keep the mean of the
loss and of the accuracy over the epoch; `products` only makes the matrix products of its steps.
With ``network="cnn"`` the network is one with two convolutions, which JAX leaves out.
"""
