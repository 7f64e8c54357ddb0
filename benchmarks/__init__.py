"""Benchmarks: tinynet compared with the frameworks, in turn, in one run."""
