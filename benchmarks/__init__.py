"""Measurements: tinynet beside the frameworks, in turn, in one run."""
