"""Questions and answers of the app without its page: photos, models, options, limits."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
from helpers.app import HOSTILE
from helpers.cli import run
from PIL import Image

import visioncam
from visioncam.app.addresses import Addresses
from visioncam.app.answer import Form, Service
from visioncam.app.limits import Deadline, TooSlowError
from visioncam.app.markup import class_choices, error_box, words
from visioncam.app.models import ModelList, list_models
from visioncam.app.widgets import options_from, widgets_of
from visioncam_core.errors import (
    ImageError,
    LayerError,
    ModelError,
    ModelNotFoundError,
    OptionError,
    TargetError,
    VisionCamError,
)
from visioncam_core.options.fields import build
from visioncam_core.plugins.default import methods, renderers


def test_an_answer_is_what_explain_gives(service: Service, photo: str, shelf: ModelList) -> None:
    question = Form(photo, "small", "hirescam", others=("gradcam", "hirescam"), target="3", layer="first")
    answer = service.answer(question, Deadline(60))
    assert [one.method for one in answer.comparison] == ["hirescam", "gradcam"]
    model = shelf.model("small")
    alone = visioncam.explain(model, photo, "hirescam", target=3, layer="first")
    assert isinstance(alone, visioncam.Explanation)
    np.testing.assert_allclose(answer.comparison[0].heatmap, alone.heatmap, atol=1e-6)
    assert [caption for _, caption in answer.pictures] == ["photo", "HiResCAM", "Grad-CAM"]
    for path, _ in answer.pictures:
        with Image.open(path) as shown:
            assert shown.size == (100, 40)  # at display size
    files = service.files(answer, Deadline(60))
    names = [
        "my photo_report.html",
        "my photo_hirescam.png",
        "my photo_hirescam.npz",
        "my photo_gradcam.png",
        "my photo_gradcam.npz",
    ]
    assert [os.path.basename(path) for path in files] == names
    page = Path(files[0]).read_text("utf-8")
    assert "HiResCAM" in page
    assert str(service.workspace.root) not in page
    with Image.open(files[1]) as whole:
        assert whole.size == (150, 60)
    loaded = visioncam.load(files[2])
    np.testing.assert_array_equal(loaded.heatmap, answer.comparison[0].heatmap)


def test_words_are_escaped(service: Service, photo: str) -> None:
    answer = service.answer(Form(photo, "small", target="1"), Deadline(60))
    page = words(answer)
    assert "&lt;script&gt;alert" in page
    assert "<script" not in page
    assert any(
        text.startswith(HOSTILE.split(",")[0]) for text, _ in class_choices(answer)
    )  # Gradio's to escape
    assert error_box(ImageError("<img onerror=x>")) == (
        '<div class="vc-error" role="alert">&lt;img onerror=x&gt;</div>'
    )
    assert "secret" not in error_box(RuntimeError("secret"))


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (PermissionError(13, "Permission denied", "/home/ada/se cret/x.webp"), "Permission denied: 'x.webp'"),
        (FileNotFoundError(2, "No such file", b"/home/ada/it's secret/x.webp"), "No such file: 'x.webp'"),
        (OSError(18, "Cross-device link", "secret/x.webp", None, "secret/y"), "Cross-device link: 'x.webp'"),
        (OSError(5, "Input/output error"), "Input/output error"),
    ],
)
def test_what_the_system_refused_is_told_without_folders(error: OSError, message: str) -> None:
    text = f"the operating system refused: {message}".replace("'", "&#x27;")
    assert error_box(error) == f'<div class="vc-error" role="alert">{text}</div>'
    assert "secret" not in error_box(OSError("/home/ada/secret/x.webp is gone"))


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        ({"photo": None}, ImageError, "there is no photo yet"),
        ({"photo": "/etc/passwd"}, ImageError, "no longer here"),
        ({"model": "../small"}, ModelError, "no model '../small'"),
        ({"method": "gradcan"}, VisionCamError, "did you mean 'gradcam'"),
        ({"options": {"n": 3}}, OptionError, "no option 'n'"),
        ({"method": "scorecam", "options": {"weights": "x"}}, OptionError, "'softmax'"),
        ({"drawing": {"alpha": 7.0}}, OptionError, "alpha"),
        ({"target": "dog"}, TargetError, "dog"),
        ({"target": "9"}, TargetError, "9"),
        ({"target": "top5"}, TargetError, "one class at a time"),
        ({"layer": "third"}, LayerError, "third"),
        ({"evidence": "maybe"}, OptionError, "maybe"),
        ({"renderer": "overlie"}, VisionCamError, "overlie"),
    ],
)
def test_bad_questions(
    service: Service, photo: str, change: dict[str, Any], kind: type[Exception], message: str
) -> None:
    question = attrs.evolve(Form(photo, "small"), **change)
    with pytest.raises(kind, match=message):
        service.answer(question, Deadline(60))


@pytest.mark.parametrize("what", ["text", "cut", "bomb"])
def test_bad_photos_are_named_as_their_owner_named_them(service: Service, examples: Path, what: str) -> None:
    path = service.workspace.new_folder() / "holiday.jpg"
    if what == "bomb":
        Image.new("1", (2000, 2000)).save(path, "PNG")
    else:
        whole = (examples / "rocket.jpg").read_bytes()
        path.write_bytes(b"hello" if what == "text" else whole[: len(whole) // 2])
    with pytest.raises(ImageError) as caught:
        service.answer(Form(str(path), "small"), Deadline(60))
    message = str(caught.value)
    assert message.startswith("'holiday.jpg': ")
    assert str(service.workspace.root) not in message
    assert {"text": "not an image", "cut": "truncated", "bomb": "4,000,000 pixels"}[what] in message


def test_an_answer_ends_in_time(service: Service, photo: str) -> None:
    with pytest.raises(TooSlowError, match="0 seconds"):
        service.answer(Form(photo, "small", "scorecam"), Deadline(0))


def test_the_shelf(folder: Path, tmp_path: Path) -> None:
    for name in ("b.keras", "a.h5", "note.txt"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "link.keras").symlink_to(folder / "small.keras")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "c.keras").write_bytes(b"x")
    found = list_models([str(folder / "small.keras")], str(tmp_path))
    files = [name for name, path in found.files.items() if path is not None]
    assert files == ["small.keras", "a.h5", "b.keras"]
    with pytest.raises(ModelError, match="not a Keras model file"):
        found.model("b.keras")
    with pytest.raises(ModelNotFoundError, match="no such model file"):
        list_models([str(tmp_path / "none.keras")], None)
    with pytest.raises(ModelNotFoundError, match="cannot read models from this folder"):
        list_models([], str(tmp_path / "none"))


@pytest.mark.parametrize("spec", [*methods(), *renderers()], ids=lambda spec: spec.name)
def test_untouched_widgets_give_the_defaults(spec: Any) -> None:
    widgets = widgets_of(spec.name, spec.cls)
    given = options_from(widgets, [widget.default for widget in widgets], spec.name)
    assert build(spec.cls, given, spec.name) == spec.cls()


def test_widgets_fit_their_options() -> None:
    kinds = {
        f"{spec.name}.{one.info.name}": one.kind
        for spec in (*methods(), *renderers())
        for one in widgets_of(spec.name, spec.cls)
    }
    assert kinds["scorecam.weights"] == "dropdown"
    assert kinds["smoothgradcamplusplus.n"] == "number"
    assert kinds["overlay.alpha"] == "slider"
    assert kinds["overlay.by_value"] == "checkbox"
    assert kinds["contour.levels"] == "text"
    (levels,) = [one for one in widgets_of("contour", _renderer("contour")) if one.info.name == "levels"]
    assert levels.read("0.5,p95") == (0.5, "p95")


def _renderer(name: str) -> type:
    return next(spec.cls for spec in renderers() if spec.name == name)


def test_the_command_says_what_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ended = run("app", "--model", tmp_path / "none.keras")
    assert (ended.code, "no such model file" in ended.message) == (2, True)
    monkeypatch.setitem(sys.modules, "gradio", None)
    ended = run("app")
    assert ended.code == 2
    assert ended.message == "the app needs Gradio; install it with: pip install 'visioncam[app]'"


def test_plugins_are_left_out_unless_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gradio", None)
    run("app")
    assert os.environ.pop("VISIONCAM_PLUGINS") == ""
    monkeypatch.setenv("VISIONCAM_PLUGINS", "mine")
    run("app")
    assert os.environ["VISIONCAM_PLUGINS"] == "mine"
    monkeypatch.delenv("VISIONCAM_PLUGINS")
    run("explain", "app")
    assert "VISIONCAM_PLUGINS" not in os.environ


def test_a_taken_port_is_said() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(OptionError, match=r"already in use; --port 0 picks a free one"):
            Addresses("127.0.0.1", other.getsockname()[1]).sockets()


def test_letting_others_in_is_warned_about(folder: Path) -> None:
    with socket.socket() as other:  # so that it ends there
        other.bind(("0.0.0.0", 0))
        other.listen()
        port = other.getsockname()[1]
        ended = run("app", "--model", folder / "small.keras", "--host", "0.0.0.0", "--port", port)
    assert ended.code == 2
    warning, error = ended.stderr.splitlines()
    assert warning.startswith("visioncam: warning: --host 0.0.0.0 lets other computers reach this app")
    assert "in use" in error
