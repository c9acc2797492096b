"""Write the parts of the documents that follow from the code: run `python tools/generate_docs.py`.

A document marks such a part with two comments, and everything between them is replaced:

    <!-- begin NAME: written by tools/generate_docs.py -->
    <!-- end NAME -->

With `--check` nothing is written; the exit code is 1 when something is out of date.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))

from docstrings import entries, prose, sections, table  # noqa: E402

REGION = re.compile(
    r"(<!-- begin ([\w-]+): written by tools/generate_docs\.py -->\n).*?(<!-- end \2 -->)", re.DOTALL
)


# ------------------------------------------------------------------ regions


def registry() -> Any:
    """Return a registry of the built-ins alone, whatever is installed."""
    from visioncam.api import BUILTINS
    from visioncam_core.plugins.registry import Registry

    return Registry(BUILTINS, discover=False)


FAMILIES = {
    "cam": ("Class activation maps", "Channels of a layer, weighted."),
    "gradient": ("Gradients in the picture", "A map on the model's own pixels; no layer is chosen."),
    "region": ("Regions of the picture", "Parts are hidden and the score is read; no gradient, no layer."),
    "attention": ("Attention", "What the tokens of a transformer take from each other."),
}
"""Family -> its heading, and what it does."""


def in_families() -> list[tuple[str, list[Any]]]:
    """Return each family with its methods."""
    every = registry().methods()
    found = [(family, [spec for spec in every if spec.family == family]) for family in FAMILIES]
    return [(family, specs) for family, specs in found if specs]


def families() -> str:
    """One line a family, with its methods; the README's."""
    rows = [
        (
            f'**{FAMILIES[family][0]}**<br>`methods="{family}"`',
            ", ".join(f"[{spec.title}](docs/methods.md#{spec.name})" for spec in specs),
        )
        for family, specs in in_families()
    ]
    return table(("family", "methods"), rows)


def methods_list() -> str:
    """One line a method, a table a family."""
    return "\n\n".join(
        f'**{FAMILIES[family][0]}** (`methods="{family}"`)\n\n{_listed(specs)}'
        for family, specs in in_families()
    )


def _listed(specs: Iterable[Any]) -> str:
    rows = [(f"[{s.title}](#{s.name})", f"`{s.name}`", prose(s.summary), s.reference) for s in specs]
    return table(("method", "name", "in one line", "reference"), rows)


def methods_full() -> str:
    """Everything about each method: equation, shapes, options, differences, reference."""
    parts = []
    for family, specs in in_families():
        heading, text = FAMILIES[family]
        parts += [f"## {heading}\n\n{text}", *map(_method, specs)]
    return "\n\n".join(parts)


def _method(spec: Any) -> str:
    from visioncam_core.options.fields import describe_options

    parts = sections(spec.cls)
    equation, _, notes = parts["Notes"].partition("\n\n")
    names = ", ".join(f"`{name}`" for name in (spec.name, *spec.aliases))
    public = spec.cls.__module__.replace(".cam.", ".")  # the path that stays, of the first nine
    public = public if find_spec(public) else spec.cls.__module__
    module = f"from {public} import {spec.cls.__name__}"
    lines = [
        f'<a id="{spec.name}"></a>\n\n### {spec.title}',
        prose(parts[""]),
        f"By name: {names}. As an object: `{module}`.",
        f"```text\n{equation}\n```",
        *(prose(paragraph) for paragraph in notes.split("\n\n")),
    ]
    options = describe_options(spec.cls)
    lines.append(option_table(options) if options else "No options.")
    if spec.claims:
        lines.append(f"**Claims, and tested.** {' '.join(_claim(claim) for claim in sorted(spec.claims))}")
    if "Differences" in parts:
        lines.append(f"**Where others differ.** {prose(parts['Differences'])}")
    lines.append(f"**Reference.** {prose(parts['References'])}")
    return "\n\n".join(lines)


def _claim(name: str) -> str:
    """Return what the check of a claim says it checks."""
    from visioncam_core.testing.checks.claims import CLAIMS

    return prose(sections(CLAIMS[name])[""])


def option_table(options: Iterable[Any]) -> str:
    """Return the table of a method's or renderer's options."""
    rows = []
    for info in options:
        unit = f" ({info.unit})" if info.unit else ""
        notes = prose(info.help) + unit + (f"; {info.rule}" if info.rule else "")
        kind = "choice" if info.choices else info.type_name
        rows.append((f"`{info.name}`", f"`{info.default!r}`", kind, notes))
    return table(("option", "default", "type", "what it does"), rows)


def renderers() -> str:
    """Each renderer with its options."""
    from visioncam_core.options.fields import describe_options

    parts = []
    for spec in registry().renderers():
        names = ", ".join(f"`{name}`" for name in (spec.name, *spec.aliases))
        parts.append(f"**{spec.title}** ({names}): {prose(spec.summary)}.")
        parts.append(option_table(describe_options(spec.cls)))
    return "\n\n".join(parts)


def metrics_list() -> str:
    """One line a metric."""
    rows = [
        (f"[{spec.title}](#{spec.name})", f"`{spec.name}`", spec.better, prose(spec.summary), spec.reference)
        for spec in registry().metrics()
    ]
    return table(("metric", "name", "better", "in one line", "reference"), rows)


def metrics_full() -> str:
    """Everything about each metric: definition, switches, options, differences, reference."""
    return "\n\n".join(map(_metric, registry().metrics()))


def _metric(spec: Any) -> str:
    from visioncam_core.options.fields import describe_options

    parts = sections(spec.cls)
    equation, _, notes = parts["Notes"].partition("\n\n")
    common = _switches_of(None)
    own = "; ".join(f"{k}: {v}" for k, v in _switches_of(spec).items() if v != common[k])
    options = describe_options(spec.cls)
    lines = [
        f'<a id="{spec.name}"></a>\n\n## {spec.title}',
        f"{prose(parts[''])} By name: {', '.join(f'`{name}`' for name in (spec.name, *spec.aliases))}.",
        f"```text\n{equation}\n```",
        *(prose(paragraph) for paragraph in notes.split("\n\n") if paragraph),
        f"**Switches.** {prose(own or 'the common ones')}.",
        option_table(options) if options else "No options.",
        f"**Where others differ.** {prose(parts['Differences'])}",
        f"**Reference.** {prose(parts['References'])}",
    ]
    return "\n\n".join(lines)


def _switches_of(spec: Any) -> dict[str, Any]:
    """Return a metric's switches with its default options, or the common ones."""
    import attrs

    from visioncam_core.metrics.result import Switches

    return attrs.asdict(Switches() if spec is None else spec.cls().switches)


def metric_switches() -> str:
    """The ten switches and their common values."""
    from visioncam_core.metrics.result import Switches

    meaning = dict(entries(sections(Switches)["Attributes"]))
    rows = [(f"`{k}`", prose(str(v)), prose(meaning[k])) for k, v in _switches_of(None).items()]
    return table(("switch", "common value", "meaning"), rows)


def explain_arguments() -> str:
    """The arguments of `visioncam.explain`."""
    import visioncam

    defaults = {name: p.default for name, p in inspect.signature(visioncam.explain).parameters.items()}
    rows = []
    for name, text in entries(sections(visioncam.explain)["Args"]):
        shown = "" if defaults[name] is inspect.Parameter.empty else f"`{defaults[name]!r}`"
        rows.append((f"`{name}`", shown, prose(text)))
    return table(("argument", "default", "meaning"), rows)


def fields(name: str) -> str:
    """The fields of a result, such as `Explanation`."""
    import visioncam

    parts = sections(getattr(visioncam, name))
    return table(
        ("field", "meaning"), [(f"`{one}`", prose(text)) for one, text in entries(parts["Attributes"])]
    )


def targets() -> str:
    """The target classes."""
    from visioncam_core.targets import classes as module

    classes = [getattr(module, name) for name in module.__all__]
    rows = []
    for cls in classes:
        signature = ", ".join(_argument(p) for p in inspect.signature(cls).parameters.values())
        rows.append((f"`{cls.__name__}({signature})`", prose(sections(cls)[""])))
    return table(("target", "what is explained"), rows)


def _argument(parameter: inspect.Parameter) -> str:
    empty = parameter.default is inspect.Parameter.empty
    return parameter.name if empty else f"{parameter.name}={parameter.default!r}"


def diagnostics() -> str:
    """Every diagnostic's code with its fix."""
    from visioncam_core.results.diagnostics import FIXES

    return table(("code", "what to do"), [(f"`{code}`", prose(fix)) for code, fix in FIXES.items()])


REGIONS: dict[str, Callable[[], str]] = {
    "families": families,
    "methods-list": methods_list,
    "methods-full": methods_full,
    "renderers": renderers,
    "metrics-list": metrics_list,
    "metrics-full": metrics_full,
    "metric-switches": metric_switches,
    "explain-arguments": explain_arguments,
    "explanation-fields": partial(fields, "Explanation"),
    "comparison-fields": partial(fields, "Comparison"),
    "targets": targets,
    "diagnostics": diagnostics,
}


def documents() -> list[Path]:
    """Return every Markdown document a reader may come upon."""
    return [
        *sorted(ROOT.glob("*.md")),
        *sorted(ROOT.glob("docs/**/*.md")),
        *sorted(ROOT.glob("examples/*.md")),
    ]


def regenerated(text: str) -> str:
    """Return a document with its regions written anew."""
    return REGION.sub(lambda found: f"{found[1]}{REGIONS[found[2]]()}\n{found[3]}", text)


def main(arguments: list[str]) -> int:
    """Write or check all documents; return the exit code."""
    stale = []
    for path in documents():
        text = path.read_text("utf-8")
        new = regenerated(text)
        if new != text:
            stale.append(str(path.relative_to(ROOT)))
            if "--check" not in arguments:
                path.write_text(new, "utf-8")
    print("out of date: " + ", ".join(stale) if stale else "up to date")
    return int(bool(stale) and "--check" in arguments)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))  # the checkout, not an installed wheel
    raise SystemExit(main(sys.argv[1:]))
