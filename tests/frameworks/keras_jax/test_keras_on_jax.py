"""Keras on jax: everything of `helpers/keras_attended.py`, `keras_cases.py` and `keras_uses.py`."""

from helpers.keras_attended import *  # noqa: F403
from helpers.keras_cases import *  # noqa: F403
from helpers.keras_uses import *  # noqa: F403
