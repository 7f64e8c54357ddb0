"""Images from arrays and folders, changed at random before they reach a model; Keras 2's names."""

from tinynet.preprocessing import image

__all__ = ["image"]
