"""OpenCV, imported when needed (public name of `images.opencv`)."""

from visioncam_core.images.opencv import load_opencv

__all__ = ["load_opencv"]
