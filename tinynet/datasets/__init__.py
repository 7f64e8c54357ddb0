"""Data sets: MNIST and its kin, CIFAR-10, and a drawn stand-in without files or a network."""

from tinynet import scope
from tinynet.datasets import apparel, cifar10, fashion_mnist, kmnist, mnist
from tinynet.datasets.apparel import drawn_apparel
from tinynet.datasets.errors import DatasetError

__all__ = [
    "DatasetError",
    "apparel",
    "cifar10",
    "drawn_apparel",
    "fashion_mnist",
    "kmnist",
    "mnist",
]


__getattr__ = scope.refuses(__name__)
