"""Keras on torch: everything of `helpers/keras_cases.py` and `helpers/keras_uses.py`."""

from helpers.keras_cases import *  # noqa: F403
from helpers.keras_uses import *  # noqa: F403
