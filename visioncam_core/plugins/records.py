"""What became of each plugin, as data: for listings, warnings and reports."""

from __future__ import annotations

import traceback as tracebacks
from typing import Any

import attrs
import pluggy

from visioncam_core.errors import VisionCamError
from visioncam_core.plugins.specs import EngineSpec, MethodSpec, MetricSpec, RendererSpec
from visioncam_core.text import brief

HARMLESS = ("slow", "clash")
"""Stages after which a plugin still counts as loaded."""


@attrs.frozen
class PluginInfo:
    """One plugin, for `visioncam plugins`.

    Attributes:
        name: the entry point's name; of a built-in, its module.
        distribution: who ships it.
        version: of the distribution, or empty.
        status: "loaded", "failed" or "skipped".
        builtin: whether it is ours.
        stage: where the first problem arose, or empty: "metadata", "entry-point", "import", "api-version",
            "hooks", "register", "row", "clash", "slow", "select-layer", "accepts", "not-allowed".
        error: every problem in one line, or empty.
        traceback: of every problem that has one, or empty.
        hooks: names of the hooks it answers; of a failed plugin, those that work.
        seconds: how long it took to load.
        file: where its module lies, or empty.
    """

    name: str
    distribution: str
    version: str
    status: str
    builtin: bool = False
    stage: str = ""
    error: str = ""
    traceback: str = attrs.field(default="", repr=False)
    hooks: tuple[str, ...] = ()
    seconds: float = attrs.field(default=0.0, eq=False)
    file: str = ""


@attrs.frozen(eq=False)
class Problem:
    """One thing wrong with one plugin.

    Attributes:
        stage: where it arose, as in `PluginInfo.stage`.
        cause: one line.
        traceback: the whole story, or empty.
        quiet: listed, but no warning (it harms nobody until it is used).
    """

    stage: str
    cause: str
    traceback: str = ""
    quiet: bool = False


@attrs.frozen(eq=False)
class Plugin:
    """A plugin as the registry holds it; `info` is what others see."""

    name: str
    distribution: str
    version: str = ""
    builtin: bool = False
    allowed: bool = True
    module: object = attrs.field(default=None, repr=False)
    impls: tuple[HookImpl, ...] = ()
    methods: tuple[MethodSpec, ...] = ()
    renderers: tuple[RendererSpec, ...] = ()
    metrics: tuple[MetricSpec, ...] = ()
    engines: tuple[EngineSpec, ...] = ()
    problems: tuple[Problem, ...] = ()
    seconds: float = 0.0

    @property
    def key(self) -> tuple[str, str]:
        return self.distribution, self.name

    @property
    def title(self) -> str:
        """How messages call it: "plugin 'mycam' of my-dist 1.0"."""
        return f"plugin {self.name!r} of {self.distribution} {self.version}".rstrip()

    @property
    def status(self) -> str:
        if not self.allowed:
            return "skipped"
        return "failed" if any(problem.stage not in HARMLESS for problem in self.problems) else "loaded"

    @property
    def report(self) -> str:
        """The one warning about it, or empty."""
        loud = [problem for problem in self.problems if not problem.quiet]
        if not loud:
            return ""
        what = "; ".join(f"at stage {problem.stage!r}: {problem.cause}" for problem in loud)
        verb = "failed" if self.status == "failed" else "has a problem"
        rest = "the rest of it works" if self.impls else "it was skipped, everything else works"
        advice = "update, correct or uninstall it; `visioncam plugins` shows more"
        return f"{self.title} {verb} {what} ({rest}; {advice})"

    @property
    def info(self) -> PluginInfo:
        file = getattr(self.module, "__file__", None)  # a plugin may be an object of any class
        return PluginInfo(
            name=self.name,
            distribution=self.distribution,
            version=self.version,
            status=self.status,
            builtin=self.builtin,
            stage=self.problems[0].stage if self.problems else "",
            error="; ".join(problem.cause for problem in self.problems),
            traceback="\n".join(problem.traceback for problem in self.problems if problem.traceback),
            hooks=tuple(dict.fromkeys(impl.hook for impl in self.impls)),
            seconds=self.seconds,
            file=file if isinstance(file, str) else "",
        )


def problem_from(stage: str, error: BaseException) -> Problem:
    """Return the record of an exception; survives exceptions that cannot be printed."""
    return Problem(stage, cause_of(error), "".join(tracebacks.format_exception(error)))


def cause_of(error: BaseException) -> str:
    """Return an exception in one line, with its type unless the message is one of ours."""
    try:
        text = " ".join(str(error).split())
    except Exception:
        text = "(its message cannot be printed)"
    text = text if len(text) <= 400 else text[:399] + "…"
    if isinstance(error, VisionCamError):
        return text
    if isinstance(error, SystemExit):
        return f"SystemExit: it tried to end the program with sys.exit({brief(error.code)})"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


@attrs.frozen(eq=False)
class HookImpl:
    """One checked implementation of one hook.

    Attributes:
        hook: the hook's name.
        raw: pluggy's record.
    """

    hook: str
    raw: pluggy.HookImpl

    @property
    def key(self) -> tuple[int, object]:
        """What tells it from every other implementation; the same in every plugin manager."""
        return id(self.raw.plugin), self.raw.function

    def __call__(self, **arguments: Any) -> Any:
        """Call the plugin's function with those of the arguments that it names."""
        positional = [arguments[name] for name in self.raw.argnames]
        named = {name: arguments[name] for name in self.raw.kwargnames if name in arguments}
        return self.raw.function(*positional, **named)
