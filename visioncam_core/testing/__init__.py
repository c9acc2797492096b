"""The contract kit: what a plugin author runs against their own method, renderer, metric, engine or selector.

    import pytest
    from visioncam_core.testing import method_checks
    from my_plugin import MyCAM

    @pytest.mark.parametrize("check", method_checks(MyCAM))
    def test_contract(check):
        check()

| name | what it is |
|---|---|
| `method_checks(method)` | the contract of a method, named checks |
| `renderer_checks(renderer)` | the contract of a renderer |
| `metric_checks(metric)` | the contract of a metric |
| `selector_checks(selector, answers, refuses)` | the contract of a layer selector |
| `engine_checks(engine, model, images)` | the contract of an engine |
| `assert_loads("my-distribution")` | what is installed loads, without faults and without TensorFlow |
| `isolated_registry(plugin)` | a registry with nothing else in it |
| `ArrayNet` | a network in NumPy whose activations, gradients and scores are known in closed form |
| `make_explanation`, `blob`, `photo` | an explanation made by hand |
| `make_table`, `bare_table` | a layer table made by hand |
| `visioncam_core.testing.models` | tiny Keras models with maps worked out by hand |

`Evidence.from_arrays` makes evidence of any arrays.  VisionCam's own methods and renderers pass the same
checks.  Importing this loads neither TensorFlow nor Keras.
"""

from visioncam_core.testing.checks.engine import engine_checks
from visioncam_core.testing.checks.loading import assert_loads
from visioncam_core.testing.checks.method import method_checks
from visioncam_core.testing.checks.metric import metric_checks
from visioncam_core.testing.checks.renderer import renderer_checks
from visioncam_core.testing.checks.selector import selector_checks
from visioncam_core.testing.checks.subject import Check
from visioncam_core.testing.examples.array_net import ArrayNet
from visioncam_core.testing.examples.explanations import blob, make_explanation, photo
from visioncam_core.testing.examples.tables import bare_table, make_table
from visioncam_core.testing.isolated import isolated_registry

__all__ = [
    "ArrayNet",
    "Check",
    "assert_loads",
    "bare_table",
    "blob",
    "engine_checks",
    "isolated_registry",
    "make_explanation",
    "make_table",
    "method_checks",
    "metric_checks",
    "photo",
    "renderer_checks",
    "selector_checks",
]
