"""The contract kit: what a plugin author runs against their own method.

    import pytest
    from visioncam_core.testing import method_checks
    from my_plugin import MyCAM

    @pytest.mark.parametrize("check", method_checks(MyCAM))
    def test_contract(check):
        check()

VisionCam's own nine methods pass the same checks.  `ArrayNet` is a network in NumPy whose
activations, gradients and scores are known in closed form; `visioncam_core.testing.models` holds
tiny Keras models of the same kind.  Importing this loads neither TensorFlow nor Keras.
"""

from visioncam_core.testing.checks import method_checks
from visioncam_core.testing.nets import ArrayNet
from visioncam_core.testing.subject import Check

__all__ = ["ArrayNet", "Check", "method_checks"]
