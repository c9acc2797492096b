"""The contract of a layer selector, as a list of named checks."""

from __future__ import annotations

import types
from collections.abc import Sequence
from typing import Any

import attrs

from visioncam_core.engine.layer_table import LayerChoice, LayerTable
from visioncam_core.errors import LayerError, PluginWarning, VisionCamError
from visioncam_core.layers.choose import select_layer
from visioncam_core.plugins.default import use_registry
from visioncam_core.plugins.hooks import implementations
from visioncam_core.plugins.hookspecs import hookimpl
from visioncam_core.testing.checks.subject import Check, by_name, require
from visioncam_core.testing.examples.tables import bare_table, make_table
from visioncam_core.testing.isolated import isolated_registry

HOOK = "visioncam_select_layer"


class SomeLayer:
    """What a layer object looks like."""

    name = "conv"

    def call(self, x: Any) -> Any:
        return x


OTHERS: tuple[Any, ...] = (
    "auto", "conv", "stage1/conv", "stage1/conv1", "stage3/conv9", "re:conv", "twice/conv#1", "", "é ü", " ",
    "someone-elses:4", ":", "a:b:c", 0, -1, 10**12, 1.5, None, True, b"conv", (), ("conv", 1), ["conv"],
    {"layer": 1}, SomeLayer(), lambda table: table.rows[0],
)  # fmt: skip
"""Queries that belong to VisionCam itself, to another plugin, or to nobody."""


@attrs.frozen(eq=False)
class SelectorSubject:
    """The selector under test.

    Attributes:
        plugin: the module or object that has the hook.
        answers: queries that it must answer on the table.
        refuses: queries of its own that it must refuse there.
        table: a table that it can answer about.
    """

    plugin: Any
    answers: tuple[Any, ...]
    refuses: tuple[Any, ...]
    table: LayerTable

    @property
    def name(self) -> str:
        return str(getattr(self.plugin, "__name__", type(self.plugin).__name__))

    def ask(
        self,
        query: Any,
        table: LayerTable | None = None,
        *,
        may_raise: tuple[type[Exception], ...] = (),
        note: str = "",
    ) -> Any:
        """Return the answer of the hook.  An error that it may not raise is a fault, explained by `note`."""
        try:
            (select,) = (impl for impl in implementations(self.plugin) if impl.hook == HOOK)
        except Exception as error:
            raise AssertionError(f"{self.name} has no {HOOK} that can be loaded") from error
        try:
            return select(table=self.table if table is None else table, query=query)
        except may_raise:
            raise
        except Exception as error:
            raise AssertionError(
                f"{self.name} raised {type(error).__name__} on {query!r}{note}: {error}"
            ) from error

    def answer(self, query: Any) -> LayerChoice:
        """Return the answer to one of its own queries."""
        choice = self.ask(query)
        require(
            isinstance(choice, LayerChoice),
            f"{self.name} returned {choice!r} for {query!r}; a query of its own gets a LayerChoice(row, why)",
        )
        return choice


def hook(subject: SelectorSubject) -> None:
    """The plugin has the hook, with the arguments it has."""
    try:
        found = [impl.hook for impl in implementations(subject.plugin)]
    except Exception as error:
        raise AssertionError(f"{subject.name} cannot be loaded: {error}") from error
    require(HOOK in found, f"{subject.name} has no {HOOK}, only {', '.join(found)}")


def answers(subject: SelectorSubject) -> None:
    """Its own queries get a row of the table that can be explained, and one line that says why."""
    require(subject.answers, "name at least one query it answers: selector_checks(..., answers=['block:1'])")
    for query in subject.answers:
        choice = subject.answer(query)
        row = choice.row
        require(
            any(row is one for one in subject.table.rows),
            f"{subject.name} answered {query!r} with {row!r}, which is not a row of the table it was given",
        )
        fault = row.refused or ("" if row.reaches_score else "the score does not depend on it")
        require(
            not fault and row.index is not None,
            f"{subject.name} answered {query!r} with layer {row.path!r}, which cannot be explained: {fault}; "
            "look at table.candidates whose row.reaches_score holds",
        )
        good = isinstance(choice.why, str) and choice.why.strip() and "\n" not in choice.why
        require(good, f"{subject.name} answered {query!r} without a reason in one line: why={choice.why!r}")


def refuses(subject: SelectorSubject) -> None:
    """A query of its own that cannot be met is a LayerError that names it."""
    advice = ", which it cannot meet; raise visioncam_core.errors.LayerError, which says why and what to do"
    for query in subject.refuses:
        try:
            answer = subject.ask(query, may_raise=(LayerError,), note=advice)
        except LayerError as error:
            require(
                str(query) in str(error),
                f"{subject.name} refuses {query!r} without naming it; its message is {str(error)!r}",
            )
        else:
            raise AssertionError(f"{subject.name} answered {query!r} with {answer!r}; it must refuse it")


def leaves_others_alone(subject: SelectorSubject) -> None:
    """Names, indices, layers, functions, "auto" and other schemes get None, whatever they are."""
    for query in OTHERS:
        answer = subject.ask(query, note=", which is not its query; return None, and look at the type first")
        require(answer is None, f"{subject.name} answered {query!r}, which is not its query; return None")


def other_tables(subject: SelectorSubject) -> None:
    """On any model, its own queries get a layer or a LayerError: signals, volumes, few layers or none."""
    tables = {
        "a model with one layer": make_table([(4, 6)], each=1),
        "a model of signals": make_table([(32,), (8,)]),
        "a model of volumes": make_table([(8, 8, 8), (2, 4, 4)]),
        "a model without a layer that can be explained": bare_table(),
    }
    for what, table in tables.items():
        for query in (*subject.answers, *subject.refuses):
            try:
                choice = subject.ask(query, table, may_raise=(VisionCamError,), note=f" for {what}")
            except VisionCamError:
                continue
            require(
                isinstance(choice, LayerChoice) and any(choice.row is row for row in table.candidates),
                f"{subject.name} returned {choice!r} for {query!r} on {what}; answer with a candidate of "
                "that table, or raise a LayerError",
            )


def same_answer_twice(subject: SelectorSubject) -> None:
    """The same query on the same table gets the same layer."""
    for query in subject.answers:
        first, second = subject.answer(query), subject.answer(query)
        require(
            first.row is second.row,
            f"{subject.name} answered {query!r} with {first.path!r} and then {second.path!r}; keep no state",
        )


def through_the_registry(subject: SelectorSubject) -> None:
    """VisionCam, asked, gives the plugin's answer, and its own for what is its own."""
    row = subject.table.candidates[0]
    for query in (*subject.answers, row.path):
        try:
            with use_registry(isolated_registry(subject.plugin)):
                found = select_layer(subject.table, query)
        except (VisionCamError, PluginWarning) as error:
            raise AssertionError(f"VisionCam, given {query!r} of {subject.name}: {error}") from error
        expected = row if query == row.path else subject.answer(query).row
        require(found.row is expected, f"for {query!r}, VisionCam took {found.path!r}, {found.why}")


SELECTOR_CHECKS = by_name(
    hook, answers, refuses, leaves_others_alone, other_tables, same_answer_twice, through_the_registry
)
"""Name -> check."""


def selector_checks(
    selector: Any, answers: Sequence[Any], refuses: Sequence[Any] = (), table: LayerTable | None = None
) -> list[Check]:
    """Return the checks that a layer selector must pass.

        CHECKS = selector_checks(my_plugin, answers=["block:1", "block:-1"], refuses=["block:9", "block:x"])

        @pytest.mark.parametrize("check", CHECKS)
        def test_contract(check):
            check()

    Args:
        selector: the plugin's module, or the function `visioncam_select_layer(table, query)`.
        answers: queries that it must answer.
        refuses: queries of its own that it must refuse.
        table: which table these are about; by default `make_table()`, a convolutional network of four
            resolutions with two layers each.

    Returns:
        One check each, with a `name` that pytest shows; calling it raises AssertionError or returns.
    """
    plugin = selector
    if isinstance(selector, types.FunctionType):
        plugin = types.ModuleType(selector.__module__)
        marked = selector if hasattr(selector, "visioncam_impl") else hookimpl(selector)
        vars(plugin)[HOOK] = marked
    subject = SelectorSubject(
        plugin, tuple(answers), tuple(refuses), make_table() if table is None else table
    )
    return [Check(name, subject, run) for name, run in SELECTOR_CHECKS.items()]
