"""Public name of `visioncam_methods.cam.ablationcam`."""

from visioncam_methods.cam.ablationcam import AblationCAM

__all__ = ["AblationCAM"]
