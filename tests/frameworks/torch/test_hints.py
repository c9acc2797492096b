"""What models of PyTorch say of their pictures: the model sees exactly what its library would show it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.torch_pictures import NORMALISE, Seen, shown, tensor
from PIL import Image

import visioncam
from visioncam_core.engine.model_card import ModelCard, set_model_card
from visioncam_core.engine.records import Scaling
from visioncam_core.images.resize_crop import ResizeCrop
from visioncam_engines.torch.libraries.hints import hints_of
from visioncam_engines.torch.libraries.transforms import steps_of

torch = pytest.importorskip("torch")
torchvision = pytest.importorskip("torchvision")
timm = pytest.importorskip("timm")
transformers = pytest.importorskip("transformers")
nn, T = torch.nn, torchvision.transforms
v2 = pytest.importorskip("torchvision.transforms.v2")


# timm


@pytest.mark.parametrize("network", ["resnet18", "efficientnet_lite0", "tf_mobilenetv3_small_minimal_100"])
def test_models_of_timm_are_shown_what_timm_shows_them(network: str, examples: Path) -> None:
    model = timm.create_model(network, pretrained=False).eval()
    transform = timm.data.create_transform(**timm.data.resolve_model_data_config(model))
    picture = Image.open(examples / "coffee.png").convert("RGB")
    seen = shown(model, examples / "coffee.png")
    np.testing.assert_allclose(seen, tensor(transform(picture)), atol=1e-6)
    hints = hints_of(model)
    assert (hints.title, hints.kind) == (network, "timm")
    assert "timm's pretrained_cfg" in hints.why
    assert steps_of(transform).whole is None  # type: ignore[union-attr]


def test_a_model_of_timm_for_another_size_is_shown_that_size(examples: Path) -> None:
    model = timm.create_model("vit_tiny_patch16_224", img_size=64, depth=1).eval()
    assert shown(model, examples / "chelsea.png").shape == (64, 64, 3)
    squash = {**model.pretrained_cfg, "crop_mode": "squash", "crop_pct": 0.5}
    model.pretrained_cfg = squash
    assert hints_of(model).geometry == ResizeCrop((128, 128), (64, 64), "bicubic")


def test_a_model_of_timm_for_other_channels_has_no_known_preprocessing() -> None:
    hints = hints_of(timm.create_model("resnet18", in_chans=1))
    assert hints.preprocessing == ""
    assert "3 channels and the model takes 1" in hints.why


def test_wrappers_say_what_the_model_inside_says() -> None:
    model = timm.create_model("resnet18", pretrained=False).eval()
    own = hints_of(model)
    for wrapped in (nn.DataParallel(model), torch.compile(model), nn.Sequential()):
        if isinstance(wrapped, nn.Sequential):
            wrapped.add_module("model", model)
        found = hints_of(wrapped)
        for name in ("title", "preprocessing", "geometry"):
            assert getattr(found, name) == getattr(own, name)


# transformers


def vit(**more: Any) -> Any:
    config = transformers.ViTConfig(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, image_size=32,
        patch_size=8, **more,
    )  # fmt: skip
    return transformers.ViTForImageClassification(config).eval()


def test_class_names_are_those_of_the_configuration(examples: Path) -> None:
    found = visioncam.explain(vit(id2label={0: "cat", 1: "dog"}), examples / "chelsea.png", target="dog")
    assert (found.target.index, found.target.name) == (1, "dog")
    assert found.provenance["geometry"] == "resize"
    assert "preprocess-unknown" in [one.code for one in found.diagnostics]
    assert hints_of(vit(num_labels=3)).class_names is None  # LABEL_0, LABEL_1, LABEL_2


PROCESSORS = {
    "ViT": lambda: transformers.ViTImageProcessor(size={"height": 32, "width": 32}),
    "Bit": lambda: transformers.BitImageProcessor(
        size={"shortest_edge": 40}, crop_size={"height": 32, "width": 32}
    ),
    "ConvNext": lambda: transformers.ConvNextImageProcessor(size={"shortest_edge": 32}),
    "raw": lambda: transformers.ViTImageProcessor(size={"height": 32, "width": 32}, do_normalize=False),
    "bytes": lambda: transformers.ViTImageProcessor(
        size={"height": 32, "width": 32}, do_normalize=False, do_rescale=False
    ),
}


@pytest.mark.parametrize("name", PROCESSORS)
def test_image_processors_are_read(name: str, examples: Path, pixels: np.ndarray) -> None:
    """They resize tensors, not Pillow's images: one or two grey levels of 255 apart."""
    processor = PROCESSORS[name]()
    steps = steps_of(processor)
    assert steps is not None
    assert steps.whole is None
    expected = tensor(processor(images=Image.fromarray(pixels), return_tensors="np")["pixel_values"][0])
    level = np.ptp(expected) / 255
    seen = shown(vit(), examples / "chelsea.png", preprocess=processor)
    np.testing.assert_allclose(seen, expected, atol=3 * level)


def test_a_processor_that_does_more_is_called(pixels: np.ndarray) -> None:
    processor = transformers.MobileViTImageProcessor(
        size={"shortest_edge": 40}, crop_size={"height": 32, "width": 32}
    )
    steps = steps_of(processor)
    assert steps is not None
    assert steps.whole is not None
    expected = tensor(processor(images=Image.fromarray(pixels), return_tensors="np")["pixel_values"][0])
    np.testing.assert_allclose(steps.whole(pixels), expected, atol=1e-6)


# what is known beside the model


def test_nothing_known_is_told(examples: Path) -> None:
    found = visioncam.explain(Seen(), examples / "chelsea.png", output=0)
    (told,) = [one for one in found.diagnostics if one.code == "preprocess-unknown"]
    assert "does not say how its pictures are preprocessed" in told.message
    assert "weights.transforms()" in hints_of(torchvision.models.squeezenet1_1()).why
    assert "image processor as preprocess=" in hints_of(vit()).why


def test_a_card_may_hold_a_transform(examples: Path) -> None:
    model, transform = Seen(), T.Compose([T.Resize(70), T.CenterCrop(64), T.ToTensor(), NORMALISE])
    set_model_card(model, ModelCard(("a", "b"), transform, title="Mine"))
    found = visioncam.explain(model, examples / "chelsea.png", target="b", output=0)
    assert found.provenance["geometry"] == "resize_crop"
    expected = tensor(transform(Image.open(examples / "chelsea.png").convert("RGB")))
    np.testing.assert_allclose(shown(model, examples / "chelsea.png"), expected, atol=1e-6)


def test_the_call_stands_before_the_card_and_the_card_before_the_model(examples: Path) -> None:
    model = timm.create_model("resnet18", pretrained=False).eval()
    assert shown(model, examples / "chelsea.png", geometry="resize").shape == (224, 224, 3)
    set_model_card(model, ModelCard(preprocess=Scaling((0.0,), (1.0,)), geometry=ResizeCrop(50, (48, 48))))
    seen = shown(model, examples / "chelsea.png")
    assert seen.shape == (48, 48, 3)
    assert 0 <= seen.min() < seen.max() <= 1
    assert shown(model, examples / "chelsea.png", preprocess="none").max() > 1


def test_a_scaling_goes_back_to_its_picture() -> None:
    scaling = Scaling((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    values = np.arange(0, 256, dtype=np.float32)[:, None].repeat(3, 1)
    np.testing.assert_allclose(scaling.inverse(scaling(values)), values, atol=1e-3)
    low, high = scaling.range
    assert low == pytest.approx(-2.1179, abs=1e-4)
    assert high == pytest.approx(2.64, abs=1e-4)


def test_arrays_are_model_input_whatever_preprocess_says() -> None:
    x = np.random.default_rng(0).standard_normal((3, 20, 20), dtype=np.float32)
    np.testing.assert_array_equal(
        shown(Seen(), x, preprocess=T.Compose([T.Resize(9), T.ToTensor()])), tensor(x)
    )
    np.testing.assert_array_equal(shown(Seen(), torch.from_numpy(x)), tensor(x))
