"""OpenCV, or an error that says how to get it running."""

from __future__ import annotations

from types import ModuleType

from visioncam_core.errors import BackendError


def load_opencv() -> ModuleType:
    """Return the module `cv2`, imported when first needed.

    Raises:
        BackendError: OpenCV is not installed, or cannot be imported; on bare servers `opencv-python` misses
            libGL.
    """
    try:
        import cv2
    except ModuleNotFoundError as error:
        raise BackendError(
            "this needs OpenCV (cv2), which is not installed: pip install opencv-python, or "
            "opencv-python-headless on a machine without a screen"
        ) from error
    except ImportError as error:
        raise BackendError(
            f"OpenCV cannot be imported: {error}. Either install the missing system library (on Debian and "
            "Ubuntu: apt-get install libgl1 libglib2.0-0), or replace it with opencv-python-headless: "
            "pip uninstall opencv-python; pip install opencv-python-headless."
        ) from error
    return cv2
