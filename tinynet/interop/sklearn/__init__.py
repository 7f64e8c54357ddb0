"""Networks as scikit-learn estimators, for its pipelines, searches and cross-validation.

`NetClassifier` and `NetRegressor` make a network when they are fitted, with the inputs and outputs
that the data require, and train it with `Sequential.fit`. This is the only part that imports
scikit-learn; it is not imported along with `tinynet.interop`.
"""

from tinynet.interop.sklearn.classifier import NetClassifier
from tinynet.interop.sklearn.regressor import NetRegressor

# The checks of scikit-learn's `check_estimator` that do not pass, and why.
EXPECTED_FAILED_CHECKS = {
    "check_sample_weight_equivalence_on_dense_data": (
        "a weight of 2 is the same as a sample that is there twice, but only up to rounding in "
        "float32, and the check compares to 1e-7; with set_floatx('float64') it passes"
    ),
}

__all__ = ["NetClassifier", "NetRegressor"]
