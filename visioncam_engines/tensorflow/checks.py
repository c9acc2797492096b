"""Whether TensorFlow can run in this process, and of what kind a model is."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from typing import Any

from visioncam_core.errors import BackendError
from visioncam_core.text import brief

TFLITE = "a TFLite model has neither gradients nor the activations of its layers"
_SET = "set the environment variable KERAS_BACKEND=tensorflow before Keras is imported"
RUN, _FORKED = threading.Event(), threading.Event()
"""Whether TensorFlow ran a model in this process; and whether the process was forked after that."""


def _after_fork() -> None:
    if RUN.is_set():  # TensorFlow's threads are not in the new process: every pass would hang
        _FORKED.set()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def require_tensorflow() -> None:
    """Raise `BackendError` unless TensorFlow is installed, can run in this process, and Keras runs on it."""
    if _FORKED.is_set():
        raise BackendError(
            "this process was forked after a model was explained, and TensorFlow does not survive that; "
            'start processes with multiprocessing.get_context("spawn"), or explain in the new process only'
        )
    try:
        import tensorflow  # noqa: F401 - only whether it can be imported
    except ImportError as error:
        raise BackendError(
            f"TensorFlow cannot be imported ({error}); install it with `pip install tensorflow` (2.16 or "
            "newer)"
        ) from error
    try:
        import keras
    except (ImportError, ValueError) as error:  # a backend that is not installed, or that nobody knows
        raise BackendError(f"Keras cannot be imported ({error}); {_keras_cure()}") from error
    backend = keras.backend.backend()
    if backend != "tensorflow":
        raise BackendError(f"Keras runs on the {backend!r} backend, and VisionCam needs 'tensorflow'; {_SET}")


def _keras_cure() -> str:
    """Return what to do where `import keras` fails: mostly because another backend is asked for."""
    wanted = os.environ.get("KERAS_BACKEND")
    if wanted == "tensorflow":
        return "install it anew with `pip install --force-reinstall keras`"
    asked = f"KERAS_BACKEND={brief(wanted, 40)} asks" if wanted else "the file keras.json may ask"
    return f"{asked} for another backend, and VisionCam needs 'tensorflow'; {_SET}"


def is_model(value: Any) -> bool:
    known = hasattr(value, "_flatten_layers") and hasattr(value, "call")
    return callable(value) and known and not isinstance(value, type)


def without_call(model: Any) -> bool:
    """Return whether a model only holds others, and computes nothing itself: a distiller, a GAN."""
    if "call" in getattr(model, "__dict__", {}):  # revived from a SavedModel
        return False
    owner = next((cls for cls in type(model).__mro__ if "call" in vars(cls)), None)
    return owner is None or (
        owner.__name__ in ("Layer", "Model") and owner.__module__.partition(".")[0] in ("keras", "tf_keras")
    )


def instead_of(value: Any) -> str:
    """Return what to pass in the place of something of Keras' or TensorFlow's that is no model."""
    if hasattr(value, "get_concrete_function"):
        return (
            "a tf.function hides the layers it calls: pass the model itself, or one version of the function, "
            "function.get_concrete_function(tf.TensorSpec((None, height, width, 3)))"
        )
    if hasattr(value, "get_input_details"):
        return f"{TFLITE}: pass the Keras model it was converted from"
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return "pass the model first, then the picture; of a symbolic output make keras.Model(inputs, output)"
    return "load a file with keras.models.load_model first"


def is_saved(value: Any) -> bool:
    """Return whether `value` is a loaded SavedModel, one of its functions, or Keras's layer around one."""
    if hasattr(value, "call_endpoint_fn"):  # keras.layers.TFSMLayer
        return True
    if hasattr(value, "_flatten_layers"):
        return False
    return is_function(value) or isinstance(getattr(value, "signatures", None), Mapping)


def is_function(value: Any) -> bool:
    return hasattr(value, "structured_input_signature") and hasattr(value, "captured_inputs")
