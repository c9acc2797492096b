"""What `visioncam explain` does."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
import click

from visioncam.cli import describe
from visioncam.cli.exit import BAD_INPUT, DONE, SOME_FAILED, failure_of
from visioncam.cli.foretell import tell_cost
from visioncam.cli.json_records import explanation_record
from visioncam.cli.open_model import explainer_of, title_of
from visioncam.cli.option_flags import SHEET, options_of
from visioncam.cli.request import request_of, unreadable
from visioncam.cli.terminal import Output
from visioncam_core.errors import ImageError, OptionError, OutputError, VisionCamError, is_full
from visioncam_core.files import OutputNames, check_folder
from visioncam_core.pipeline.explainer import Explainer
from visioncam_core.pipeline.models import mark_of
from visioncam_core.plugins.default import registry
from visioncam_core.progress import Bar
from visioncam_core.results.data import TargetInfo
from visioncam_core.results.describe import shared_notes
from visioncam_core.results.explanation import Explanation
from visioncam_core.results.provenance import add_marks, source_digest
from visioncam_core.results.writer import Saving, file_kind, kinds_with_options, one_file, suffixes_of
from visioncam_core.targets.resolve import stack_size


def explain(
    context: click.Context,
    images: tuple[str, ...],
    model: str | None,
    method: str,
    renderer: str,
    out: Path,
    save_as: str | None,
    class_names: str | None,
    **_: Any,
) -> int:
    output: Output = context.obj
    spec, drawn = registry().method(method), registry().renderer(renderer)
    if drawn.name == SHEET:
        raise OptionError("--renderer sheet draws several methods at once; use `visioncam compare`")
    inputs = [*images, *(one for one in (model, class_names) if one)]
    kind = file_kind(out)
    if kind is not None:
        one_file(out, images, save_as, inputs)
    else:
        check_folder(out)
    suffixes = (kind,) if kind is not None else suffixes_of(save_as or "png")
    files = [one for one in kinds_with_options() if f".{one.name}" in suffixes]
    options = options_of(context, {"method": [spec], "renderer": [drawn], "file": files})
    (drawing_options,) = options["renderer"]
    own = {f".{one.name}": given for one, given in zip(files, options["file"], strict=True)}
    saving = Saving(suffixes, drawn.name, drawing_options, own)
    bar = Bar()
    request = request_of(context, [spec], options["method"], bar)
    registry().make_renderer(drawn.name, drawing_options)
    saving.check()
    names = out if kind is not None else OutputNames(out, inputs)
    bad = unreadable(images, request.settings)
    if bad and len(images) == 1:
        raise bad[images[0]]
    if len(bad) == len(set(images)):
        run = Run(output, images, saving, names)
        for source in images:
            run.fail(source, bad[source])
        return run.end()
    explainer = explainer_of(context, request, model)
    if stack_size(request.target, explainer.names) and kind is not None:
        raise OutputError(
            f"-o {str(out)!r} is one file for a stack of classes; name a folder, and the kind of file with "
            "--save-as"
        )
    tell_cost(output, explainer, images, request.target)
    run = Run(
        output, images, saving, names, title_of(explainer.model, model), mark_of(model, explainer.model)
    )
    for source in images:
        bar.label = f"{request.methods[0].title}, {Path(source).name}"
        with bar:
            run.one(source, explainer, request.target)
    return run.end()


@attrs.define(eq=False)
class Run:
    """The pictures of one run, explained one by one, with a report on each."""

    output: Output
    images: Sequence[str]
    saving: Saving
    names: OutputNames | Path  # of the files; or the one file that is written
    model: str | None = None
    mark: str = ""  # of the model, see `visioncam_core.results.provenance`
    results: list[dict[str, Any]] = attrs.field(factory=list)
    failed: int = 0
    worked: int = 0

    def __attrs_post_init__(self) -> None:
        self.output.document.update(model=self.model, results=self.results)

    def one(self, source: str, explainer: Explainer, target: Any) -> None:
        """Explain one picture and write its files; a picture that cannot be explained is noted.

        Raises:
            VisionCamError: the fault is not the picture's and nothing has worked yet, so nothing will.
        """
        start = time.perf_counter()
        try:
            found = explainer(source, target)
            several = isinstance(found, list)
            digest = source_digest(source)
            stack = [
                add_marks(one, self.mark, digest) for one in (found if isinstance(found, list) else [found])
            ]
            files = [
                self._write(source, explanation, _of_class(explanation.target) if several else "")
                for explanation in stack
            ]
        except VisionCamError as error:
            alone = len(self.images) == 1
            if alone or is_full(error) or not (isinstance(error, ImageError | OutputError) or self.worked):
                raise
            self.fail(source, error)
            return
        self.worked += 1
        seconds = time.perf_counter() - start
        for rank, (explanation, paths) in enumerate(zip(stack, files, strict=True), 1):
            record = {"image": source, **({"rank": rank} if several else {})}
            record |= {**explanation_record(explanation), "seconds": seconds, "files": list(map(str, paths))}
            self.results.append(record)
        self._tell(source, stack, files, several)

    def fail(self, source: str, error: VisionCamError) -> None:
        """Note that a picture could not be explained."""
        failure = failure_of(error)
        self.failed += 1
        self.results.append({"image": source, "error": failure.record()})
        self.output.error(failure.message)

    def end(self) -> int:
        """Sum up and return the exit code."""
        total = len(self.images)
        self.output.document["failed"] = self.failed
        if total > 1:
            self.output.line(f"{total - self.failed} of {total} pictures explained")
        return DONE if not self.failed else SOME_FAILED if self.worked else BAD_INPUT

    def _write(self, source: str, explanation: Explanation, more: str) -> list[Path]:
        if isinstance(self.names, Path):
            paths = [self.names]
        else:
            paths = self.names.paths_for(source, explanation.method + more, self.saving.suffixes)
        self.saving.write(explanation, paths)
        return paths

    def _tell(self, source: str, stack: list[Explanation], files: list[list[Path]], several: bool) -> None:
        output = self.output
        describe.tell_model(output, source, self.model or "", stack)
        describe.tell_method(output, stack[0])
        if several:
            for explanation, paths in zip(stack, files, strict=True):
                describe.tell_score(output, explanation, paths)
                describe.tell_account(output, explanation)
        else:
            describe.tell_account(output, stack[0])
        describe.tell_notes(output, shared_notes(stack, [one.target.label for one in stack]))
        if not several:
            describe.tell_files(output, files[0])


def _of_class(target: TargetInfo) -> str:
    """Return what tells the file of a class: `_tiger-cat-282`, at most 60 bytes of the name."""
    name = (target.name or "class").split(",")[0].encode("utf-8", "ignore")[:60].decode("utf-8", "ignore")
    return f"_{name}-{target.index}"
