"""Kinds, proofs and procedures by name: each is there, and is what its name says; otherwise it is like a dict."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from provisioning.procedures.registry import PROCEDURES
from provisioning.resources.base import State
from provisioning.resources.on_demand import OnDemand
from provisioning.resources.registry import KINDS, PROOFS


@pytest.mark.parametrize("name", sorted(KINDS))
def test_each_kind_is_there_under_its_own_name(name: str) -> None:
    kind = KINDS[name]
    assert kind.name == name
    assert issubclass(kind.state, State)
    assert callable(kind.read)
    assert callable(kind.apply)


@pytest.mark.parametrize("name", sorted(PROOFS))
def test_each_proof_is_there_under_its_own_name(name: str) -> None:
    assert PROOFS[name].name == name
    assert callable(PROOFS[name].check)


@pytest.mark.parametrize("name", sorted(PROCEDURES))
def test_each_procedure_is_there(name: str) -> None:
    assert callable(PROCEDURES[name])


def test_what_is_not_asked_for_is_not_loaded() -> None:
    things = OnDemand[object]({"one": "nowhere.at_all:THING", "two": "colorsys:rgb_to_hls"})
    assert list(things) == ["one", "two"]
    assert ("one" in things, "three" in things, len(things)) == (True, False, 2)
    with pytest.raises(ModuleNotFoundError):
        things["one"]
    with pytest.raises(KeyError, match="three"):
        things["three"]


def test_what_is_put_there_takes_the_place_of_what_was(monkeypatch: pytest.MonkeyPatch) -> None:
    things = OnDemand[object]({"one": "os.path:join", "two": "os.path:split"})
    was = things["one"]
    with monkeypatch.context() as patch:
        patch.setitem(things, "one", "mine")
        patch.setitem(things, "three", "new")
        assert (things["one"], list(things), things.get("three")) == ("mine", ["one", "two", "three"], "new")
    assert (things["one"], list(things)) == (was, ["one", "two"])
    del things["two"]
    assert (list(things), things.get("two")) == (["one"], None)


def test_threads_that_ask_at_once_get_the_same_thing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "made_slowly.py").write_text("import time\ntime.sleep(0.05)\nclass Box:\n    thing = object()\n")
    monkeypatch.syspath_prepend(tmp_path)
    things, together = OnDemand[object]({"box": "made_slowly:Box.thing"}), Barrier(8)

    def ask(_: int) -> object:
        together.wait()
        return things["box"]

    with ThreadPoolExecutor(8) as threads:
        assert len({id(thing) for thing in threads.map(ask, range(8))}) == 1
    monkeypatch.delitem(sys.modules, "made_slowly")
