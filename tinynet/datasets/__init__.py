"""Data sets: Fashion-MNIST, and a drawn stand-in that needs neither files nor a network."""

from tinynet import scope
from tinynet.datasets import apparel, fashion_mnist
from tinynet.datasets.apparel import drawn_apparel
from tinynet.datasets.sources import DatasetError

__all__ = ["DatasetError", "apparel", "drawn_apparel", "fashion_mnist"]


__getattr__ = scope.refuses(__name__)
