"""`visioncam plugins`: what became of each, and whether what it brings keeps the contract."""

from __future__ import annotations

import traceback
import warnings
from collections.abc import Iterable, Iterator
from typing import Any

import attrs
import click

from visioncam.cli.exit import DONE, FAULT, SOME_FAILED
from visioncam.cli.help import OUTPUT, RESULT, Command, option
from visioncam.cli.terminal import Output
from visioncam_core.errors import PluginWarning
from visioncam_core.plugins import default
from visioncam_core.plugins.engines import lacks
from visioncam_core.plugins.records import PluginInfo, cause_of
from visioncam_core.plugins.registry import STRICT, strict
from visioncam_core.plugins.specs import EngineSpec

OURS = "visioncam"
NEEDS_QUERIES = "answers"
"""The check of a selector that only its author can make: which queries are its own, no one else knows."""


@click.command(cls=Command)
@option(RESULT, "--traceback", "whole", is_flag=True, help="Show the tracebacks of failed plugins.")
@option(
    RESULT,
    "--check",
    is_flag=True,
    help="Run the contract kit on the methods, renderers and layer selectors that plugins add.",
)
@OUTPUT
@click.pass_obj
def plugins(output: Output, whole: bool, check: bool) -> int:
    """List every plugin found, built in or installed, and whether it loaded.

    VISIONCAM_PLUGINS=a,b loads only these plugins or distributions, empty none; built-ins always load.
    VISIONCAM_STRICT_PLUGINS=1 makes a broken plugin an error; the exit code here is then 1.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PluginWarning)  # reported below, in more detail
        found = default.plugins()
        engines = default.engines()
    output.document["plugins"] = [attrs.asdict(one) for one in found]
    _tell_plugins(output, found)
    _tell_engines(output, engines)
    for one in found:
        if whole and one.traceback:
            output.line()
            output.line((f"{one.name} of {one.distribution}", "bold"))
            for line in one.traceback.splitlines():
                output.line(f"  {line}")
    broken = [one for one in found if one.error and one.status != "skipped"]
    if broken and strict():
        output.error(f"{STRICT} is set, and {len(broken)} of {len(found)} plugins have a problem")
        return FAULT
    return _check(output, whole) if check else DONE


def _tell_plugins(output: Output, found: tuple[PluginInfo, ...]) -> None:
    rows = [
        (
            one.name,
            f"{one.distribution} {one.version}".strip(),
            one.status,
            ", ".join(hook.removeprefix("visioncam_") for hook in one.hooks),
            f"{one.stage}: {one.error}" if one.error else "",
        )
        for one in found
    ]
    output.table(("plugin", "distribution", "status", "hooks", "problem"), rows)


def _tell_engines(output: Output, engines: tuple[EngineSpec, ...]) -> None:
    """List what runs models, and what each lacks."""
    output.document["engines"], rows = [], []
    for one in engines:
        runs, gives, missing = one.summary or one.title, sorted(one.can), list(lacks(one))
        output.document["engines"].append(
            {
                "name": one.name,
                "distribution": one.distribution,
                "runs": runs,
                "suffixes": list(one.suffixes),
                "gives": gives,
                "lacks": missing,
            }
        )
        install = f"pip install {' '.join(missing)}" if missing else ""
        rows.append((one.name, one.distribution, runs, ", ".join(gives), install))
    output.line()
    output.table(("engine", "distribution", "runs", "gives", "lacks"), rows)


def _check(output: Output, whole: bool) -> int:
    """Run the kit, report what failed, on request with the traceback, and return the exit code."""
    results = []
    for kind, name, distribution, checks in _to_check():
        for check in checks:
            record = {"distribution": distribution, "kind": kind, "name": name, "check": check.name}
            message, where = _outcome(check)
            results.append({**record, "message": message, "traceback": where})
    output.document["checks"] = results
    failed = [one for one in results if one["message"]]
    output.line()
    for one in failed:
        output.line((f"{one['kind']} {one['name']} of {one['distribution']}", "bold"), f": {one['check']}")
        output.line(f"  {one['message']}")
        for line in one["traceback"].splitlines() if whole else ():
            output.line(f"    {line}")
    output.line(f"{len(results) - len(failed)} of {len(results)} checks passed")
    return SOME_FAILED if failed else DONE


def _to_check() -> Iterator[tuple[str, str, str, Iterable[Any]]]:
    """Yield (kind, name, distribution, checks) of what third-party plugins bring."""
    from visioncam_core.testing import method_checks, renderer_checks, selector_checks

    for spec in default.methods():
        if spec.distribution != OURS:
            yield "method", spec.name, spec.distribution, method_checks(spec)
    for view in default.renderers():
        if view.distribution != OURS:
            yield "renderer", view.name, view.distribution, renderer_checks(view)
    for plugin, _ in default.registry().selectors():
        if not plugin.builtin:
            checks = [one for one in selector_checks(plugin.module, ()) if one.name != NEEDS_QUERIES]
            yield "selector", plugin.name, plugin.distribution, checks


def _outcome(check: Any) -> tuple[str, str]:
    """Run a check; return what it found in one line, and where the plugin raised, or nothing."""
    try:
        check()
    except KeyboardInterrupt:
        raise
    except AssertionError as error:
        where = "".join(traceback.format_exception(error)) if error.__cause__ else ""
        return " ".join(str(error).split()), where
    except BaseException as error:  # a plugin may even try to end the program
        return cause_of(error), "".join(traceback.format_exception(error))
    return "", ""
