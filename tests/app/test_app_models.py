"""Models that a visitor names, and what is shown of a large photo."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
from helpers.app import answered, join, question, served, small_model, uploaded

import visioncam
from visioncam.app.answer import Form, Service
from visioncam.app.limits import Deadline
from visioncam.app.models import ModelList
from visioncam.app.serve import set_environment
from visioncam_core.errors import ModelError, ModelNotFoundError, OptionError, TargetError, VisionCamError

LIBRARIES = [
    "timm:resnet18.a1_in1k",
    "torchvision:resnet50?weights=IMAGENET1K_V1",
    "keras:ResNet50?weights=none",
]
FILES = [
    "small.keras", "/etc/passwd", "~/small.keras", "hf:./folder", "hf:some/network", "timm:local-dir:/etc",
    "timm:../x", "torchvision:a?weights=a/b", "keras:ResNet50?weights=secret",
]  # fmt: skip
CODE = "os:getcwd"
ADDRESS = "http://127.0.0.1:8501/v1/models/m"


@pytest.mark.parametrize("name", [*LIBRARIES, *FILES, CODE, ADDRESS])
@pytest.mark.parametrize(
    ("opens", "allowed"), [("", ()), ("names", LIBRARIES), ("files", (*LIBRARIES, *FILES))]
)
def test_a_visitor_names_only_models_that_the_owner_lets_them(
    opens: str, allowed: tuple[str, ...], name: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Any] = []
    monkeypatch.setattr("visioncam.app.models.open_model", lambda path, **how: opened.append(path))
    shelf = ModelList({"mine": folder / "small.keras"}, opens=opens)
    if name in allowed:
        shelf.model(name)
        assert all(isinstance(path, str) or path.is_absolute() for path in opened)
        return
    never = {CODE: "would run code", ADDRESS: "would be asked from this computer"}
    hint = ", or type one of a library" if opens else "$"
    why = f"there is no model .* here; pick one from the list{hint}"
    why = never.get(name, why) if opens == "files" else why
    with pytest.raises(ModelError, match=why):
        shelf.model(name)
    assert opened == []


def test_a_model_that_a_visitor_names_is_explained_with_its_class_names(
    service: Service, photo: str, folder: Path
) -> None:
    free = attrs.evolve(service, models=attrs.evolve(service.models, opens="files"))
    form = Form(photo, str(folder / "small.keras"), target="owl", class_names="cat\nowl\n\na\nb\nc\n")
    assert free.answer(form, Deadline(60)).comparison[0].target.index == 1
    with pytest.raises(VisionCamError, match="holds 4 names"):
        free.answer(attrs.evolve(form, class_names="cat\nowl\na\nb"), Deadline(60))
    with pytest.raises(ModelNotFoundError, match="no such model file"):
        free.answer(attrs.evolve(form, model="none.keras"), Deadline(60))
    here = Form(photo, "small", target="owl", class_names="cat\nowl\na\nb\nc")  # a listed one has the owner's
    with pytest.raises(TargetError, match="there is no class 'owl'"):
        free.answer(here, Deadline(60))


@pytest.mark.parametrize(
    ("named", "opens"), [("small.keras", ""), ("timm:resnet18", ""), ("small.keras", "names")]
)
def test_libraries_may_download_only_where_a_network_can_be_named(
    named: str, opens: str, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "environ", {"GRADIO_SHARE": "True"})
    shelf = ModelList({"one": named if ":" in named else Path(named)}, opens=opens)
    set_environment(service.workspace, offline=not shelf.downloads)
    assert ("HF_HUB_OFFLINE" in os.environ) == (named == "small.keras" and not opens)
    assert "GRADIO_SHARE" not in os.environ


def test_pixels_become_input_as_the_form_says(service: Service, photo: str) -> None:
    scores = [
        service.answer(Form(photo, "small", target="1", preprocess=name), Deadline(60)).comparison[0].score
        for name in ("auto", "none", "tf")
    ]
    assert scores[0] == scores[1] != scores[2]


def test_a_large_photo_is_drawn_small_and_read_once(
    service: Service, photo: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[tuple[int, ...]] = []
    render = visioncam.Explanation.render

    def counted(self: Any, *given: Any, **options: Any) -> np.ndarray:
        drawn.append(self.heatmap.shape)
        return render(self, *given, **options)

    monkeypatch.setattr(visioncam.Explanation, "render", counted)
    first = service.answer(Form(photo, "small", others=("hirescam",)), Deadline(60))
    assert drawn == [(40, 100)] * 3
    monkeypatch.setattr("visioncam_core.images.reader.load_picture", None)
    again = service.answer(Form(photo, "small", "hirescam"), Deadline(60))
    np.testing.assert_array_equal(again.comparison[0].heatmap, first.comparison[1].heatmap)
    service.files(first, Deadline(60))
    assert drawn[4:].count((60, 150)) >= 2  # what is downloaded has the photo's size
    regions = service.answer(
        Form(photo, "small", "occlusion", {"regions": "grid:4"}, renderer="regions"), Deadline(60)
    )
    assert len(regions.pictures) == 2


def test_downloads_are_those_of_the_answer_that_is_shown(
    service: Service, photo: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = [
        service.keep(service.answer(Form(photo, "small", name), Deadline(60)))
        for name in ("gradcam", "hirescam")
    ]
    assert "my photo_gradcam.npz" in [
        os.path.basename(one) for one in service.files_of(kept[0], Deadline(60))
    ]
    monkeypatch.setattr("visioncam.app.answer.MOST_KEPT", 0)
    service.keep(service.answer(Form(photo, "small"), Deadline(60)))
    for gone in kept:
        with pytest.raises(OptionError, match="no longer here; click Explain again"):
            service.files_of(gone, Deadline(60))


def test_downloads_give_way_to_a_question(
    service: Service, photo: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = service.answer(Form(photo, "small"), Deadline(60))
    assert service._answering == 0
    service._answering, waits = 1, []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        service._answering = 0

    monkeypatch.setattr("visioncam.app.answer.time.sleep", sleep)
    service.files(answer, Deadline(60))
    assert waits == [0.05]


def test_a_visitor_names_a_model(tmp_path: Path, examples: Path) -> None:
    """Put as the page puts it: the path, class names, and what cannot be opened as a message."""
    pytest.importorskip("gradio")
    (tmp_path / "mine").mkdir()
    model = small_model(tmp_path / "mine").rename(tmp_path / "mine" / "other.keras")
    first = small_model(tmp_path)
    photo = (examples / "chelsea.png").read_bytes()
    with served(tmp_path, "--model", str(first), "--allow-models", "files") as app:

        def told(session: str, name: str, **more: Any) -> str:
            asking = question(app, uploaded(app, f"{session}.png", photo), session, Model=name, **more)
            assert join(app, asking)[0] == 200
            return str(answered(app, session)[1])

        names = {"Class names": "cat\nowl\nmoon\nsun\nstar", "Class": "owl"}
        assert "owl (1)" in told("visitor", str(model), **names)
        assert "no such model file" in told("lost", str(tmp_path / "none.keras"))
        assert "would run code on this computer" in told("sly", "os:getcwd")
