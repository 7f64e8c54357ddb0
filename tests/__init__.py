"""Tests that need neither Keras nor a network."""
