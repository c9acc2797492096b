"""The documents: written from the code where they can be, no dead links, and every Python block runs."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import pytest
from helpers.docs import anchors, code, dead_links, generator
from PIL import Image

from visioncam.cli.main import app

CHECKOUT = Path(__file__).resolve().parents[2]
DOCUMENTS = [
    str(path.relative_to(CHECKOUT))
    for folder in ("", "docs", "examples", "plugins_example")
    for path in sorted((CHECKOUT / folder).glob("*.md"))
]
TUTORIAL = "plugins_example/README.md"
RUN_ELSEWHERE = {
    "docs/paper-style.md",  # by tests/methods/test_paper_style.py, without its download
    TUTORIAL,  # by tests/contracts/test_tutorial.py
    "docs/writing-plugins.md",  # by tests/contracts/test_writing_plugins.py, which writes its files first
}


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    return generator(CHECKOUT)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_follows_from_the_code_is_up_to_date(name: str, tool: ModuleType) -> None:
    text = (CHECKOUT / name).read_text("utf-8")
    assert tool.regenerated(text) == text, "run `python tools/generate_docs.py`"


def test_every_written_part_is_used_and_marked_rightly(tool: ModuleType) -> None:
    texts = [(CHECKOUT / name).read_text("utf-8") for name in DOCUMENTS]
    used = [found[1] for text in texts for found in tool.REGION.findall(text)]
    assert set(used) == set(tool.REGIONS)
    assert len(used) == sum(text.count("<!-- begin ") for text in texts)


def test_a_stale_part_is_seen(tool: ModuleType) -> None:
    begin, end = "<!-- begin diagnostics: written by tools/generate_docs.py -->\n", "<!-- end diagnostics -->"
    stale = f"before\n{begin}old\n{end}\nafter"
    new = tool.regenerated(stale)
    assert "`zero-gradient`" in new
    assert new.startswith("before\n" + begin)
    assert new.endswith(end + "\nafter")
    assert tool.regenerated(new) == new


def test_every_method_and_renderer_is_documented_once(tool: ModuleType) -> None:
    methods = (CHECKOUT / "docs" / "methods.md").read_text("utf-8")
    api = (CHECKOUT / "docs" / "python-api.md").read_text("utf-8")
    rows = tool.registry().methods()
    assert [methods.count(f'<a id="{spec.name}"></a>') for spec in rows] == [1] * len(rows)
    for heading in ("**Where others differ.**", "**Reference.**", "```text\n"):
        assert methods.count(heading) == len(rows)
    for option in ("`n`", "`sigma`", "`weights`", "`normalize`"):
        assert f"| {option} |" in methods
    assert all(f"(`{spec.name}`" in api for spec in tool.registry().renderers())


def test_docstrings_become_markdown(tool: ModuleType) -> None:
    assert tool.prose("a (N, *grid) of\n  *pictures* `*x`") == r"a (N, \*grid) of *pictures* `*x`"
    assert tool.entries("one: first\n    more\n*args, two: second") == [
        ("one", "first more"),
        ("args, two", "second"),
    ]
    assert tool.table(("a", "b"), [("1|2", "3")]) == "| a | b |\n| --- | --- |\n| 1\\|2 | 3 |"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_no_dead_links(name: str) -> None:
    assert dead_links(CHECKOUT / name, CHECKOUT) == []


def test_the_search_for_dead_links_finds_them(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# One thing, or two\n[a](#one-thing-or-two) [b](#none) [c](none.md) ![d](page.md#none) [e](../)\n"
        "[f](https://example.org/none)\n```\n[g](none)\n```\n"
    )
    assert dead_links(page, tmp_path) == ["#none", "none.md", "page.md#none", "../"]
    assert anchors("## `a` b-c\n```\n# no\n```\n") == {"a-b-c"}


WITH_PYTHON = [
    name
    for name in DOCUMENTS
    if name not in RUN_ELSEWHERE and code((CHECKOUT / name).read_text("utf-8"), "python")
]


@pytest.fixture(scope="module", params=WITH_PYTHON)
def ran(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path, dict]:
    """Run a document's Python as it stands in an empty folder with the examples; return what it left."""
    name = request.param
    folder = tmp_path_factory.mktemp("docs")
    (folder / "examples").symlink_to(CHECKOUT / "examples", target_is_directory=True)
    names: dict[str, Any] = {"__name__": "readme"}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")  # a database needs more than mlflow-skinny
        patch.setenv("MLFLOW_TRACKING_URI", (folder / "mlruns").as_uri())
        if name == "docs/training.md":
            pytest.importorskip("mlflow")
            pytest.importorskip("wandb")
        text = code((CHECKOUT / name).read_text("utf-8"), "python")
        exec(compile(text, name, "exec", dont_inherit=True), names)
    return name, folder, names


def test_every_python_block_runs(ran: tuple[str, Path, dict[str, Any]]) -> None:
    name, folder, names = ran
    assert names["model"].name
    written = {path.name for path in folder.iterdir()} - {"examples"}
    if name == "README.md":
        e = names["e"]
        assert (e.target.index, e.method, e.layer.path) == (282, "xgradcam", "top_activation")
        assert e.diagnostics == ()
        assert written == {"cat.png", "cat.npz", "cat.html", "compare.png", "power.png"}
    elif name == "docs/python-api.md":
        assert written == {
            "cat_xgradcam.png", "heat.png", "three.png", "four.png", "cats.html", "cat.pdf", "cat.png"
        }  # fmt: skip


def command_lines() -> list[str]:
    names = [name for name in DOCUMENTS if name != TUTORIAL]  # its flags are those of the method it writes
    lines = "\n".join(code((CHECKOUT / name).read_text("utf-8"), "sh") for name in names).splitlines()
    return [line.partition(" #")[0].rstrip() for line in lines if line.startswith("visioncam ")]


PROGRAM = click.Context(
    app, **app.context_settings
)  # a command asks its parent how help is spelt, and keeps that


def command(name: str) -> click.Command:
    found = app.get_command(PROGRAM, name)
    assert found is not None, name
    return found


@pytest.mark.parametrize("line", command_lines())
def test_every_command_line_is_understood(line: str) -> None:
    _, name, *words = shlex.split(line)
    command(name).make_context(name, words, parent=PROGRAM)  # parses, and runs nothing


@pytest.mark.parametrize("name", app.list_commands(PROGRAM))
def test_every_example_of_the_help_is_understood(name: str) -> None:
    for line in getattr(command(name), "examples", ()):
        assert line in command(name).get_help(click.Context(command(name), parent=PROGRAM))
        _, again, *words = shlex.split(line)
        assert again == name
        command(name).make_context(name, words, parent=PROGRAM)


def test_a_command_line_with_a_wrong_flag_is_seen() -> None:
    with pytest.raises(click.UsageError, match="--layers"):
        command("explain").make_context("explain", ["cat.jpg", "--layers", "x"], parent=PROGRAM)


def test_the_readme_stays_short() -> None:
    text = (CHECKOUT / "README.md").read_text("utf-8")
    words = " ".join(line for line in text.splitlines() if not line.startswith(("|", "<!--")))
    assert 500 < len(words.split()) < 780, "what is not for everybody goes into docs/"


def test_the_readmes_first_picture_is_wide_and_light() -> None:
    name = re.search(r"!\[[^]]+\]\((docs/images/[^)]+)\)", (CHECKOUT / "README.md").read_text("utf-8"))
    assert name is not None
    with Image.open(CHECKOUT / name[1]) as picture:
        assert picture.width > 1500
    assert (CHECKOUT / name[1]).stat().st_size < 300_000
