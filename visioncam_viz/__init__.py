"""VisionCam's renderers: an explanation in, a picture out.

`plugin.py` is the table of contents.  All renderers work on a *scene* (`scene.py`), the explanation laid
out flat, so that the same few lines serve pictures, signals and volumes.
"""
