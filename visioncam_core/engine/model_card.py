"""Cards: what VisionCam knows about a model beyond the model itself.

`set_model_card` attaches class names, preprocessing and geometry to a model without
touching it; the facade asks `card_of`. The model is held weakly: a card lives
as long as its model.
"""

from __future__ import annotations

import json
import os
import reprlib
import shutil
import tempfile
import threading
import weakref
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from visioncam_core.engine.records import Scaling
from visioncam_core.errors import ModelError

MEMBER = "visioncam.json"
"""What a card is called in a `.keras` file."""


@attrs.frozen
class ModelCard:
    """What belongs to a model: how its pictures are preprocessed and what its outputs are called.

    Nothing in a card may hold the model itself, or the model would never be freed.

    Attributes:
        class_names: one name per output index, or None where unknown.
        preprocess: what is done to the fitted picture, as in `explain(preprocess=)`; None where unknown.
        geometry: how a picture is fitted, as in `explain(geometry=)`; None for the default.
        title: the model's name for display.
        channels_first: whether its pictures are (K, *space); None for what is usual in its framework.
    """

    class_names: tuple[str, ...] | None = None
    preprocess: Callable[[np.ndarray], np.ndarray] | str | None = None
    geometry: object | str | None = None
    title: str = ""
    channels_first: bool | None = None

    def record(self) -> dict[str, Any]:
        """Return the card as JSON can hold it; `visioncam_core.images.cards.card_from` reads it.

        Raises:
            ModelError: a part of the card that only code could say: a function as `preprocess`, a geometry of
                one's own.
        """
        held = attrs.asdict(self, recurse=False)
        for name in ("preprocess", "geometry"):
            value = held[name]
            known = isinstance(value, Scaling) or type(value).__module__.startswith("visioncam_core.images.")
            if known:
                held[name] = {"class": type(value).__name__, **attrs.asdict(value)}
            elif not (value is None or isinstance(value, str)):
                raise ModelError(
                    f"a file cannot hold code, and {name}={reprlib.repr(value)} is code; give its name, "
                    "such as 'unit', or one of visioncam.geometry"
                )
        return held

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the card into a `.keras` file, where `--model` finds it; Keras reads the file as before.

        Args:
            path: what `model.save` wrote.

        Raises:
            ModelError: no `.keras` file; or as `record`.
        """
        text = json.dumps(self.record())
        held_by_keras = False
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                held_by_keras = "config.json" in archive.namelist()
        if not held_by_keras:
            raise ModelError(
                f"{os.fspath(path)!r} is not a .keras file; save the model first: model.save('x.keras')"
            )
        with tempfile.TemporaryDirectory(dir=Path(path).parent) as folder:
            copy = Path(folder, "model.keras")
            with zipfile.ZipFile(path) as old, zipfile.ZipFile(copy, "w") as new:
                for member in old.infolist():
                    if member.filename != MEMBER:
                        with old.open(member) as source, new.open(member, "w", force_zip64=True) as target:
                            shutil.copyfileobj(source, target, 1 << 20)
                new.writestr(MEMBER, text)
            shutil.copymode(path, copy)
            os.replace(copy, path)


_cards: weakref.WeakKeyDictionary[Any, ModelCard] = weakref.WeakKeyDictionary()
_lock = threading.RLock()


def set_model_card(model: object, card: ModelCard) -> None:
    """Attach a card to a model; a second card replaces the first.

    Raises:
        ModelError: no card can be attached to such an object.
    """
    if not isinstance(card, ModelCard):
        raise ModelError(
            f"a card is a visioncam.ModelCard, received {reprlib.repr(card)}; make one: ModelCard(...)"
        )
    try:
        with _lock:
            _cards[model] = card
    except TypeError:
        raise ModelError(
            f"no card can be attached to {reprlib.repr(model)} of type {type(model).__name__}; "
            "give the model object itself"
        ) from None


def card_of(model: object) -> ModelCard | None:
    """Return the model's card, or None where it has none."""
    try:
        with _lock:
            return _cards.get(model)
    except TypeError:
        return None
