"""Measuring the maps of several methods on the user's own pictures, next to controls that ignore the model."""
