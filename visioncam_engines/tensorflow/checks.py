"""What must hold before anything runs: TensorFlow is here, and what was passed is a model that is ready."""

from __future__ import annotations

import os
import threading
from typing import Any

from visioncam_core.errors import BackendError, ModelError
from visioncam_core.text import shown
from visioncam_engines.tensorflow.graph.saved_model import endpoint_of, is_saved

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
    asked = f"KERAS_BACKEND={shown(wanted, 40)} asks" if wanted else "the file keras.json may ask"
    return f"{asked} for another backend, and VisionCam needs 'tensorflow'; {_SET}"


def is_model(value: Any) -> bool:
    """Return whether `value` can be called as a Keras 3 or Keras 2 model."""
    known = hasattr(value, "_flatten_layers") and hasattr(value, "call")
    return callable(value) and known and not isinstance(value, type)


def check(model: Any) -> None:
    """Raise an error unless `model` is a Keras model that is ready to be called, or a loaded SavedModel."""
    require_tensorflow()
    if is_saved(model):
        endpoint_of(model)
        return
    if not is_model(model):
        raise ModelError(
            f"expected a Keras model, received {shown(model, 60)} of type {type(model).__name__}; "
            "load a file with keras.models.load_model first"
        )
    if not hasattr(type(model), "layers") and len(list(model._flatten_layers())) == 1:
        raise ModelError(
            f"expected a Keras model, received the single layer {model.name!r} ({type(model).__name__}); "
            "pass the model, and the layer as layer="
        )
    if not getattr(model, "built", True):
        raise ModelError(
            f"the model {model.name!r} has no weights yet; call it once on an input, or "
            "model.build(input_shape), before explaining it"
        )
