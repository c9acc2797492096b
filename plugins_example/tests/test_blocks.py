"""Layers by resolution."""

from __future__ import annotations

import pytest
from example_plugins.blocks import by_block

from visioncam_core.errors import LayerError
from visioncam_core.testing import make_table

TABLE = make_table([(32, 48), (16, 24), (8, 12)], each=3)


@pytest.mark.parametrize(
    ("query", "path"),
    [("block:1", "stage1/conv3"), ("block:3", "stage3/conv3"), ("block:-3", "stage1/conv3")],
)
def test_the_last_layer_of_a_block(query: str, path: str) -> None:
    choice = by_block(TABLE, query)
    assert choice is not None
    assert choice.path == path


def test_the_choice_says_why() -> None:
    choice = by_block(TABLE, "block:-2")
    assert choice is not None
    assert choice.why == "the last layer of block 2 of 3, 16×24"


def test_a_block_that_does_not_exist_names_those_that_do() -> None:
    with pytest.raises(LayerError, match=r"'block:7': pass block:1 to block:3, .* 32×48, 16×24, 8×12"):
        by_block(TABLE, "block:7")


def test_models_of_keras_applications() -> None:
    import keras

    import visioncam

    vgg = keras.applications.VGG16(weights=None, include_top=False, pooling="avg", input_shape=(64, 64, 3))
    found = [visioncam.layers(vgg, layer=f"block:{n}").choice.path for n in range(1, 6)]
    assert found == ["block1_conv2", "block2_conv2", "block3_conv3", "block4_conv3", "block5_conv3"]
