"""The error of all data sets."""


class DatasetError(OSError):
    """No usable copy of a data set was found; the message says where, why, and what to do."""
