"""Public name of `visioncam_methods.cam.gradcamelementwise`."""

from visioncam_methods.cam.gradcamelementwise import GradCAMElementWise

__all__ = ["GradCAMElementWise"]
