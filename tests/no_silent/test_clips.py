"""Frames are the input of a video or volume model; what is none is refused, and told what the model takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.pictures import encoded
from PIL import Image

import visioncam
from visioncam_core.errors import ImageError, ImageTypeError, OptionError

keras = pytest.importorskip("keras")
layers = keras.layers


def clip_model(shape: tuple[int | None, ...] = (4, 16, 16, 3)) -> Any:
    """Return a model of one layer that sums colours: both classes are its mean."""
    inputs = keras.Input(shape)
    x = layers.Conv3D(shape[-1], 1, kernel_initializer="ones", name="sums")(inputs)
    return keras.Model(inputs, layers.Dense(2, kernel_initializer="ones")(layers.GlobalAveragePooling3D()(x)))


@pytest.fixture(scope="module")
def video() -> Any:
    return clip_model()


@pytest.fixture(scope="module")
def frames() -> list[np.ndarray]:
    """Return four frames of one size, all different; the third holds the only bright spot."""
    found = [np.full((20, 24, 3), 10 * k, np.uint8) for k in range(4)]
    found[2][4:8, 16:20] = 255
    return found


def saved(frames: list[np.ndarray], path: Path, **options: Any) -> Path:
    first, *rest = map(Image.fromarray, frames)
    first.save(path, save_all=True, append_images=rest, **options)
    return path


def test_every_form_of_a_clip_is_one_and_the_same_input(video: Any, frames: Any, tmp_path: Path) -> None:
    files = [tmp_path / f"{k}.png" for k in range(4)]
    for path, frame in zip(files, frames, strict=True):
        Image.fromarray(frame).save(path)
    pages = saved(frames, tmp_path / "clip.tif")
    with Image.open(pages) as opened:
        opened.seek(1)
        forms = [
            np.stack(frames), frames, tuple(frames), list(map(Image.fromarray, frames)), files, pages,
            pages.read_bytes(), [path.read_bytes() for path in files], opened,
        ]  # fmt: skip
        found = [visioncam.explain(video, form, target=0) for form in forms]
        assert opened.tell() == 1
    for one in found:
        assert np.array_equal(one.raw, found[0].raw)
        assert one.heatmap.shape == (4, 20, 24)
        assert np.array_equal(one.picture, np.stack(frames))
    at = np.unravel_index(found[0].heatmap.argmax(), (4, 20, 24))
    assert (at[0], at[1] // 4, at[2] // 4) == (2, 1, 4)


def test_a_clip_equals_the_frames_fitted_by_hand(video: Any, frames: Any) -> None:
    small = np.stack([np.asarray(Image.fromarray(one).resize((16, 16), 2)) for one in frames])
    by_hand = visioncam.explain(video, small.astype(np.float32) / 255, target=0)
    clip = visioncam.explain(video, frames, target=0, preprocess="unit")
    assert np.array_equal(clip.raw, by_hand.raw)


def test_a_gif_is_a_clip_and_several_are_several(video: Any, frames: Any, tmp_path: Path) -> None:
    grey = [one[..., 0] for one in frames]
    gif = saved(grey, tmp_path / "clip.gif", optimize=False)
    one, many = visioncam.explain(video, gif), visioncam.explain(video, [gif, gif])
    assert np.array_equal(one.picture[..., 0] if one.picture.ndim == 4 else one.picture, np.stack(grey))
    assert [np.array_equal(each.raw, one.raw) for each in many] == [True, True]
    assert len(visioncam.explain(video, [frames, frames])) == 2


def test_float_frames_and_a_letterbox(video: Any, frames: Any) -> None:
    given = [np.full((16, 16, 3), k, np.float32) for k in range(4)]
    assert np.array_equal(visioncam.explain(video, given).raw, visioncam.explain(video, np.stack(given)).raw)
    boxed = visioncam.explain(video, [np.full((8, 24, 3), 200, np.uint8)] * 4, geometry="letterbox")
    assert boxed.heatmap.shape == (4, 8, 24)


def test_a_volume_s_16_bit_slices_are_scaled_alike(tmp_path: Path) -> None:
    slices = [np.full((16, 16), 4000 * k // 3, np.uint16) for k in range(4)]
    paths = [tmp_path / f"{k}.png" for k in range(4)]
    for path, one in zip(paths, slices, strict=True):
        path.write_bytes(encoded(one, "PNG"))
    found = visioncam.explain(clip_model((4, 16, 16, 1)), paths)
    assert found.picture[:, 0, 0].tolist() == [round(4000 * k // 3 * 255 / 4095) for k in range(4)]


def test_channels_first_and_open_lengths(frames: Any) -> None:
    inputs = keras.Input((3, 4, 16, 16))
    x = layers.Conv3D(3, 1, kernel_initializer="ones", name="sums")(layers.Permute((2, 3, 4, 1))(inputs))
    first = keras.Model(inputs, layers.Dense(2)(layers.GlobalAveragePooling3D()(x)))
    clip = visioncam.explain(first, frames, target=0)
    as_input = np.moveaxis(
        np.stack([np.asarray(Image.fromarray(f).resize((16, 16), 2)) for f in frames]), -1, 0
    )
    assert np.array_equal(clip.raw, visioncam.explain(first, as_input.astype(np.float32), target=0).raw)
    assert np.array_equal(
        clip.raw, visioncam.explain(first, as_input, target=0).raw
    )  # uint8 as the model takes it
    free = clip_model((None, 16, 16, 3))
    assert visioncam.explain(free, frames[0][None]).heatmap.shape == (1, 20, 24)
    assert visioncam.explain(free, frames * 2).heatmap.shape == (8, 20, 24)


@pytest.mark.parametrize(
    ("form", "keywords", "error", "words"),
    [
        ("picture", {}, ImageError, "takes 4 frames.* received a single picture"),
        ("three", {}, ImageError, "takes 4 frames.* received 3 frames"),
        ("sizes", {}, ImageError, r"frame 3 has the shape \(10, 24, 3\) where frame 0 has \(20, 24, 3\)"),
        ("mixed", {}, ImageError, "entry 0 has one picture and entry 1 has 4"),
        ("gif", {"frame": 1}, ImageError, "frame=1 is one picture of a file"),
        ("gif", {"geometry": "tile"}, OptionError, "'resize' or 'letterbox'"),
        ("gif", {"max_pixels": 1000}, ImageError, "4 pictures of 24 x 20 are more than max_pixels"),
        ("first", {}, ImageError, r"move them with numpy.moveaxis\(array, 1, -1\)"),
    ],
)
def test_what_is_no_clip_of_this_model(
    form: str, keywords: Any, error: type[Exception], words: str, video: Any, frames: Any, tmp_path: Path
) -> None:
    gif, alone = saved(frames, tmp_path / "clip.gif"), tmp_path / "one.png"
    Image.fromarray(frames[0]).save(alone)
    forms = {
        "picture": alone, "three": frames[:3], "sizes": [*frames[:3], frames[3][:10]], "mixed": [alone, gif],
        "gif": gif, "first": np.zeros((4, 3, 16, 16), np.float32),
    }  # fmt: skip
    with pytest.raises(error, match=words):
        visioncam.explain(video, forms[form], **keywords)


@pytest.mark.parametrize("form", ["path", "bytes", "pillow", "list"])
@pytest.mark.parametrize(("shape", "takes"), [((32, 2), "signals"), ((8,), "rows of a table")])
def test_a_picture_is_no_signal_and_no_row(form: str, shape: Any, takes: str, tmp_path: Path) -> None:
    inputs = keras.Input(shape)
    x = layers.Conv1D(2, 3)(inputs) if len(shape) > 1 else inputs
    model = keras.Model(inputs, layers.Dense(2)(layers.Flatten()(x)))
    path = tmp_path / "one.png"
    Image.new("RGB", (8, 8)).save(path)
    image = {"path": path, "bytes": path.read_bytes(), "pillow": Image.new("RGB", (8, 8)), "list": [path]}[
        form
    ]
    with pytest.raises(ImageTypeError, match=f"takes {takes} of shape .*as an array or a tensor"):
        visioncam.explain(model, image)
