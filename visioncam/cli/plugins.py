"""`visioncam plugins`: what became of each, and whether what it brings keeps the contract."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import attrs
import click

from visioncam import registered
from visioncam.cli.asking import output_flags
from visioncam.cli.helping import RESULT, Command, option
from visioncam.cli.outcome import DONE, FAULT, SOME_FAILED
from visioncam.cli.terminal import Output
from visioncam_core.errors import PluginWarning
from visioncam_core.plugin_info import PluginInfo
from visioncam_core.registry import STRICT, strict


@click.command(cls=Command)
@option(RESULT, "--traceback", "whole", is_flag=True, help="Show where failed plugins failed.")
@option(
    RESULT,
    "--check",
    is_flag=True,
    help="Run the contract kit on the methods and renderers that plugins bring.",
)
@output_flags
@click.pass_obj
def plugins(output: Output, whole: bool, check: bool) -> int:
    """List every plugin found, built in or installed, and what became of it.

    VISIONCAM_PLUGINS=a,b loads only these plugins or distributions, empty none; built-ins always load.
    VISIONCAM_STRICT_PLUGINS=1 makes a broken one an error; then the exit code here is 1.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PluginWarning)  # told below, better
        found = registered.plugins()
    output.document["plugins"] = [attrs.asdict(one) for one in found]
    _table(output, found)
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
    return _check(output) if check else DONE


def _table(output: Output, found: tuple[PluginInfo, ...]) -> None:
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


def _check(output: Output) -> int:
    """Run the kit, tell what failed, and return the exit code."""
    results = list(_checked())
    output.document["checks"] = results
    failed = [one for one in results if one["message"]]
    output.line()
    for one in failed:
        output.line((f"{one['kind']} {one['name']} of {one['distribution']}", "bold"), f": {one['check']}")
        output.line(f"  {one['message']}")
    output.line(f"{len(results) - len(failed)} of {len(results)} checks passed")
    return SOME_FAILED if failed else DONE


def _checked() -> Iterator[dict[str, Any]]:
    """Yield what each check of each stranger's method and renderer came to."""
    from visioncam_core.testing import method_checks, renderer_checks

    kinds: tuple[tuple[str, Any, Any], ...] = (
        ("method", registered.methods(), method_checks),
        ("renderer", registered.renderers(), renderer_checks),
    )
    for kind, specs, checks_of in kinds:
        for spec in specs:
            if spec.distribution == "visioncam":
                continue
            for check in checks_of(spec):
                yield {
                    "distribution": spec.distribution,
                    "kind": kind,
                    "name": spec.name,
                    "check": check.name,
                    "message": _message(check),
                }


def _message(check: Any) -> str:
    try:
        check()
    except AssertionError as error:
        return " ".join(str(error).split())
    except Exception as error:
        return f"{type(error).__name__}: {' '.join(str(error).split())}"
    return ""
