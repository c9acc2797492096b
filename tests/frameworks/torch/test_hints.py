"""What models of PyTorch say of their pictures: the model sees exactly what its library would show it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import visioncam
from visioncam_core.engine.model_card import ModelCard, set_model_card
from visioncam_core.engine.records import Scaling
from visioncam_core.errors import OptionError
from visioncam_core.images.geometry import fit
from visioncam_core.images.resize_crop import ResizeCrop
from visioncam_engines.torch.libraries.hints import hints_of
from visioncam_engines.torch.libraries.transforms import steps_of

torch = pytest.importorskip("torch")
torchvision = pytest.importorskip("torchvision")
timm = pytest.importorskip("timm")
transformers = pytest.importorskip("transformers")
nn, T = torch.nn, torchvision.transforms
v2 = pytest.importorskip("torchvision.transforms.v2")

NORMALISE = T.Normalize([0.5, 0.4, 0.3], [0.2, 0.3, 0.4])


@pytest.fixture(scope="module")
def pixels(examples: Path) -> np.ndarray:
    return np.asarray(Image.open(examples / "chelsea.png").convert("RGB"))


class Seen(nn.Module):
    """Remembers the picture that it was last shown, as an answer."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.head = nn.Linear(4, 2)

    def forward(self, x: Any) -> Any:
        return self.head(torch.relu(self.conv(x)).mean((2, 3))), x


def shown(model: Any, image: Any, **keywords: Any) -> np.ndarray:
    """Return the picture (h, w, C) that a model is given."""
    explainer = visioncam.explainer(model, "gradcam", **keywords)
    (sample,), _ = explainer.reader.read(image)
    return np.moveaxis(sample.flat[0][0], 0, -1)


def made_by(steps: Any, pixels: np.ndarray) -> np.ndarray:
    """Return what steps make of a picture."""
    if steps.whole is not None:
        return np.asarray(steps.whole(pixels))
    fitted = pixels if steps.geometry is None else fit(pixels, (1, 1), steps.geometry)[0]
    return np.asarray(steps.preprocess(fitted[None])[0])


def tensor(values: Any) -> np.ndarray:
    return np.moveaxis(np.asarray(values), 0, -1)


# torchvision

READ = {
    "resize, crop, normalise": T.Compose([T.Resize(256), T.CenterCrop(224), T.ToTensor(), NORMALISE]),
    "both sides, lanczos": T.Compose([T.Resize((100, 90), T.InterpolationMode.LANCZOS), T.ToTensor()]),
    "nearest": T.Compose([T.Resize(50, T.InterpolationMode.NEAREST), T.ToTensor()]),
    "a crop alone, wider than the picture": T.Compose([T.CenterCrop((200, 512)), T.ToTensor(), NORMALISE]),
    "a crop larger than what was resized": T.Compose([T.Resize(101), T.CenterCrop(224), T.ToTensor()]),
    "odd sizes": T.Compose([T.Resize(77), T.CenterCrop((33, 58)), T.ToTensor()]),
    "chains in chains": T.Compose([T.Compose([T.Resize([64])]), T.Compose([T.ToTensor(), NORMALISE])]),
    "no geometry": T.ToTensor(),
    "bytes": T.Compose([T.Resize(64), T.PILToTensor(), T.ConvertImageDtype(torch.float32), NORMALISE]),
    "v2": v2.Compose([v2.Resize(64), v2.CenterCrop(60), v2.ToImage(), v2.ToDtype(torch.float32, scale=True)]),
    "detection": torchvision.transforms._presets.ObjectDetection(),
    "segmentation": torchvision.transforms._presets.SemanticSegmentation(resize_size=120),
    "sequential": nn.Sequential(T.Resize(64), v2.ToImage(), v2.ToDtype(torch.float32, scale=True)),
}


@pytest.mark.parametrize("name", READ)
def test_transforms_of_torchvision_are_read_and_give_the_same_values(name: str, pixels: np.ndarray) -> None:
    steps = steps_of(READ[name])
    assert steps is not None
    assert steps.whole is None
    expected = tensor(READ[name](Image.fromarray(pixels)))
    np.testing.assert_allclose(made_by(steps, pixels), expected, atol=1e-6)


@pytest.mark.parametrize("network", ["resnet18", "swin_t", "efficientnet_b0", "inception_v3"])
def test_the_transforms_of_its_weights_are_what_the_model_sees(network: str, examples: Path) -> None:
    transform = torchvision.models.get_model_weights(network).DEFAULT.transforms()
    picture = Image.open(examples / "coffee.png").convert("RGB")
    seen = shown(Seen(), examples / "coffee.png", preprocess=transform)
    np.testing.assert_allclose(seen, tensor(transform(picture)), atol=1e-6)


OPAQUE = {
    "a lambda": T.Compose([T.Resize(64), T.Lambda(lambda image: image.rotate(10)), T.ToTensor()]),
    "a crop before the resize": T.Compose([T.CenterCrop(200), T.Resize(64), T.ToTensor()]),
    "grey": T.Compose([T.Resize(64), T.Grayscale(3), T.ToTensor()]),
    "without antialias": v2.Compose(
        [v2.ToImage(), v2.Resize(64, antialias=False), v2.ToDtype(torch.float32, scale=True)]
    ),
    "a longest side": T.Compose([T.Resize(64, max_size=80), T.ToTensor()]),
    "five crops' first": T.Compose([T.FiveCrop(64), T.Lambda(lambda crops: crops[0]), T.ToTensor()]),
}


@pytest.mark.parametrize("name", OPAQUE)
def test_what_is_not_understood_is_called_and_its_geometry_said_to_be_unknown(
    name: str, examples: Path, pixels: np.ndarray
) -> None:
    seen = shown(Seen(), examples / "chelsea.png", preprocess=OPAQUE[name])
    np.testing.assert_allclose(seen, tensor(OPAQUE[name](Image.fromarray(pixels))), atol=1e-6)
    found = visioncam.explain(Seen(), examples / "chelsea.png", preprocess=OPAQUE[name], output=0)
    assert found.heatmap.shape == pixels.shape[:2]
    notes = [one.message for one in found.diagnostics if one.code == "picture-note"]
    assert any("is not known, and the map is spread over the whole picture" in note for note in notes)


def test_a_transform_that_makes_no_tensor_says_what_it_made(examples: Path) -> None:
    for bad, words in (
        (T.Compose([T.Resize(64)]), r"it made 'Image'.*let it end in ToTensor"),
        (T.Compose([T.Resize(64), T.Lambda(lambda image: image.nothing)]), "failed on a picture.*nothing"),
        (T.Compose([T.Resize(64), T.ToTensor(), T.Lambda(lambda x: x[0])]), r"shape \(64, 96\)"),
    ):
        with pytest.raises(OptionError, match=words):
            visioncam.explain(Seen(), examples / "chelsea.png", preprocess=bad)


def test_a_transform_of_training_is_refused(examples: Path) -> None:
    for drawn in (T.RandomResizedCrop(64), T.RandomHorizontalFlip(), T.ColorJitter(0.1), T.RandAugment()):
        with pytest.raises(OptionError, match=rf"draws at random \({type(drawn).__name__}\)"):
            visioncam.explain(
                Seen(), examples / "chelsea.png", preprocess=T.Compose([T.Resize(64), drawn, T.ToTensor()])
            )


def test_a_plain_function_takes_a_batch_as_ever(examples: Path) -> None:
    assert steps_of(lambda batch: batch / 255) is None
    seen = shown(Seen(), examples / "chelsea.png", preprocess=lambda batch: batch / 255)
    assert 0 <= seen.min() < seen.max() <= 1


# where the map lies


def test_a_map_lies_where_the_crop_was_taken() -> None:
    """A bright spot in the picture is the brightest of its map, projected from the part that was seen."""
    pixels = np.zeros((90, 160, 3), np.uint8)
    for spot in ((45, 80), (20, 100), (80, 50)):
        pixels[:] = 0
        pixels[spot[0] - 3 : spot[0] + 3, spot[1] - 3 : spot[1] + 3] = 255
        fitted, geometry = fit(pixels, (1, 1), ResizeCrop(128, (112, 112)))
        assert fitted.shape == (112, 112, 3)
        back = geometry.project(fitted[..., 0].astype(np.float32))
        rows, columns = np.nonzero(back >= 0.9 * back.max())
        assert abs(rows.mean() - (spot[0] - 0.5)) < 1
        assert abs(columns.mean() - (spot[1] - 0.5)) < 1


def test_where_the_crop_did_not_reach_the_map_is_blank() -> None:
    pixels = np.full((100, 200, 3), 255, np.uint8)
    _, geometry = fit(pixels, (1, 1), ResizeCrop(50, (40, 40)))
    assert geometry.view == (10, 60, 90, 140)
    back = geometry.project(np.ones((7, 7), np.float32))
    assert back[10:90, 60:140].min() == 1
    assert back.sum() == 80 * 80


def test_beside_a_picture_smaller_than_the_crop_there_are_bars() -> None:
    pixels = np.full((20, 40, 3), 255, np.uint8)
    fitted, geometry = fit(pixels, (1, 1), ResizeCrop(20, (30, 30)))
    assert geometry.area == (5, 0, 25, 30)
    assert fitted[5:25].min() == 255
    assert fitted[:5].max() == fitted[25:].max() == 0
    assert geometry.project(np.ones((3, 3), np.float32))[:, 5:35].min() == 1


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
    assert "does not say how its pictures are made ready" in told.message
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
    np.testing.assert_array_equal(shown(Seen(), x, preprocess=READ["resize, crop, normalise"]), tensor(x))
    np.testing.assert_array_equal(shown(Seen(), torch.from_numpy(x)), tensor(x))
