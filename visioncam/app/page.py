"""The page: the form on the left, the results on the right."""

from __future__ import annotations

import shutil
import sys
import traceback
from collections.abc import Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import attrs

from visioncam.app.answer import Form, Service
from visioncam.app.limits import Deadline, run_limited
from visioncam.app.markup import class_choices, error_box, words
from visioncam.app.models import EMBEDDED
from visioncam.app.widgets import Widget, options_from, widgets_of
from visioncam_core.errors import VisionCamError
from visioncam_core.images.preprocessing import SETTINGS
from visioncam_core.plugins.default import methods, registry, renderers

TOP = "top class"
OPENS = {
    "": None,
    "names": "pick one, or type a name such as torchvision:resnet50",
    "files": "pick one, or type a path or a name such as torchvision:resnet50",
}
NO_PICTURES = ("slices", "planes", "projection", "sheet")  # renderers of volumes and of comparisons
TITLE = """<div class="vc-title"><b>VisionCam</b> Which parts of this photo are evidence for a class?</div>"""
EMPTY = """<div class="vc-hint">Drop a photo, or click an example. It stays on this computer.</div>"""


def examples() -> list[tuple[Path, str]]:
    """Return the bundled photos with their captions."""
    folder = Path(str(files("visioncam.app").joinpath("photos")))
    return [(folder / f"{name}.webp", name) for name in ("cat", "coffee", "rocket")]


@attrs.define(eq=False, repr=False)
class Page:
    """The page of a service."""

    service: Service
    widgets: list[Widget] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        owners: list[Any] = [*methods(), *self.renderers]
        self.widgets = [widget for spec in owners for widget in widgets_of(spec.name, spec.cls)]

    @property
    def renderers(self) -> list[Any]:
        return [spec for spec in renderers() if spec.name not in NO_PICTURES]

    def build(self) -> Any:
        import gradio as gr

        models = self.service.models
        with gr.Blocks(title="VisionCam", analytics_enabled=False) as blocks:
            gr.HTML(TITLE)
            with gr.Row(equal_height=False, elem_id="vc-page"):
                with gr.Column(elem_id="vc-source"):
                    photo = gr.File(label="Photo", type="filepath", height=140, elem_id="vc-photo")
                    gallery = gr.Gallery(
                        [(str(path), name) for path, name in examples()], label="Examples", show_label=False,
                        columns=3, height=110, allow_preview=False, interactive=False, buttons=[],
                        elem_id="vc-examples",
                    )  # fmt: skip
                with gr.Column(elem_id="vc-results"):
                    maps = gr.Gallery(
                        label="Maps", show_label=False, columns=2, object_fit="contain", height="auto",
                        interactive=False, buttons=["fullscreen"], elem_id="vc-maps",
                    )  # fmt: skip
                    about = gr.HTML(EMPTY, elem_id="vc-about")
                    answered = gr.State("")  # which answer is shown
                    downloads = gr.File(
                        label="Downloads", file_count="multiple", interactive=False, visible=False,
                        elem_id="vc-downloads",
                    )  # fmt: skip
                with gr.Column(elem_id="vc-form"):
                    model = gr.Dropdown(
                        models.names, label="Model", info=OPENS[models.opens], interactive=True,
                        visible=len(models.names) > 1 or bool(models.opens),
                        allow_custom_value=bool(models.opens), elem_id="vc-model",
                    )  # fmt: skip
                    own = models.names != [EMBEDDED] or bool(models.opens)
                    with gr.Accordion("About the model", open=False, visible=own):
                        classes = gr.Textbox(
                            label="Class names", info="of a model that you name: one per line", lines=2,
                            max_lines=6, visible=bool(models.opens), elem_id="vc-names",
                        )  # fmt: skip
                        preprocess = gr.Dropdown(
                            list(SETTINGS), label="Preprocessing", elem_id="vc-preprocess",
                            info="how pixel values 0 to 255 become its input; auto uses what the model "
                                 "declares",
                        )  # fmt: skip
                    method = gr.Dropdown(
                        [(spec.title, spec.name) for spec in methods()], label="Method", elem_id="vc-method"
                    )
                    made = self._options(gr, method, [spec.name for spec in methods()])
                    others = gr.Dropdown(
                        [(spec.title, spec.name) for spec in methods()], multiselect=True, value=[],
                        label="Beside it", info="other methods, with their defaults", elem_id="vc-beside",
                    )  # fmt: skip
                    target = gr.Dropdown(
                        [TOP], value=TOP, label="Class", info="pick one, or type a name or an index",
                        allow_custom_value=True, elem_id="vc-class",
                    )  # fmt: skip
                    layer = gr.Dropdown(
                        self._first_layers(), value="auto", label="Layer",
                        allow_custom_value=True, elem_id="vc-layer",
                    )  # fmt: skip
                    evidence = gr.Radio(["for", "against", "signed"], value="for", label="Evidence")
                    drawing = gr.Dropdown(
                        [(spec.title, spec.name) for spec in self.renderers],
                        value="overlay", label="Drawn as", elem_id="vc-renderer",
                    )  # fmt: skip
                    with gr.Accordion("Drawing options", open=False):
                        made += self._options(gr, drawing, [spec.name for spec in self.renderers])
                    button = gr.Button("Explain", variant="primary", elem_id="vc-explain")
            private = {"api_visibility": "private"}
            inputs = [photo, model, method, others, target, layer, evidence, drawing, classes, preprocess]
            inputs += made
            outputs = [maps, about, downloads, target, answered]
            work = {"concurrency_id": "model", "concurrency_limit": 1, **private}
            work["show_progress_on"] = [maps, about]

            def example(event: Any, *values: Any) -> Iterator[tuple[Any, ...]]:
                taken = self._example(int(event.index))  # one trip to the server, not two
                for shown in self._explain(taken, *values[1:]):
                    yield taken, *shown

            example.__annotations__["event"] = gr.SelectData  # Gradio reads it, and here it is no global
            live = [one.select for one in (method, drawing, preprocess)]  # `input` comes twice in Gradio 6.31
            live += [one.input for one in (others, target, layer, evidence)] + [classes.blur]
            picked = model.input(self._picked, [model, photo], [layer, target, about], **work)
            for shown in (
                gr.on([photo.upload, photo.clear, button.click], self._explain, inputs, outputs, **work),
                gallery.select(example, inputs, [photo, *outputs], **work),
                gr.on(live, self._explain_quick, inputs, outputs, trigger_mode="always_last", **work),
                picked.then(self._explain_quick, inputs, outputs, **work),
            ):  # the downloads are written beside the next question
                shown.then(self._files, answered, [downloads, about], show_progress="hidden", **private)
        return blocks.queue(max_size=self.service.limits.waiting, default_concurrency_limit=4, api_open=False)

    def warm(self, deadline: Deadline) -> None:
        """Explain an example with the first model, so that the first click is as quick as the others."""
        self.service.answer(Form(self._example(0), self.service.models.names[0]), deadline)

    def _options(self, gr: Any, choice: Any, names: Sequence[str]) -> list[Any]:
        """Return the components of several owners' options; only the chosen owner's are visible."""
        made, groups, owners = [], [], []
        for name in names:
            own = [widget for widget in self.widgets if widget.owner == name]
            if own:
                with gr.Group(visible=name == choice.value) as group:
                    made += [widget.component() for widget in own]
                groups.append(group)
                owners.append(name)
        choice.change(
            lambda now: [gr.update(visible=name == now) for name in owners], choice, groups,
            show_progress="hidden", api_visibility="private",
        )  # fmt: skip
        return made

    def _example(self, index: int) -> str:
        """Return a copy of the example that was clicked, as if it had been dropped."""
        path, _ = examples()[index % len(examples())]
        return str(shutil.copy(path, self.service.workspace.new_folder() / path.name))

    def _layer_choices(self, model: str) -> list[tuple[str, str]]:
        return run_limited(lambda deadline: self.service.layers(model), self.service.limits.seconds)

    def _first_layers(self) -> list[tuple[str, str]]:
        try:
            return self._layer_choices(self.service.models.names[0])
        except VisionCamError:
            return [("auto", "auto")]  # explaining gives the reason

    def _picked(self, model: str, photo: str | None) -> tuple[Any, ...]:
        """Return the layers of a model that was picked, and what is wrong with it."""
        import gradio as gr

        choices, told = [("auto", "auto")], gr.skip() if photo else EMPTY
        try:
            choices = self._layer_choices(model)
        except Exception as error:
            told = _told(error)
        return gr.update(choices=choices, value="auto"), gr.update(choices=[TOP], value=TOP), told

    def _files(self, answered: str) -> tuple[Any, Any]:
        """Return the downloads of the answer that is shown."""
        import gradio as gr

        if not answered:
            return gr.skip(), gr.skip()
        try:
            written = run_limited(
                lambda watch: self.service.files_of(answered, watch), self.service.limits.seconds
            )
            return gr.update(value=written, visible=True), gr.skip()
        except Exception as error:
            return gr.skip(), _told(error)

    def _explain_quick(self, photo: str | None, *rest: Any) -> Iterator[tuple[Any, ...]]:
        """Explain at once where that takes no long time; else wait for the button."""
        import gradio as gr

        chosen = [rest[1], *(rest[2] or ())]
        if photo is not None and all(_quick(name) for name in chosen):
            yield from self._explain(photo, *rest)
        else:
            yield *(gr.skip(),) * 4, ""

    def _explain(
        self, photo: str | None, model: str, method: str, others: Sequence[str] | None, target: str | None,
        layer: str | None, evidence: str, drawing: str, classes: str, preprocess: str, *values: Any,
    ) -> Iterator[tuple[Any, ...]]:  # fmt: skip
        """Show photo, maps and words."""
        import gradio as gr

        nothing = gr.update(value=None, visible=False)
        if photo is None:
            yield None, EMPTY, nothing, gr.update(choices=[TOP], value=TOP), ""
            return
        bar, seconds = gr.Progress(), self.service.limits.seconds
        try:
            form = Form(
                photo=photo,
                model=model,
                method=method,
                options=options_from(self.widgets, values, method),
                others=tuple(others or ()),
                target="" if target in (None, TOP) else str(target),
                layer=str(layer or ""),
                evidence=evidence,
                renderer=drawing,
                drawing=options_from(self.widgets, values, drawing),
                class_names=classes or "",
                preprocess=preprocess or "auto",
            )

            def progress(done: int, total: int) -> None:
                bar((done, total), unit="passes")

            found = run_limited(lambda deadline: self.service.answer(form, deadline, progress), seconds)
            best = gr.update(choices=[TOP, *class_choices(found)])
            yield found.pictures, words(found), nothing, best, self.service.keep(found)
        except Exception as error:
            yield None, _told(error), nothing, gr.skip(), ""


def _told(error: Exception) -> str:
    """Return an error for the page; one of our own making goes to the terminal as well."""
    if not isinstance(error, VisionCamError):
        traceback.print_exception(error, file=sys.stderr)
    return error_box(error)


def _quick(method: str) -> bool:
    """Return whether a method is content with the gradient, one pass; the others ask the model often."""
    needs: frozenset[str] = getattr(registry().method(method).cls, "needs", frozenset())
    return "gradients" in needs
