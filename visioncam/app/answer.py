"""From a form to pictures, words and files.  No Gradio here: the page and the tests call this."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from visioncam.app.limits import Deadline, Limits
from visioncam.app.models import ModelList
from visioncam.app.workspace import Workspace
from visioncam.html_report.report import Report
from visioncam_core.errors import ImageError, OptionError, TargetError, VisionCamError
from visioncam_core.files import OutputNames, write_bytes
from visioncam_core.images.decode import load_picture
from visioncam_core.images.files import quoted
from visioncam_core.images.opencv import load_opencv
from visioncam_core.pipeline.apply import Method
from visioncam_core.pipeline.explainer import Explainer
from visioncam_core.pipeline.request import Request
from visioncam_core.plugins.default import registry
from visioncam_core.results.comparison import Comparison
from visioncam_core.results.image_files import encode_image
from visioncam_core.targets.class_names import load_class_names
from visioncam_core.text import index_or_name

MOST = 9  # methods in one form
Progress = Callable[[int, int], None]


@attrs.frozen(eq=False)
class Form:
    """What a visitor wants."""

    photo: str | None
    model: str
    method: str = "gradcam"
    options: Mapping[str, Any] = attrs.field(factory=dict)  # of the first method
    others: tuple[str, ...] = ()  # methods to show with it, each with its defaults
    target: str = ""  # class index or name; empty for the top class
    layer: str = ""  # as on the command line; empty for "auto"
    evidence: Any = "for"
    renderer: str = "overlay"
    drawing: Mapping[str, Any] = attrs.field(factory=dict)  # options of the renderer


@attrs.frozen(eq=False)
class Answer:
    """What the page shows."""

    comparison: Comparison
    explainer: Explainer
    model: str
    source: str  # the photo's file name, as it was uploaded
    pictures: list[tuple[str, str]]  # (file, caption) for each map, at display size
    drawn: list[np.ndarray]  # the maps as drawn, at the photo's size: (H, W, 3) uint8
    folder: Path  # where the answer's files are


@attrs.frozen(eq=False)
class Service:
    """Answers forms: models, a folder for the files, limits."""

    models: ModelList
    workspace: Workspace
    limits: Limits

    def preview(self, photo: str | None) -> str:
        """Return a file that shows an uploaded photo as the model's reader decodes it."""
        path = self._photo(photo)
        with _named_for_owner(path):
            picture = load_picture(path, max_pixels=self.limits.pixels)
        return self._write(picture.pixels, self.workspace.new_folder(), "photo")

    def layers(self, model: str) -> list[tuple[str, str]]:
        """Return (text, path) for each layer that can be explained, the last first, "auto" on top."""
        listed, choice = Explainer.of(self.models.model(model), Request.of([], {})).layers()
        auto = f"auto: {choice.path}" if choice else "auto"
        rows = [
            (f"{row.path} ({'×'.join(map(str, row.grid))})", row.path)
            for row in listed.table.candidates
            if row.reaches_score and not row.copy_of
        ]
        return [(auto, "auto"), *reversed(rows)]

    def answer(self, form: Form, deadline: Deadline, progress: Progress | None = None) -> Answer:
        photo = self._photo(form.photo)
        methods = self._methods(form)
        registry().make_renderer(form.renderer, form.drawing)  # an error comes before the work
        keywords = {
            "layer": index_or_name(form.layer.strip() or "auto"),
            "evidence": form.evidence,
            "max_pixels": self.limits.pixels,
            "class_names": load_class_names(self.models.names_of(form.model)),
            "progress": _checking(deadline, progress),
        }
        model = self.models.model(form.model)
        target = index_or_name(form.target.strip() or None)
        if isinstance(target, str) and target.startswith("top") and target[3:].isdigit():
            raise TargetError(
                f"the app shows one class at a time, received {target!r}; write a name or an index"
            )
        explainer = Explainer.of(model, Request.of(methods, keywords))
        with _named_for_owner(photo):
            comparison = explainer.compare(photo, target)
        assert isinstance(comparison, Comparison)
        deadline.check()
        if not comparison.explanations:
            raise OptionError(next(iter(comparison.failures.values())))
        folder = self.workspace.new_folder()
        drawn, pictures = [], []
        for explanation in comparison:
            drawn.append(explanation.render(form.renderer, **form.drawing))
            deadline.check()
            pictures.append((self._write(drawn[-1], folder, explanation.method), explanation.method_title))
        return Answer(comparison, explainer, form.model, photo.name, pictures, drawn, folder)

    def files(self, answer: Answer, deadline: Deadline) -> list[str]:
        """Write what can be downloaded: a report; each map as drawn (PNG) and with all its numbers (NPZ)."""
        names = OutputNames(answer.folder, ())
        (page,) = names.paths_for(answer.source, "report", (".html",))
        report = Report(answer.explainer)
        report.put([answer.comparison])
        written = [str(report.write(page))]
        deadline.check()
        for explanation, picture in zip(answer.comparison, answer.drawn, strict=True):
            image, data = names.paths_for(answer.source, explanation.method, (".png", ".npz"))
            write_bytes(image, encode_image(picture, ".png", explanation.text()))
            deadline.check()
            written += [str(image), str(explanation.save(data))]
            deadline.check()
        return written

    def _photo(self, photo: str | None) -> Path:
        if not photo:
            raise ImageError("there is no photo yet; drop one, or click one of the examples")
        path = self.workspace.own(photo)
        self.workspace.used(path)
        return path

    def _methods(self, form: Form) -> list[Method]:
        names = list(dict.fromkeys(registry().method(name).name for name in (form.method, *form.others)))
        if len(names) > MOST:
            raise OptionError(f"{len(names)} methods side by side are too many; at most {MOST}")
        return [
            Method.of(*registry().make_method(name, form.options if name == names[0] else {}))
            for name in names
        ]

    def _write(self, pixels: np.ndarray, folder: Path, stem: str) -> str:
        """Write a picture at display size; return its file."""
        height, width = pixels.shape[:2]
        scale = self.limits.side / max(height, width)
        if scale < 1:
            size = max(1, round(width * scale)), max(1, round(height * scale))
            cv2 = load_opencv()
            pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
        if pixels.ndim == 3 and pixels.shape[2] != 3:
            pixels = pixels[..., :3] if pixels.shape[2] > 3 else pixels[..., 0]
        path = folder / f"{stem}.webp"
        write_bytes(path, encode_image(pixels, ".webp"))
        return str(path)


@contextmanager
def _named_for_owner(photo: Path) -> Iterator[None]:
    """Let errors name a photo as its owner does: the folder is ours."""
    try:
        yield
    except VisionCamError as error:
        raise type(error)(str(error).replace(quoted(str(photo)), quoted(photo.name))) from error


def _checking(deadline: Deadline, progress: Progress | None) -> Progress:
    def tell(done: int, total: int) -> None:
        deadline.check()
        if progress is not None:
            progress(done, total)

    return tell
