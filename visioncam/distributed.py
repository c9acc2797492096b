"""Maps on a cluster: Ray Data moves the pictures, VisionCam explains them.

    from visioncam import distributed
    distributed.explain("my.keras", "photos/", out="maps", actors=(2, 64))
    maps = distributed.explain("my.keras", ray.data.read_images("s3://bucket/photos"))

It needs the extra `ray`.  Workers must see the model file and, with `out`, the folders; a shared disk does.
"""

from visioncam.batch.ray import explain

__all__ = ["explain"]
