"""Methods that change what the user's program shares; importing this adds them to `methods.FAULTS`."""

from __future__ import annotations

import os
import sys
import warnings
from typing import Any

import numpy as np

from helpers.broken_plugins.methods import FAULTS, fault, gradcam

__all__ = ["FAULTS"]


@fault("leaves-the-program-alone", "standard output (return, do not print")
def prints(e: Any) -> Any:
    print(e.score)
    return gradcam(e)


@fault("leaves-the-program-alone", "the warnings filters (wrap the noisy line")
def silences_warnings(e: Any) -> Any:
    warnings.simplefilter("ignore")
    return gradcam(e)


@fault("leaves-the-program-alone", "NumPy's error handling (use the context manager")
def silences_numpy(e: Any) -> Any:
    np.seterr(all="ignore")
    return gradcam(e)


@fault("leaves-the-program-alone", "the environment variables (set none")
def sets_a_variable(e: Any) -> Any:
    os.environ["CUDA_VISIBLE_DEVICES"] = "7"
    return gradcam(e)


@fault("leaves-the-program-alone", "the working directory (use whole paths)")
def changes_folder(e: Any) -> Any:
    os.chdir("..")
    return gradcam(e)


@fault("leaves-the-program-alone", "sys.path (import installed packages by name")
def extends_the_path(e: Any) -> Any:
    sys.path.append("extra")
    return gradcam(e)
