"""Whether Keras can run on its backend in this process, and of what kind a model is."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from visioncam_core.errors import BackendError, ModelError
from visioncam_core.text import brief, listing

TFLITE = "a TFLite model has neither gradients nor the activations of its layers"
BACKENDS = {"tensorflow": "TensorFlow", "torch": "PyTorch", "jax": "JAX"}
"""What Keras may run on here."""
_CURES = {"tensorflow": "`pip install tensorflow` (2.16 or newer)"}
RUN, _FORKED = threading.Event(), threading.Event()
"""Whether a model was run in this process; and whether the process was forked after that."""


def _after_fork() -> None:
    if RUN.is_set():  # the framework's threads are not in the new process: every pass would hang
        _FORKED.set()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def require_backend(wanted: str) -> None:
    """Raise `BackendError` unless Keras runs on a backend that is installed and works in this process."""
    title = BACKENDS[wanted]
    if _FORKED.is_set():
        raise BackendError(
            f"this process was forked after a model was explained, and {title} cannot be used after that; "
            'start processes with multiprocessing.get_context("spawn"), or explain in the new process only'
        )
    try:
        import_module(wanted)
    except ImportError as error:
        cure = _CURES.get(wanted, f"`pip install {wanted}`")
        raise BackendError(f"{title} cannot be imported ({error}); install it with {cure}") from error
    try:
        import keras
    except (ImportError, ValueError) as error:  # a backend that is not installed, or that nobody knows
        raise BackendError(f"Keras cannot be imported ({error}); {_keras_cure(wanted)}") from error
    backend = keras.backend.backend()
    if backend != wanted:
        needed = repr(wanted) if backend in BACKENDS else "'tensorflow', 'torch' or 'jax'"
        raise BackendError(
            f"Keras runs on the {backend!r} backend, and VisionCam needs {needed}; {_set(wanted)}"
        )


def _set(wanted: str) -> str:
    return f"set the environment variable KERAS_BACKEND={wanted} before Keras is imported"


def _keras_cure(needed: str) -> str:
    """Return what to do where `import keras` fails: mostly because another backend is asked for."""
    wanted = os.environ.get("KERAS_BACKEND")
    if wanted == needed:
        return "reinstall it with `pip install --force-reinstall keras`"
    asked = f"KERAS_BACKEND={brief(wanted, 40)} asks" if wanted else "the file keras.json may ask"
    return f"{asked} for another backend, but VisionCam needs {needed!r}; {_set(needed)}"


def check_model(model: Any) -> None:
    """Raise `ModelError` unless it is a Keras model that was built and answers."""
    if not is_model(model):
        raise ModelError(
            f"expected a Keras model, received {brief(model, 60)} of type {type(model).__name__}; "
            f"{instead_of(model)}"
        )
    if not hasattr(type(model), "layers") and len(list(model._flatten_layers())) == 1:
        raise ModelError(
            f"expected a Keras model, received the single layer {model.name!r} ({type(model).__name__}); "
            "pass the model, and the layer as layer="
        )
    if without_call(model):
        parts = [name for name, value in vars(model).items() if is_model(value)]
        inside = f", such as its part {listing(parts)}" if parts else ""
        raise ModelError(
            f"the model {model.name!r} ({type(model).__name__}) has no call method, so it computes "
            f"nothing; pass the model that does{inside}, or give its class a call(self, inputs)"
        )
    if not getattr(model, "built", True):
        raise ModelError(
            f"the model {model.name!r} has no weights yet; call it once on an input, or "
            "model.build(input_shape), before explaining it"
        )


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
        return f"{TFLITE}: pass the Keras model it was converted from, or visioncam.load_model('m.tflite')"
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return (
            "pass the model first, then the picture; for a symbolic output build keras.Model(inputs, output)"
        )
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
