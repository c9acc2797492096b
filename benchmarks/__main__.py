"""`python -m benchmarks [--quick] [--only WORD]`: measure, print, write docs/performance.md.

`--only torch` writes the page's section about PyTorch and JAX, and README's table; `--only methods` that
about methods beyond CAM, `--only loops` that about loops and first answers, `--only app` that about the app.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import click

from benchmarks import (
    app_rows,
    gpu,
    kept,
    loop_rows,
    method_rows,
    page,
    processes,
    quality,
    rows,
    torch_peers,
    torch_rows,
)
from benchmarks.kept import Line
from benchmarks.models import subject
from benchmarks.peers import compared
from benchmarks.rows import Row


def plan(rounds: int) -> Iterator[tuple[str, Callable[[], Iterable[Row | Line]]]]:
    """Yield (name, work) for every group of rows."""
    for name in ("MobileNetV2", "ResNet50", "Xception"):
        yield f"gradcam {name}", lambda name=name: rows.gradcam(subject(name), rounds)
        yield f"six {name}", lambda name=name: rows.six(subject(name), rounds)
    few = max(3, rounds // 3)
    yield "ablation ResNet50", lambda: rows.ablation(subject("ResNet50"), few)
    yield (
        "inside ResNet50",
        lambda: rows.ablation_inside(subject("ResNet50"), "conv4_block3_2_relu", 0.45, few),
    )
    yield (
        "inside DenseNet121",
        lambda: rows.ablation_inside(subject("DenseNet121"), "conv4_block12_1_relu", 0.30, few),
    )
    yield "scorecam MobileNetV2", lambda: rows.scorecam(subject("MobileNetV2"), "block_13_expand_relu", few)
    yield "scorecam ResNet50", lambda: rows.scorecam(subject("ResNet50"), "conv2_block3_2_relu", few)
    yield "smooth ResNet50", lambda: rows.smooth(subject("ResNet50"), few)
    yield "dataset MobileNetV2", lambda: rows.dataset(subject("MobileNetV2"), few)
    yield "memory", processes.memory
    yield "first", lambda: processes.first_call(3)
    yield "endurance", lambda: processes.endurance(1000)
    yield "command line", lambda: processes.command_line(9)
    yield "import", lambda: processes.importing(9)
    yield "quality", quality.measured
    yield "peers tf-keras-vis, tf-explain, xplique", lambda: compared(rounds)
    yield "peers torch", lambda: torch_peers.compared(rounds)
    yield "torch ResNet50", lambda: torch_rows.measured(rounds)
    yield "beside torch: MobileNetV2 on JAX", lambda: torch_rows.on_jax(rounds)
    yield "methods beyond CAM", lambda: method_rows.measured(rounds)
    yield "loops and first answers", lambda: loop_rows.measured(rounds)
    yield "app", lambda: app_rows.measured(rounds)
    yield "gpu", lambda: gpu.measured(rounds)


@click.command()
@click.option(
    "--rounds", default=15, show_default=True, help="Rounds of the quick rows; slow ones take a third."
)
@click.option("--only", default="", help="Only groups whose name has this word.")
@click.option(
    "--parts", type=click.Path(), help="Keep what is measured in this file, for a page of several runs."
)
@click.option("--page", "written", is_flag=True, help="Measure nothing: write the page from --parts.")
@click.option("--note", default="", help="A sentence for the page: how it was measured.")
def main(rounds: int, only: str, parts: str | None, written: bool, note: str) -> None:
    """Measure everything and write docs/performance.md and its plot.

    Parts are only printed, but for `torch`, `methods`, `loops` and `app`.
    """
    known = kept.read(parts)
    for name, work in [] if written else plan(rounds):
        if only and only not in name:
            continue
        found = kept.Group.of(list(work()))
        for row in found.rows:
            mark = "holds" if row.holds else "FAILS"
            figure = f"{row.measured:.3g} {row.unit} (limit {row.limit:g}) {row.note}"
            click.echo(f"{mark}  {row.work} · {row.model}: {figure}")
        for line in found.lines:
            click.echo(" · ".join(line))
        known[name] = found
        kept.write(parts, known)
    if only in page.APART:
        apart = {name: known[name] for name, _ in plan(rounds) if only in name and name in known}
        click.echo(f"wrote {page.write_apart(only, apart, note)}")
    elif written or not only:
        ordered = {name: known[name] for name, _ in plan(rounds) if name in known}
        missing = [name for name, _ in plan(rounds) if name not in known and name != "gpu"]
        click.echo(f"wrote {page.write(ordered, missing, note)}")


if __name__ == "__main__":
    main()
