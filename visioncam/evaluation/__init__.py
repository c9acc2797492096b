"""Measuring the maps of several methods on the user's pictures, next to controls that ignore the model."""
