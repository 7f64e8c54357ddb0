"""The names that scripts written for Keras look for under ``keras.backend``."""

from tinynet.config import epsilon, floatx, set_epsilon, set_floatx
from tinynet.utils import clear_session

__all__ = ["clear_session", "epsilon", "floatx", "set_epsilon", "set_floatx"]
