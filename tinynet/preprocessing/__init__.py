"""Images from arrays and folders, changed at random before they reach a model; Keras 2's names."""

from tinynet import scope
from tinynet.preprocessing import image
from tinynet.preprocessing.folders import image_dataset_from_directory

__all__ = ["image", "image_dataset_from_directory"]


__getattr__ = scope.refuses(__name__)
