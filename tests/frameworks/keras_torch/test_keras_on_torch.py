"""Keras on torch: everything of `helpers/keras_cases.py`."""

from helpers.keras_cases import *  # noqa: F403
