"""From a form to pictures, words and files.  No Gradio here: the page and the tests call this."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs

from visioncam.app.limits import Deadline, Limits
from visioncam.app.models import ModelList
from visioncam.app.pictures import at_most, write_webp
from visioncam.app.workspace import Workspace
from visioncam.html_report.data_uris import smaller
from visioncam.html_report.report import Report
from visioncam_core.errors import ImageError, OptionError, TargetError, VisionCamError
from visioncam_core.files import OutputNames, write_bytes
from visioncam_core.images.files import quoted
from visioncam_core.images.sample import Read
from visioncam_core.pipeline.apply import Method
from visioncam_core.pipeline.explainer import Explainer
from visioncam_core.pipeline.request import Request
from visioncam_core.plugins.default import registry
from visioncam_core.results.comparison import Comparison
from visioncam_core.results.image_files import encode_image
from visioncam_core.text import index_or_name

MOST = 9  # methods in one form
MOST_KEPT = 400 * 2**20  # bytes of answers whose downloads are not written yet
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
    class_names: str = ""  # of a model that the visitor names, one a line
    preprocess: str = "auto"


@attrs.frozen(eq=False)
class Answer:
    """What the page shows."""

    comparison: Comparison
    explainer: Explainer
    model: str
    source: str  # the photo's file name, as it was uploaded
    pictures: list[tuple[str, str]]  # (file, caption) of the photo and each map, at display size
    folder: Path  # where the answer's files are
    renderer: str
    drawing: Mapping[str, Any]

    @property
    def bytes(self) -> int:
        return sum(one.heatmap.nbytes + one.picture.nbytes for one in self.comparison)


@attrs.define(eq=False)
class Service:
    """Answers forms: models, a folder for the files, limits."""

    models: ModelList
    workspace: Workspace
    limits: Limits
    _answering: int = 0
    _kept: dict[str, Answer] = attrs.field(factory=dict)  # shown, and not yet written
    _last: tuple[tuple[str, ...], Read] | None = None  # the photo read last, for which model

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
        self._answering += 1
        try:
            return self._answer(form, deadline, progress)
        finally:
            self._answering -= 1

    def _answer(self, form: Form, deadline: Deadline, progress: Progress | None) -> Answer:
        photo = self._photo(form.photo)
        methods = self._methods(form)
        registry().make_renderer(form.renderer, form.drawing)  # an error comes before the work
        keywords = {
            "layer": index_or_name(form.layer.strip() or "auto"),
            "evidence": form.evidence,
            "max_pixels": self.limits.pixels,
            "class_names": self.models.names_of(form.model, form.class_names),
            "preprocess": form.preprocess,
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
            comparison = explainer.compare(self._pictures(explainer, photo, form), target)
        assert isinstance(comparison, Comparison)
        deadline.check()
        if not comparison.explanations:
            raise OptionError(next(iter(comparison.failures.values())))
        folder, shown = self.workspace.new_folder(), [at_most(one, self.limits.side) for one in comparison]
        original = shown[0].render("overlay", alpha=0.0)
        pictures = [(write_webp(smaller(original, self.limits.side), folder, "photo"), "photo")]
        for one in shown:
            deadline.check()
            drawn = smaller(one.render(form.renderer, **form.drawing), self.limits.side)
            pictures.append((write_webp(drawn, folder, one.method), one.method_title))
        return Answer(
            comparison, explainer, form.model, photo.name, pictures, folder, form.renderer, form.drawing
        )

    def files(self, answer: Answer, deadline: Deadline) -> list[str]:
        """Write what can be downloaded: a report; each map as drawn (PNG) and with all its numbers (NPZ)."""
        names = OutputNames(answer.folder, ())
        (page,) = names.paths_for(answer.source, "report", (".html",))
        report = Report(answer.explainer)
        report.put([answer.comparison])
        written = [str(report.write(page))]
        for explanation in answer.comparison:
            self._give_way(deadline)
            picture = explanation.render(answer.renderer, **answer.drawing)
            image, data = names.paths_for(answer.source, explanation.method, (".png", ".npz"))
            write_bytes(image, encode_image(picture, ".png", explanation.text()))
            self._give_way(deadline)
            written += [str(image), str(explanation.save(data))]
        deadline.check()
        return written

    def _give_way(self, deadline: Deadline) -> None:
        """Wait a little while a question is answered: it goes first."""
        for _ in range(60):
            deadline.check()
            if not self._answering:
                break
            time.sleep(0.05)

    def keep(self, answer: Answer) -> str:
        """Return by which name `files_of` knows an answer; the oldest go where they are many."""
        self._kept[answer.folder.name] = answer
        while len(self._kept) > 1 and sum(one.bytes for one in list(self._kept.values())) > MOST_KEPT:
            self._kept.pop(next(iter(self._kept)), None)
        return answer.folder.name

    def files_of(self, name: str, deadline: Deadline) -> list[str]:
        """Return the files of an answer that was kept; it is kept no longer."""
        answer = self._kept.pop(name, None)
        if answer is None:
            raise OptionError("the downloads of this answer are no longer here; click Explain again")
        return self.files(answer, deadline)

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

    def _pictures(self, explainer: Explainer, photo: Path, form: Form) -> Read:
        """Return the photo as the model takes it; another method on the same photo reads it once."""
        key = (str(photo), form.model, form.preprocess)
        if self._last is None or self._last[0] != key:
            self._last = None  # two large photos need not fit into memory
            self._last = (key, Read(*explainer.reader.read(photo)))
        return self._last[1]


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
