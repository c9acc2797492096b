"""Public name of `visioncam_methods.cam.hirescam`."""

from visioncam_methods.cam.hirescam import HiResCAM

__all__ = ["HiResCAM"]
