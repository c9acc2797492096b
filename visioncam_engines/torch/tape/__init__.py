"""A model's forward pass written down once, and functions cut from it."""
