"""VisionCam's core: what a plugin author builds on.  Importing it loads no TensorFlow."""
