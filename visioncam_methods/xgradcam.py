"""Public name of `visioncam_methods.cam.xgradcam`."""

from visioncam_methods.cam.xgradcam import XGradCAM

__all__ = ["XGradCAM"]
