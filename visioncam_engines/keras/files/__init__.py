"""What a model file holds, read without building or running anything in it.

A hostile model file can carry code, name functions of the system, ask for more memory than there is,
or point at other files.  Keras's safe mode stops the first two; the checks here stop the rest before Keras is
asked.  They read plain zip directories, JSON and HDF5 headers, and are no proof of good intentions.
"""

from visioncam_engines.keras.files.inspection import Holdings, inspect_file

__all__ = ["Holdings", "inspect_file"]
