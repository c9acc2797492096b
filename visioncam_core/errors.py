"""Errors a user can act on.

Every message says what was wrong with the value received and what to do.
Each kind also derives from the built-in exception a Python programmer would
expect, so `except ValueError` keeps working.
"""

import errno


class VisionCamError(Exception):
    """Base of every error VisionCam raises on purpose."""

    def __str__(self) -> str:
        """Return the message itself (KeyError would show its `repr`)."""
        return " ".join(str(part) for part in self.args)


class NameNotFoundError(VisionCamError, KeyError):
    """An unknown method, renderer, option value or plugin name."""


class LayerError(VisionCamError, ValueError):
    """A layer that does not exist, or that cannot be explained."""


class GradientError(LayerError):
    """A layer at which the score has no gradient: other layers, or methods without gradients, may do."""


class TargetError(VisionCamError, ValueError):
    """A class or target that the model does not have."""


class TargetTypeError(TargetError, TypeError):
    """A target of a kind that is not understood, such as a boolean."""


class OptionError(VisionCamError, ValueError):
    """An unknown option, or a value out of its range."""


class OptionTypeError(OptionError, TypeError):
    """An option that does not exist on this call, or of the wrong type."""


class ImageError(VisionCamError, ValueError):
    """A picture or array that cannot be used as the model's input."""


class ImageTypeError(ImageError, TypeError):
    """An image of a type that is not understood."""


class ImageNotFoundError(ImageError, FileNotFoundError):
    """A picture file that does not exist."""


class ModelError(VisionCamError, ValueError):
    """A model that cannot be explained as it is."""


class UnsafeModelError(ModelError):
    """A model file that could run code, fill the memory or read other files, and was not loaded."""


class ModelNotFoundError(ModelError, FileNotFoundError):
    """A model file that does not exist."""


class BackendError(VisionCamError, RuntimeError):
    """TensorFlow is missing, or Keras runs on another backend."""


class OutputError(VisionCamError, OSError):
    """A result that could not be written."""


class PluginError(VisionCamError, RuntimeError):
    """A plugin that failed to load, or that returned something unusable."""


class PluginNotFoundError(PluginError, FileNotFoundError):
    """A plugin file that does not exist."""


class PluginWarning(UserWarning):
    """A plugin that was skipped; everything else works."""


def is_full(error: BaseException | None) -> bool:
    """Return whether an error, or what caused it, is a full disk."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            return True
        if type(error).__name__ == "ResourceExhaustedError" and "no space left" in str(error).lower():
            return True  # TensorFlow's name for it
        error = error.__cause__
    return False
