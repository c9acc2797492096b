"""Preprocessing of torchvision: read where it is understood, called where not; where its map then lies."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers.torch_pictures import NORMALISE, Seen, made_by, shown, tensor
from PIL import Image

import visioncam
from visioncam_core.errors import OptionError
from visioncam_core.images.geometry import fit
from visioncam_core.images.resize_crop import ResizeCrop
from visioncam_engines.torch.libraries.transforms import steps_of

torch = pytest.importorskip("torch")
torchvision = pytest.importorskip("torchvision")
timm = pytest.importorskip("timm")
transformers = pytest.importorskip("transformers")
nn, T = torch.nn, torchvision.transforms
v2 = pytest.importorskip("torchvision.transforms.v2")


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
    assert any("is unknown, so the map is spread over the whole picture" in note for note in notes)


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
        with pytest.raises(OptionError, match=rf"is random \({type(drawn).__name__}\)"):
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
