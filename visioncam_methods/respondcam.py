"""Public name of `visioncam_methods.cam.respondcam`."""

from visioncam_methods.cam.respondcam import RespondCAM

__all__ = ["RespondCAM"]
