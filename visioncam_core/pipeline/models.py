"""The model to explain: a file of the user's, a network of a library by name, or the embedded one."""

from __future__ import annotations

import json
import os
import zipfile
from typing import Any

import attrs

from visioncam_core.engine.model_card import MEMBER, ModelCard, card_of, set_model_card
from visioncam_core.engine.model_name import NO_WEIGHTS, ModelName, is_function, made_by, scheme_of
from visioncam_core.errors import ModelError
from visioncam_core.images.cards import card_from
from visioncam_core.images.files import quoted
from visioncam_core.plugins.default import registry
from visioncam_core.plugins.engines import schemes_of
from visioncam_core.results.provenance import check_digest, model_file_mark, named_mark
from visioncam_core.text import error_text

Path = str | os.PathLike[str]
EMBEDDED = "demo"
_LARGEST = 64 << 20  # bytes of a card


def open_model(path: Path | None = None, *, weights: Path | None = None, **how: Any) -> Any:
    """Return the model in a file or in the folder of a SavedModel, one that is named, or the embedded one.

    Args:
        path: a file; or `library:network` or `package.module:function`, see `engine.model_name`; None or
            "demo" for the embedded model.
        weights: a file with the weights for a named model.
        **how: `custom_objects`, `unsafe`, `sha256`, and what the engine of the file takes besides.
    """
    named = is_name(path)
    if weights is not None and not named:
        raise ModelError(
            f"weights={quoted(os.fsdecode(os.fspath(weights)))} are for a model given by name, such as "
            "timm:resnet50 or package.module:function; "
            f"{'the embedded model' if is_embedded(path) else f'{path!r} is a file that'} has its own"
        )
    if is_embedded(path):
        return open_demo()
    assert path is not None
    sha256 = how.get("sha256")
    if not named:
        model = _engine(path).load(path, **how)
        card = read_card(path)
        if card is not None and card_of(model) is None:
            set_model_card(model, card)
        return model
    if sha256 is not None:
        if weights is None:
            raise ModelError(f"sha256= is the checksum of a file, and {path} is a name; give its weights=")
        check_digest(weights, sha256, quoted(os.fsdecode(os.fspath(weights))))
    schemes = schemes_of(registry().engines())
    if scheme_of(path, schemes):
        name = ModelName.of(os.fspath(path))
        name = name if weights is None else attrs.evolve(name, weights=NO_WEIGHTS)
        model = _engine(path).load(str(name))
    else:
        model = made_by(os.fspath(path), schemes)
    if weights is not None:
        registry().engine_of(model).fill(model, weights)
    return model


def read_card(path: Path) -> ModelCard | None:
    """Return the card that `ModelCard.save` wrote into a model file; None where there is none."""
    if not zipfile.is_zipfile(path):
        return None
    with zipfile.ZipFile(path) as archive:
        if MEMBER not in archive.namelist():
            return None
        try:
            if archive.getinfo(MEMBER).file_size > _LARGEST:
                raise ValueError(f"more than {_LARGEST:,} bytes")
            return card_from(json.loads(archive.read(MEMBER)))
        except Exception as error:  # the file may be anybody's
            raise ModelError(
                f"{quoted(os.fsdecode(os.fspath(path)))}: its card, {MEMBER}, cannot be read "
                f"({error_text(error)}); write it again with ModelCard.save, or remove it from the archive"
            ) from error


def open_demo(engine: str | None = None) -> Any:
    """Return the embedded model as an engine has it; the first engine that can be used here by default."""
    found = _engine("") if engine is None else registry().open_engine(registry().engine_spec(None, engine))
    found.require()
    return found.demo()


def mark_of(path: Path | None, model: Any = None, **how: Any) -> str:
    """Return what tells a model, see `results.provenance`: a file by its bytes, a named one by its weights.

    Args:
        path: as in `open_model`.
        model: the model, where it is open; a named one is opened otherwise.
        **how: as in `open_model`.
    """
    if not is_name(path):
        return model_file_mark(located(path))
    model = open_model(path, **how) if model is None else model
    return named_mark(str(path), registry().engine_of(model), model)


def _engine(path: Path) -> Any:
    engine = registry().engine_for_file(path)
    engine.require()
    return engine


def check_file(path: Path, *, trust_savedmodel: bool = False) -> None:
    """Raise `ModelError` unless a file looks like a model; nothing in it is built or run."""
    if not is_name(path) and not is_embedded(path):
        registry().engine_for_file(path).check_file(path, trust_savedmodel=trust_savedmodel)


def is_name(path: Path | None) -> bool:
    """Return whether a model is named, and in no file."""
    if path is None or is_embedded(path):
        return False
    return bool(scheme_of(path, schemes_of(registry().engines()))) or is_function(path)


def is_embedded(path: Path | None) -> bool:
    """Return whether the embedded model is meant."""
    return path is None or (path == EMBEDDED and not os.path.exists(path))


def located(path: Path | None) -> str | None:
    """Return what finds the model from any folder: a file's absolute path, a name; None for the embedded."""
    if path is None or is_embedded(path):
        return None
    return os.fspath(path) if is_name(path) else os.path.abspath(os.fspath(path))


def embedded_is_installed() -> bool:
    return bool(registry().engine_for_file("").demo_digest())
