"""Scripts written for Keras, run unchanged: tinynet stands in for `keras` and `tensorflow`.

``python -m tinynet run script.py`` does it for a file (`running`), `standin` for a notebook that is
open; `modules` is what such a script gets when it imports Keras, `tensors` and `pipelines` the few
functions that it gets as TensorFlow, and `check` says before the run what will be missing.
Nothing else in tinynet imports this part.
"""

from tinynet.scripts.modules import standin

__all__ = ["standin"]
