"""The registry is a value of the process; inside a `with` block it is another one."""

from __future__ import annotations

import threading

from visioncam_core.plugins.default import methods, registry, use_registry
from visioncam_core.plugins.registry import Registry


def test_another_registry_counts_inside_the_block_only() -> None:
    ours, empty, other = registry(), Registry(discover=False), Registry(discover=False)
    assert registry() is ours
    with use_registry(empty) as inside:
        assert registry() is empty is inside
        assert methods() == ()
        with use_registry(other):
            assert registry() is other
        assert registry() is empty
    assert registry() is ours
    assert methods()


def test_other_threads_keep_theirs() -> None:
    ours, found = registry(), []
    with use_registry(Registry(discover=False)):
        thread = threading.Thread(target=lambda: found.append(registry()))
        thread.start()
        thread.join()
    assert found == [ours]
