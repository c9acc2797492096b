"""Public name of `visioncam_methods.cam.gradcam`."""

from visioncam_methods.cam.gradcam import GradCAM

__all__ = ["GradCAM"]
