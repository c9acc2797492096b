"""Public name of `visioncam_methods.cam.smoothgradcamplusplus`."""

from visioncam_methods.cam.smoothgradcamplusplus import SmoothGradCAMPlusPlus

__all__ = ["SmoothGradCAMPlusPlus"]
