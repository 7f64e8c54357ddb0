"""Models of other libraries: here begun, there continued, and back."""

from tinynet.interop.keras import from_keras, to_keras

__all__ = ["from_keras", "to_keras"]
