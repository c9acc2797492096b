"""docs/compatibility.md tells of every kind of model in the tests and every family, and all is well there."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import helpers.networks.forms
import helpers.networks.legacy
import helpers.networks.ranks
import helpers.networks.space
import helpers.networks.tokens  # noqa: F401  -- registers its kinds
import keras
import pytest
from helpers.networks.kinds import KINDS

import visioncam

RUN = "run `python tools/compatibility.py` and look at what changed"


@pytest.fixture(scope="module")
def tables(checkout: Path) -> list[list[list[str]]]:
    """Return the page's two tables as cells, headings first."""
    text = (checkout / "docs" / "compatibility.md").read_text("utf-8")
    blocks = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    return [[[cell.strip() for cell in line.split("|")[1:-1]] for line in b.splitlines()] for b in blocks]


def test_every_kind_by_every_method(tables: list[list[list[str]]]) -> None:
    heading, _, *rows = tables[0]
    assert {row[0].split("`")[1] for row in rows} == set(KINDS), RUN
    assert set(heading[3:]) == {row.name for row in visioncam.methods() if row.in_all}
    for row in rows:
        wanted = KINDS[row[0].split("`")[1]]
        assert row[1].strip("`") in ((wanted.auto,) if isinstance(wanted.auto, str) else wanted.auto), RUN
        assert row[2] == "×".join(map(str, wanted.grid)), RUN
        assert set(row[3:]) == {"✓"}, row


def test_every_family_of_keras_applications(tables: list[list[list[str]]], checkout: Path) -> None:
    """A network that a newer Keras brings is missed here, and so is a family whose maps do not all come."""
    families = runpy.run_path(str(checkout / "tools" / "compatibility.py"))["FAMILIES"]
    known = {name for name, value in vars(keras.applications).items() if callable(value)}
    assert {member for _, members in families.values() for member in members} == known
    _, _, *rows = tables[1]
    assert {row[0] for row in rows} == set(families), RUN
    assert {row[4] for row in rows} == {"6 of 6"}
