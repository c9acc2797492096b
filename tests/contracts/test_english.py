"""What users read is plain English, in the words of the glossary in CONTRIBUTING.md."""

from __future__ import annotations

import ast
import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import visioncam

PACKAGES = ("visioncam", "visioncam_core", "visioncam_engines", "visioncam_methods", "visioncam_metrics",
            "visioncam_viz")  # fmt: skip
ODD = {
    r"\banew\b": "again, or re-: recompute, reinstall",
    r"\bas it stands\b": "unchanged, so far",
    r"\bis asked\b|\basked for\b": "requested, needed, explained",
    r"\b(is|are|was|were) told\b(?! apart)": "is reported",
    r"\b(asks nobody|nobody (knows|says?|said|marked|named))\b": "is not known, without a name",
    r"\bby luck\b": "by chance",
    r"\b(does|do) not tell\b": "does not show",
    r"\b(done|made|started?) again\b": "redone, recomputed, restarted",
    r"\b(for|as) people (have|write|who)?\b": "for display",
    r"\bfilms?\b": "animation, video",
    r"\bgo(es)? along\b": "is correlated with",
    r"\bhangs? on\b": "depends on",
    r"\bin spite of\b": "despite",
    r"\bin the place of\b": "instead of; what replaces",
    r"\binterrupted is\b": "resumes after an interruption",
    r"(?<![Tt]here )\b(is|are) no (?!longer|more|less|better|different|finer|larger)\w": "is not a",
    r"\bmade ready\b": "preprocessed, prepared",
    r"\bmeans? nothing\b": "is meaningless, does not apply",
    r"\bmend(s|ed)?\b": "fix",
    r"\b[Oo]f whatever\b|\bwhatever (is|it|a|the)\b": "say what: seed of the random numbers; for any",
    r"\bof (yours|ours)\b": "your own, our",
    r"\bone (cell|line|mark|name|number|record|row) an? [a-z]": "one row per method",
    r"\b(passes|seconds|pictures) a (map|picture|second)\b": "passes per map",
    r"\b(otherwise|another) than\b": "different from, other than",
    r"\b(rights|maker)\b": "permissions, author",
    r"\bsays? so\b": "with the diagnostic; reports it",
    r"\bsurely (better|worse|beats?|more)\b": "significantly",
    r"\bwhat to be careful about\b": "caveats",
    r"\bwhole or not\b": "complete or absent",
    r"\bwithout a word\b": "silently",
}
"""What the writing had, and what to write; a match in code is none."""


def odd(text: str, words: dict[str, str]) -> list[str]:
    """List the oddities of a text, each with its surroundings and the plain way."""
    text = " ".join(text.split())
    return [
        f"…{text[max(0, at.start() - 40) : at.end() + 30]}…: {plain}"
        for word, plain in words.items()
        for at in re.finditer(word, text)
    ]


def prose(page: str) -> str:
    """Return a page without its code."""
    return re.sub(r"```.*?```|`[^`\n]*`|<!--.*?-->", " code ", page, flags=re.DOTALL)


def literals(tree: ast.AST) -> Iterator[str]:
    """Yield the texts in code that are no docstrings, with {} for what f-strings fill in."""
    parts, quiet = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts |= set(map(id, node.values))
            yield "".join(one.value if isinstance(one, ast.Constant) else "{}" for one in node.values)
        elif isinstance(node, ast.Expr):
            quiet.add(id(node.value))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in parts | quiet:
            yield node.value


def pages(root: Path) -> Iterator[tuple[str, str]]:
    for path in (root / "README.md", root / "SECURITY.md", root / "plugins_example" / "README.md",
                 *(root / "docs").rglob("*.md")):  # fmt: skip
        yield str(path.relative_to(root)), prose(path.read_text("utf-8"))
    yield "CHANGELOG.md", prose(re.split(r"(?m)^## \[", (root / "CHANGELOG.md").read_text("utf-8"))[1])
    for path in (root / "examples").glob("*.ipynb"):
        cells = json.loads(path.read_text("utf-8"))["cells"]
        yield (
            path.name,
            prose("\n\n".join("".join(one["source"]) for one in cells if one["cell_type"] == "markdown")),
        )
    for path in (root / "visioncam").rglob("templates/*.[ht][te]m*"):
        yield path.name, re.sub(r"<[^>]*>", " ", path.read_text("utf-8"))
    for path in (root / "tests" / "contracts" / "help").glob("*.txt"):
        yield f"--help of {path.stem}", path.read_text("utf-8")


@pytest.fixture(scope="module")
def texts(checkout: Path) -> dict[str, str]:
    """Everything that users read: name -> text."""
    found = dict(pages(checkout))
    for package in PACKAGES:
        for path in (checkout / package).rglob("*.py"):
            tree = ast.parse(path.read_text("utf-8"))
            found[str(path.relative_to(checkout))] = "\n".join(text for text in literals(tree) if " " in text)
    for name in visioncam.__all__:
        found[f"visioncam.{name}"] = prose(inspect.getdoc(getattr(visioncam, name)) or "")
    return found


def test_no_odd_english(texts: dict[str, str]) -> None:
    found = {name: odd(text, ODD) for name, text in texts.items()}
    assert not {name: lines for name, lines in found.items() if lines}


def test_the_glossary_is_kept(texts: dict[str, str], checkout: Path) -> None:
    rows = re.findall(
        r"(?m)^\| ([^|]+) \| [^|]+ \| ([^|]+) \|$", (checkout / "CONTRIBUTING.md").read_text("utf-8")
    )
    unsaid = {rf"\b{term}s?\b": word for word, terms in rows[1:] for term in terms.split(", ") if term != "–"}
    assert len(unsaid) > 5
    found = {name: odd(text, unsaid) for name, text in texts.items()}
    assert not {name: lines for name, lines in found.items() if lines}


@pytest.mark.parametrize("text", ["of whatever is drawn", "its maps are made\nanew", "0.png is no picture"])
def test_an_oddity_is_found(text: str) -> None:
    assert odd(f"a sentence, {text}, and more", ODD)


def test_code_is_left_alone() -> None:
    assert not odd(prose("see `is no x` and\n```py\nmade = again  # is no list\n```"), ODD)
