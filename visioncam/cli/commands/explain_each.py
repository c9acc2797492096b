"""Explaining the pictures of `visioncam explain` one by one, with a report on each."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs

from visioncam.cli import describe as report
from visioncam.cli.exit import BAD_INPUT, DONE, SOME_FAILED, failure_of
from visioncam.cli.json_records import explanation_record
from visioncam.cli.terminal import Output
from visioncam_core.errors import ImageError, OutputError, VisionCamError, is_full
from visioncam_core.files import OutputNames
from visioncam_core.pipeline.explainer import Explainer
from visioncam_core.results.describe import shared_notes
from visioncam_core.results.explanation import Explanation
from visioncam_core.results.provenance import add_marks, source_digest
from visioncam_core.results.writer import Saving


@attrs.define(eq=False)
class Run:
    """The pictures of one run.

    Attributes:
        output: where to tell.
        images: the pictures, as the user gave them.
        saving: what is written of each map.
        names: names the files; or the one file that is written.
        model: the model's name for people.
        mark: what tells the model, see `visioncam_core.results.provenance`.
    """

    output: Output
    images: Sequence[str]
    saving: Saving | None = None
    names: OutputNames | Path = attrs.field(factory=Path)
    model: str | None = None
    mark: str = ""
    _results: list[dict[str, Any]] = attrs.field(factory=list)
    _failed: int = 0
    _worked: int = 0

    def __attrs_post_init__(self) -> None:
        self.output.document.update(model=self.model, results=self._results)

    def one(self, source: str, explainer: Explainer, target: Any) -> None:
        """Explain one picture and write its files; a picture that cannot be explained is noted.

        Raises:
            VisionCamError: the fault is not the picture's and nothing has worked yet, so nothing will.
        """
        start = time.perf_counter()
        try:
            found = explainer(source, target)
            digest = source_digest(source)
            stack: list[Explanation] = [
                add_marks(one, self.mark, digest) for one in (found if isinstance(found, list) else [found])
            ]
            files = [
                self._write(source, explanation, f"_top{rank}" if isinstance(found, list) else "")
                for rank, explanation in enumerate(stack, 1)
            ]
        except VisionCamError as error:
            alone = len(self.images) == 1
            if alone or is_full(error) or not (isinstance(error, ImageError | OutputError) or self._worked):
                raise
            self.fail(source, error)
            return
        self._worked += 1
        seconds = time.perf_counter() - start
        for rank, (explanation, paths) in enumerate(zip(stack, files, strict=True), 1):
            record = {"image": source, **({"rank": rank} if isinstance(found, list) else {})}
            record |= {**explanation_record(explanation), "seconds": seconds, "files": list(map(str, paths))}
            self._results.append(record)
        self._tell(source, stack, files, isinstance(found, list))

    def end(self) -> int:
        """Sum up and return the exit code."""
        total = len(self.images)
        self.output.document["failed"] = self._failed
        if total > 1:
            self.output.line(f"{total - self._failed} of {total} pictures explained")
        return DONE if not self._failed else SOME_FAILED if self._worked else BAD_INPUT

    def fail(self, source: str, error: VisionCamError) -> None:
        """Note that a picture could not be explained."""
        failure = failure_of(error)
        self._failed += 1
        self._results.append({"image": source, "error": failure.record()})
        self.output.error(failure.message)

    def _write(self, source: str, explanation: Explanation, more: str) -> list[Path]:
        assert self.saving is not None
        if isinstance(self.names, Path):
            paths = [self.names]
        else:
            paths = self.names.paths_for(source, explanation.method + more, self.saving.suffixes)
        self.saving.write(explanation, paths)
        return paths

    def _tell(self, source: str, stack: list[Explanation], files: list[list[Path]], several: bool) -> None:
        output = self.output
        report.tell_model(output, source, self.model or "", stack)
        report.tell_method(output, stack[0])
        if several:
            for explanation, paths in zip(stack, files, strict=True):
                report.tell_score(output, explanation, paths)
        report.tell_notes(output, shared_notes(stack, [one.target.label for one in stack]))
        if not several:
            report.tell_files(output, files[0])


def all_unreadable(output: Output, images: Sequence[str], bad: dict[str, ImageError]) -> int:
    """Tell that not one picture can be read; nothing was done."""
    if len(images) == 1:
        raise bad[images[0]]
    run = Run(output, images)
    for source in images:
        run.fail(source, bad[source])
    return run.end()
