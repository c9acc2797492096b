"""What engines of Keras 3 share on every backend: what is read off a model, and files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from visioncam_core.engine.copies import original
from visioncam_core.engine.model_inputs import ModelInputs
from visioncam_core.engine.model_name import ModelName, scheme_of
from visioncam_core.engine.records import Hints, PictureSteps
from visioncam_core.errors import ModelError
from visioncam_core.images.files import quoted
from visioncam_core.version import installed_version
from visioncam_engines.demo.card import digest
from visioncam_engines.keras import demo, hub, names
from visioncam_engines.keras.checks import check_model, require_backend
from visioncam_engines.keras.files.inspection import inspect_file
from visioncam_engines.keras.files.load import check_file, is_saved_model, load_model
from visioncam_engines.keras.files.packing import pack, unpack
from visioncam_engines.keras.fingerprint import fingerprint
from visioncam_engines.keras.hints import hints_of
from visioncam_engines.keras.inputs import model_inputs
from visioncam_engines.keras.recording import walk
from visioncam_engines.keras.records import leaves, packed
from visioncam_engines.keras.restore import Snapshot


class KerasEngine:
    """Most of an engine for Keras 3 on one backend; see `engine.interface.Engine`.

    Attributes:
        backend: what Keras must run on.
    """

    backend = ""

    def require(self) -> None:
        require_backend(self.backend)

    def check(self, model: Any) -> None:
        self.require()
        check_model(original(model))

    def inputs(self, model: Any) -> ModelInputs:
        self.check(model)
        import keras

        return model_inputs(original(model), keras.tree)

    def hints(self, model: Any) -> Hints:
        return hints_of(original(model))

    def picture_steps(self, preprocess: Any) -> PictureSteps | None:
        return hub.steps_of(preprocess)

    def mark(self, model: Any) -> object:
        return fingerprint(model)

    def weights(self, model: Any) -> Iterator[tuple[str, Any]]:
        for weight in original(model).weights:
            yield str(weight.path), weight

    def configuration(self, model: Any) -> str:
        model = original(model)
        try:
            return str(model.to_json())
        except Exception:  # a subclassed model or a SavedModel has none
            return type(model).__qualname__

    def called(self, model: Any, inputs: ModelInputs, flat: list[Any]) -> list[Any]:
        """Return every output of the model called as its user calls it, and left as it was."""
        import keras

        held = [Snapshot.of(unit.__dict__) for unit in (model, *(unit for _, unit in walk(model)))]
        try:
            with keras.StatelessScope(collect_losses=True):
                answer = model(packed(inputs.structure, flat), training=False)
        finally:
            for one in held:
                one.put_all_back()
        return [value for _, value in leaves(answer, keras.tree) if value is not None]

    def versions(self) -> dict[str, str]:
        return {name: installed_version(name) for name in (self.backend, "keras")}

    def check_file(self, path: str | os.PathLike[str], *, trust_savedmodel: bool = False) -> None:
        self._check_kind(path, trust_savedmodel)
        check_file(path)

    def load(self, path: str | os.PathLike[str], **asked: Any) -> Any:
        if scheme_of(path, [names.SCHEME]):
            self.require()
            return names.load_named(ModelName.of(os.fspath(path)))
        self._check_kind(path, asked.pop("trust_savedmodel", False))
        return load_model(path, backend=self.backend, **asked)

    def fill(self, model: Any, path: str | os.PathLike[str]) -> None:
        names.fill(model, path)

    def pack(self, model: Any) -> bytes:
        return pack(original(model))

    def unpack(self, packed: Any) -> Any:
        return unpack(packed, self.backend)

    def _check_kind(self, path: str | os.PathLike[str], trusted: bool) -> None:
        if trusted and is_saved_model(path):
            raise ModelError(
                f"{quoted(os.fsdecode(os.fspath(path)))}: a SavedModel runs only on TensorFlow, but Keras "
                f"runs on {self.backend!r}; set the environment variable KERAS_BACKEND=tensorflow"
            )

    def inspect(self, path: str | os.PathLike[str]) -> Any:
        return inspect_file(path, check_file(path), quoted(os.fsdecode(os.fspath(path))))

    def demo(self) -> Any:
        return demo.load(self.backend)

    def demo_digest(self) -> str:
        return digest()
