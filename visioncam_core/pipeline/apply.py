"""Apply a method to evidence, and check what it returns like any third-party data."""

from __future__ import annotations

import time
import traceback
from collections.abc import Sequence
from typing import Any

import attrs
import numpy as np

from visioncam_core.engine.batches import COUNTERS
from visioncam_core.errors import OptionError, PluginError, VisionCamError
from visioncam_core.ops import read_only_array, to_numpy
from visioncam_core.pipeline.evidence import Evidence
from visioncam_core.plugins.calls import OWN_CODE, plugin_failure
from visioncam_core.plugins.default import registry
from visioncam_core.plugins.records import cause_of
from visioncam_core.plugins.specs import ABILITIES, EngineSpec, MethodSpec
from visioncam_core.results.accounts import Account, Attribution, RegionTable
from visioncam_core.text import listing

PASSES = ("forward", "backward", "head", "tail")


@attrs.frozen(eq=False)
class Method:
    """A method object with its name, whether or not the registry knows it.

    Attributes:
        name: canonical name.
        title: for people.
        method: the method object.
        source: the distribution it comes from, for messages.
        refusal: why the model's engine cannot serve it, or None.
    """

    name: str
    title: str
    method: Any
    source: str
    refusal: VisionCamError | None = None

    @classmethod
    def of(cls, spec: MethodSpec | None, method: Any) -> Method:
        if spec is not None:
            return cls(spec.name, spec.title, method, spec.distribution or "visioncam")
        name = type(method).__name__ if not hasattr(method, "__name__") else method.__name__
        return cls(str(name).lower(), str(name), method, OWN_CODE)

    @property
    def needs(self) -> frozenset[str]:
        """What the method declares to need; activations and gradients where it declares nothing."""
        return needs_of(self.method)

    @property
    def on(self) -> str:
        """Where its map lies: on the positions of a layer, or on the input's pixels."""
        return str(getattr(self.method, "on", "layer"))

    @property
    def options(self) -> dict[str, Any]:
        return attrs.asdict(self.method) if attrs.has(type(self.method)) else {}


@attrs.frozen(eq=False)
class Applied:
    """What a method made of a chunk: (N, *grid) raw maps and its cost, or why it could not."""

    raw: np.ndarray | None
    seconds: float
    passes: int
    failure: VisionCamError | None = None
    accounts: tuple[Account, ...] = ()
    regions: tuple[RegionTable, ...] = ()

    def account(self, i: int) -> Account | None:
        """Return the account of one picture, where there are any."""
        return self.accounts[i] if self.accounts else None


ABILITY = {"activations": "layers", "gradients-elsewhere": "gradients"}
"""What a method's need asks of an engine, where the two have different names."""


def with_refusal(named: Method, spec: EngineSpec) -> Method:
    missing = _missing(spec, named.method)
    if not missing:
        return named
    others = [row.name for row in registry().methods() if not _missing(spec, row.cls)]
    works = f"methods that work: {listing(others)}" if others else "no method here works without"
    return attrs.evolve(
        named,
        refusal=OptionError(
            f"method {named.name!r} needs {', '.join(missing)}, which the engine {spec.name!r} does not "
            f"provide; {works}"
        ),
    )


def needs_of(method: Any) -> frozenset[str]:
    return frozenset(getattr(method, "needs", ("activations", "gradients")))


def _missing(spec: EngineSpec, method: Any) -> list[str]:
    if getattr(method, "on", "layer") == "input":
        names = {
            "activations": "scores",
            "gradients": "input-gradients",
            "gradients-elsewhere": "input-gradients",
        }
    else:
        names = ABILITY
    abilities = {names.get(need, need) for need in needs_of(method)}
    return sorted(abilities & ABILITIES - spec.can)


def total(parts: Sequence[Applied]) -> Applied:
    """Return what applications cost in all, shared ones counted once; or the first that failed."""
    failure = next((one for one in parts if one.failure is not None), None)
    if failure is not None:
        return failure
    each = {id(one): one for one in parts}.values()
    return attrs.evolve(
        parts[0], seconds=sum(one.seconds for one in each), passes=sum(one.passes for one in each)
    )


def apply(named: Method, evidence: Evidence) -> Applied:
    """Apply a method; what goes wrong in it is kept as data, so that it hurts no other method.

    The method sees arrays it cannot write to.  What is not its fault passes: `KeyboardInterrupt`, what the
    user's own `progress` raised, and what the model itself raised while it was run for scores.
    """
    if named.refusal is not None:
        return Applied(None, 0.0, 0, named.refusal)
    before, start = COUNTERS.snapshot(), time.perf_counter()
    raw, failure, made = None, None, Attribution(np.zeros(0))
    users: list[BaseException] = []
    try:
        with np.errstate(all="ignore"):  # what is not finite is found in the result, and said there
            returned = _call(named, _watch_progress(evidence, users))
            made = returned if isinstance(returned, Attribution) else Attribution(returned)
            raw = check_map(named, made.map, evidence)
    except BaseException as error:
        if error in users or isinstance(error, KeyboardInterrupt) or _of_the_model(error, evidence):
            raise
        failure = error if isinstance(error, VisionCamError) else failure_of(named, error)
    spent = COUNTERS.snapshot() - before
    seconds, passes = time.perf_counter() - start, sum(spent[name] for name in PASSES)
    return Applied(raw, seconds, passes, failure, made.accounts, made.regions)


def _call(named: Method, evidence: Evidence) -> Any:
    """Return what a method makes of evidence; a misuse of the evidence is the method's fault."""
    try:
        return named.method(evidence_for(named, evidence))
    except PluginError as error:
        raise failure_of(named, error) from error


def _watch_progress(evidence: Evidence, raised: list[BaseException]) -> Evidence:
    """Return the same evidence, which puts down in a list what the user's `progress` raises."""
    progress = evidence._progress
    if progress is None:
        return evidence

    def report(done: int, total: int) -> None:
        try:
            progress(done, total)
        except BaseException as error:
            raised.append(error)
            raise

    return attrs.evolve(evidence, progress=report)


def evidence_for(named: Method, evidence: Evidence) -> Evidence:
    """Return what a method may see: arrays it cannot write to, since other methods read them too.

    Gradients that another method asked for are not shown to one that did not: alone, it would have none.
    """
    gradients = evidence.has_gradients and "gradients" in named.needs
    return attrs.evolve(
        evidence,
        activations=read_only_array(evidence.activations),
        score=read_only_array(evidence.score),
        gradients=read_only_array(evidence.gradients) if gradients else None,
    )


def failure_of(named: Method, error: BaseException) -> PluginError:
    failure = _error(named, cause_of(error))
    failure.__cause__ = error
    return failure


def _error(named: Method, cause: str) -> PluginError:
    return plugin_failure("method", named.name, named.source, cause)


def _of_the_model(error: BaseException, evidence: Evidence) -> bool:
    """Return whether the model failed, not the method: the framework's own errors, and memory that ran out.

    Engine and method both call the framework: the one that called it last is to blame.
    """
    engine = getattr(evidence._source, "engine", None)
    if engine is None or not isinstance(error, (MemoryError, *engine.errors)):
        return False
    called = {"numpy", "visioncam_core", type(error).__module__.partition(".")[0], *engine.versions()}
    modules = [frame.f_globals.get("__name__", "") for frame, _ in traceback.walk_tb(error.__traceback__)]
    callers = [name for name in modules if name.partition(".")[0] not in called]
    own = type(engine).__module__
    return bool(callers) and (callers[-1] == own or callers[-1].startswith(own.rpartition(".")[0] + "."))


def check_map(named: Method, raw: Any, evidence: Evidence) -> np.ndarray:
    """Return a raw map as float32, or raise an error that names the method and the fault."""
    expected = tuple(int(n) for n in evidence.activations.shape[:-1])
    try:
        array = to_numpy(raw)
    except Exception as error:
        raise _error(named, f"it returned {type(raw).__name__}, not an array") from error
    if array.dtype.kind not in "fiu" or array.shape != expected:
        raise _error(
            named,
            f"it returned {array.dtype} of shape {array.shape}; a raw map here has shape {expected} and real "
            "numbers",
        )
    with np.errstate(over="ignore"):  # what is too large for float32 becomes infinite, and is reported below
        array = array.astype(np.float32)
    if not np.all(np.isfinite(array)) and _finite(evidence):
        count = int((~np.isfinite(array)).sum())
        raise _error(named, f"it returned {count} NaN or infinite values from finite evidence")
    return array


def _finite(evidence: Evidence) -> bool:
    parts = [evidence.activations, evidence.score, *([evidence.gradients] if evidence.has_gradients else [])]
    return all(bool(np.all(np.isfinite(to_numpy(part)))) for part in parts)
