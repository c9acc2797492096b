"""Weights and class names of the embedded model, shared by the frameworks."""
