"""What is loaded is out of the collections that follow every run of a page, and nothing that is dropped stays."""

import gc
import sys
import types
import weakref

import pytest

from pages.common import memory


class Knot:
    """An object that refers to itself: only a collection frees it."""

    def __init__(self):
        self.own = self


@pytest.fixture(autouse=True)
def _thaw(monkeypatch):
    monkeypatch.setitem(memory._seen, "modules", 0)
    yield
    gc.unfreeze()


def test_what_is_loaded_is_not_walked_again():
    loaded = [[number] for number in range(1000)]
    memory.settle()
    assert not any(item is loaded for item in gc.get_objects())
    assert gc.get_freeze_count() > 1000


def test_what_is_garbage_goes_before_and_after():
    before = weakref.ref(Knot())
    memory.settle()
    assert before() is None
    after = weakref.ref(Knot())
    gc.collect()
    assert after() is None


def test_a_loaded_object_that_is_dropped_goes_when_more_is_loaded():
    kept = Knot()
    seen = weakref.ref(kept)
    memory.settle()
    del kept
    gc.collect()
    assert seen() is not None
    memory.settle()
    assert seen() is None


def test_libraries_that_are_loaded_later_are_settled_too(monkeypatch):
    memory.settle()
    loaded = [[number] for number in range(1000)]
    memory.settle_libraries()
    assert any(item is loaded for item in gc.get_objects())  # nothing heavy came: no collection is paid for
    for number in range(memory.MANY):
        monkeypatch.setitem(sys.modules, f"heavy_{number}", types.ModuleType("heavy"))
    memory.settle_libraries()
    assert not any(item is loaded for item in gc.get_objects())
