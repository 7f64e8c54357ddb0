"""Plots of training, of what a model gets right and wrong, and of what goes on inside it.

Every function draws on the axes that it is given or on new ones, and returns them, so that titles,
limits and colors can be changed afterward. The colors (Okabe and Ito 2008) can be told apart by
people with color blindness, and in gray print by their lightness.
"""

from tinynet.plots.inside import activation_histograms, first_layer_weights, gradient_histograms
from tinynet.plots.panels import BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILION
from tinynet.plots.predictions import (
    confusion_matrix,
    most_confident_mistakes,
    prediction_gallery,
    sample_images,
)
from tinynet.plots.training import compare_runs, learning_curves

__all__ = [
    "BLUE",
    "GREEN",
    "GREY",
    "ORANGE",
    "PURPLE",
    "SKY",
    "VERMILION",
    "activation_histograms",
    "compare_runs",
    "confusion_matrix",
    "first_layer_weights",
    "gradient_histograms",
    "learning_curves",
    "most_confident_mistakes",
    "prediction_gallery",
    "sample_images",
]
