"""keras.applications: `auto` takes each family's last feature map, by what it computes and not by its name.

The smallest member of each kind of family, random weights; `tools/compatibility.py` tries every family.  What
the head pools is read off the model itself, so families whose layers are numbered need no literal names.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any

import attrs
import keras
import numpy as np
import pytest

import visioncam

GRADIENT_METHODS = ["gradcam", "gradcam++", "gradcamelementwise", "hirescam", "xgradcam", "respondcam"]


@attrs.frozen
class Family:
    """One row.

    Attributes:
        name: as in `keras.applications`.
        layer: the layer the design names, or "" where Keras numbers it: then whatever the head pools.
        side: height and width of the input.
        grid: side of the last feature map.
        homogeneous: scaling a layer's output scales the logit, as biases are zero and no norm follows: then
            HiResCAM's map sums to the logit.
    """

    name: str
    layer: str
    side: int = 64
    grid: int = 2
    homogeneous: bool = True


FAMILIES = (
    Family("VGG16", "block5_conv3", 64, 4),
    Family("ResNet50", "conv5_block3_out"),
    Family("ResNet50V2", "post_relu"),
    Family("Xception", "block14_sepconv2_act", 72, 3),
    Family("InceptionV3", "mixed10", 128),
    Family("MobileNet", "conv_pw_13_relu"),
    Family("MobileNetV2", "out_relu"),
    Family("MobileNetV3Small", "", homogeneous=False),
    Family("DenseNet121", "relu"),
    Family("EfficientNetB0", "top_activation"),
    Family("ConvNeXtTiny", "", homogeneous=False),
)
CASES = [pytest.param(f, id=f.name) for f in FAMILIES]


@pytest.fixture(params=CASES)
def built(request: pytest.FixtureRequest) -> Iterator[tuple[Family, Any]]:
    """Yield a family and its model, which is let go at once: together they would fill the memory."""
    family = request.param
    build = getattr(keras.applications, family.name)
    yield family, build(weights=None, input_shape=(family.side, family.side, 3), classes=10)
    gc.collect()


def pooled(model: Any) -> str:
    """Return the name of the layer whose output the head pools: the producer of the last pooling's input."""
    pool = [layer for layer in model.layers if "Pooling" in type(layer).__name__][-1]
    return str(pool.input._keras_history.operation.name)


def test_auto_takes_what_the_head_pools_and_six_methods_explain_it(built: tuple[Family, Any]) -> None:
    family, model = built
    picture = np.random.default_rng(0).uniform(0, 255, (family.side, family.side, 3)).astype(np.float32)
    found = visioncam.compare(model, picture, GRADIENT_METHODS)
    assert isinstance(found, visioncam.Comparison)
    assert found.failures == {}
    for e in found:
        assert e.layer.path == (family.layer or pooled(model)) == pooled(model)
        assert e.layer.grid == e.raw.shape == (family.grid, family.grid)
        assert e.heatmap.shape == picture.shape[:2]
        assert np.isfinite(e.raw).all()
        assert np.isfinite(e.heatmap).all()
    assert found["hirescam"].score_kind == "logit"
    assert found["hirescam"].raw.any()
    if family.homogeneous:
        assert found["hirescam"].raw.sum() == pytest.approx(found["hirescam"].score, rel=1e-3)


def test_names_play_no_part() -> None:
    """The same network, every layer renamed, gives the same map at the layer of the same place."""
    model = keras.applications.MobileNetV2(weights=None, alpha=0.35, input_shape=(64, 64, 3), classes=10)
    numbers = {layer.name: f"unit_{i}" for i, layer in enumerate(model.layers)}

    def renamed(layer: Any) -> Any:
        return type(layer).from_config({**layer.get_config(), "name": numbers[layer.name]})

    other = keras.models.clone_model(model, clone_function=renamed)
    other.set_weights(model.get_weights())
    picture = np.random.default_rng(0).uniform(0, 255, (64, 64, 3)).astype(np.float32)
    one, two = (visioncam.explain(m, picture, "hirescam", target=3) for m in (model, other))
    assert isinstance(one, visioncam.Explanation)
    assert isinstance(two, visioncam.Explanation)
    assert (one.layer.path, two.layer.path) == ("out_relu", numbers["out_relu"])
    np.testing.assert_allclose(one.raw, two.raw, rtol=1e-5, atol=1e-7)
