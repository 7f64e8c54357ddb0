"""Callbacks: what else to do around the steps of fit, evaluate and predict."""

from tinynet import scope
from tinynet.callbacks.averages import SwapEMAWeights
from tinynet.callbacks.backup import BackupAndRestore
from tinynet.callbacks.base import Callback, CallbackList, History, LambdaCallback
from tinynet.callbacks.monitors import EarlyStopping, ModelCheckpoint, ReduceLROnPlateau
from tinynet.callbacks.nan import TerminateOnNaN
from tinynet.callbacks.progress import ProgbarLogger
from tinynet.callbacks.rates import LearningRateScheduler
from tinynet.callbacks.tables import CSVLogger, TensorBoard

__all__ = [
    "BackupAndRestore",
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "ProgbarLogger",
    "ReduceLROnPlateau",
    "SwapEMAWeights",
    "TensorBoard",
    "TerminateOnNaN",
]


__getattr__ = scope.refuses(__name__)
