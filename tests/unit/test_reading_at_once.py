"""Threads that read many switches at the same time: a dialect is loaded once, templates are not mixed up."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from provisioning import dialects
from provisioning.dialects import Dialect, table_readers
from provisioning.dialects.tables import Table

HEAD = "Port      Name               Status       Vlan       Duplex  Speed Type"


def status(count: int, vlan: int) -> str:
    rows = [
        f"Gi1/0/{i:<3}                    connected    {vlan:<10} a-full a-1000 10/100/1000BaseTX" for i in range(count)
    ]
    return "\n".join([HEAD, *rows])


def test_a_dialect_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[object] = []
    real = Dialect.model_validate

    def validate(plain: object) -> Dialect:
        loaded.append(plain)
        return real(plain)

    monkeypatch.setattr(dialects.Dialect, "model_validate", validate)
    dialects._load.cache_clear()
    together = threading.Barrier(8)

    def load(_: int) -> Dialect:
        together.wait(10)
        return dialects.load("ios")

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(load, range(8)))
    assert (len(loaded), {id(dialect) for dialect in found}) == (1, {id(dialects.load("ios"))})
    with pytest.raises(KeyError):
        dialects.load("nothing")


def test_tables_read_at_once_are_not_mixed_up() -> None:
    ios = dialects.load("ios")

    def read(number: int) -> bool:
        rows = ios.rows("links", status(20 + number % 7, 1 + number))
        return [row["vlan"] for row in rows] == [str(1 + number)] * (20 + number % 7)

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(read, range(64)))


def test_a_template_is_parsed_once() -> None:
    before = table_readers._made.cache_info().misses
    table = Table(
        command="show x", columns={"port": "port"}, textfsm="Value PORT (\\S+)\n\nStart\n  ^${PORT} once -> Record\n"
    )
    for _ in range(5):
        assert table.rows("a once\nb once") == [{"port": "a"}, {"port": "b"}]
    assert table_readers._made.cache_info().misses == before + 1
