"""Which engine runs a model or reads a model file; no framework is imported to find out."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from visioncam_core.errors import ModelError, OptionError
from visioncam_core.plugins.catalogue import find
from visioncam_core.plugins.records import Plugin
from visioncam_core.plugins.specs import ABILITIES, EngineSpec, MethodSpec
from visioncam_core.plugins.state import State
from visioncam_core.text import listing, shown

if TYPE_CHECKING:
    from visioncam_core.engine.interface import Engine


def lacks(spec: EngineSpec) -> tuple[str, ...]:
    """Return the modules that an engine needs and that are not installed; nothing is imported."""
    return tuple(name for name in spec.requires if not _installed(name))


def _installed(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):  # a parent that is missing, or a module without a spec
        return False


ABILITY = {"activations": "layers", "gradients-elsewhere": "gradients"}
"""What a method's need asks of an engine, where the two have different names."""


def refusal(
    spec: EngineSpec, name: str, needs: frozenset[str], rows: Sequence[MethodSpec]
) -> OptionError | None:
    """Return why a method cannot run on an engine, or None where it can.

    Args:
        spec: the engine.
        name: of the method.
        needs: what the method looks at.
        rows: the methods, for those that would work.
    """
    missing = _missing(spec, needs)
    if not missing:
        return None
    others = [row.name for row in rows if not _missing(spec, needs_of(row.cls))]
    works = f"methods that work: {listing(others)}" if others else "no method here works without"
    return OptionError(
        f"method {name!r} needs {', '.join(missing)}, which the engine {spec.name!r} does not give; {works}"
    )


def needs_of(method: Any) -> frozenset[str]:
    """Return what a method, or its class, declares to look at; without a word activations and gradients."""
    return frozenset(getattr(method, "needs", ("activations", "gradients")))


def _missing(spec: EngineSpec, needs: frozenset[str]) -> list[str]:
    """Return what an engine does not give of what it could; a need that is no ability is the method's own."""
    wanted = {ABILITY.get(need, need) for need in needs}
    return sorted(wanted & ABILITIES - spec.can)


def engine_for(
    model: Any, rows: Sequence[EngineSpec], failed: Callable[[EngineSpec, BaseException], None]
) -> EngineSpec:
    """Return the row of the engine that runs a model.

    Args:
        model: any object.
        rows: the engines.
        failed: told about a third-party engine whose `accepts` raises; it is passed over.

    Raises:
        ModelError: no engine accepts the model, or several do.
    """
    found = [spec for spec in rows if _accepts(spec, model, failed)]
    if len(found) == 1:
        return found[0]
    what = f"{shown(model, 60)} of type {type(model).__name__}"
    if found:
        names = " and ".join(repr(spec.name) for spec in found)
        raise ModelError(f"the engines {names} both run {what}; choose one: engine={found[0].name!r}")
    wanted = " or ".join(dict.fromkeys(_with_article(spec.title) for spec in rows)) or "a model"
    hint = "; load a file with its framework first, such as keras.models.load_model"
    is_file = isinstance(model, str | os.PathLike)
    raise ModelError(f"expected {wanted}, received {what}{hint if is_file else ''}; engines: {_listed(rows)}")


def _with_article(title: str) -> str:
    return f"{'an' if title[:1].lower() in 'aeiou' else 'a'} {title}"


def _listed(rows: Sequence[EngineSpec]) -> str:
    return listing([_described(spec) for spec in rows]) if rows else "none is registered"


def _described(spec: EngineSpec) -> str:
    missing = lacks(spec)
    return f"{spec.name} (not installed: pip install {' '.join(missing)})" if missing else spec.name


def _accepts(spec: EngineSpec, model: Any, failed: Callable[[EngineSpec, BaseException], None]) -> bool:
    try:
        return bool(spec.accepts(model))
    except Exception as error:
        failed(spec, error)
        return False


def engine_for_file(path: str | os.PathLike[str], rows: Sequence[EngineSpec]) -> EngineSpec:
    """Return the row of the engine that reads a model file: by its suffix, else the first that reads files.

    Raises:
        ModelError: no engine reads files.
    """
    readers = [spec for spec in rows if spec.suffixes]
    if not readers:
        raise ModelError(f"no engine reads model files, received {shown(os.fspath(path))}")
    suffix = PurePath(os.fsdecode(os.fspath(path))).suffix.lower()
    return next((spec for spec in readers if suffix in spec.suffixes), readers[0])


class Engines:
    """The part of a registry that finds engines."""

    def __init__(self) -> None:
        self._engines: dict[int, tuple[EngineSpec, Engine]] = {}

    def _loaded(self, *, asked: bool = False) -> State:
        raise NotImplementedError

    def _plugin_failed(self, plugin: Plugin, stage: str, error: BaseException) -> None:
        raise NotImplementedError

    def engines(self) -> tuple[EngineSpec, ...]:
        """Return every engine, built-ins first; also under strict settings, as `plugins`."""
        return self._loaded(asked=True).engines.rows

    def engine_spec(self, model: Any, name: str | None = None) -> EngineSpec:
        """Return the row of the engine that runs a model.

        Args:
            model: any object; it is judged by its classes, and no framework is imported for it.
            name: of the engine, where several run the model.

        Raises:
            ModelError: no engine runs it, or several do and none is named.
            NameNotFoundError: there is no engine of this name.
        """
        state = self._loaded()
        if name is not None:
            return find(state.engines, name, state.absent)
        return engine_for(model, state.engines.rows, self._engine_failed)

    def engine_of(self, model: Any, name: str | None = None) -> Engine:
        """Return the engine that runs a model; as `engine_spec`."""
        return self.open_engine(self.engine_spec(model, name))

    def engine_for_file(self, path: str | os.PathLike[str]) -> Engine:
        """Return the engine that reads a model file."""
        return self.open_engine(engine_for_file(path, self._loaded().engines.rows))

    def open_engine(self, spec: EngineSpec) -> Engine:
        """Return the engine of a row, made when it is first asked for."""
        known = self._engines.get(id(spec))
        if known is None:
            known = self._engines[id(spec)] = (spec, spec.make())  # with its row, so that no other has its id
        return known[1]

    def _engine_failed(self, spec: EngineSpec, error: BaseException) -> None:
        """Report a third-party engine that raises when it is asked whether it runs a model."""
        owned = [
            one for one in self._loaded().plugins if any(row.accepts is spec.accepts for row in one.engines)
        ]
        if not owned or owned[0].builtin:
            raise error
        self._plugin_failed(owned[0], "accepts", error)
