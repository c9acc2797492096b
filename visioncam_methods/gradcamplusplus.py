"""Public name of `visioncam_methods.cam.gradcamplusplus`."""

from visioncam_methods.cam.gradcamplusplus import GradCAMPlusPlus

__all__ = ["GradCAMPlusPlus"]
