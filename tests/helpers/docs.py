"""The documents as data: their links, anchors, code, and the tool that writes parts of them."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def generator(checkout: Path) -> ModuleType:
    """Return `tools/generate_docs.py`, which is no part of a package."""
    spec = importlib.util.spec_from_file_location("generate_docs", checkout / "tools" / "generate_docs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def code(text: str, language: str) -> str:
    """Return a document's blocks of one language, each on its own lines, so that errors name them."""
    lines = ""
    for block in FENCE.finditer(text):
        if block[1] == language:
            lines += "\n" * (text.count("\n", 0, block.start(2)) - lines.count("\n")) + block[2]
    return lines


def anchors(text: str) -> set[str]:
    """Return the anchors of a document: its headings' own, and those written out."""
    plain = FENCE.sub("", text)
    slugs = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in HEADING.findall(plain)}
    return slugs | set(re.findall(r'<a id="([^"]+)"', plain))


def dead_links(path: Path, root: Path) -> list[str]:
    """List the links of a document that lead to no file or anchor in the checkout; the web is not asked."""
    dead = []
    for link in LINK.findall(FENCE.sub("", path.read_text("utf-8"))):
        if re.match(r"\w+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        found = target.exists() and target.is_relative_to(root)
        if found and anchor and target.suffix == ".md":
            found = anchor in anchors(target.read_text("utf-8"))
        if not found:
            dead.append(link)
    return dead
