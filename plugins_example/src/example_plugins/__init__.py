"""Plugins for VisionCam, written as examples: see the README beside this package."""
