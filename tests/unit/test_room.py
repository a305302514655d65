"""How many sessions may be open at once: each has two open files."""

from __future__ import annotations

import resource

import pytest

from provisioning.connections.room import room_for_sessions

Limits = tuple[int, int]


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> list[Limits]:
    """The limit for files (soft, hard), and what it was set to."""
    told: list[Limits] = [(1024, 524_288)]
    monkeypatch.setattr(resource, "getrlimit", lambda _: told[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda _, limit: told.append(limit))
    return told


@pytest.mark.parametrize(
    ("given", "room", "set_to"),
    [
        ((1024, 524_288), 4096, [(8448, 524_288)]),
        ((1024, resource.RLIM_INFINITY), 4096, [(8448, resource.RLIM_INFINITY)]),
        ((1024, 2000), 872, [(2000, 2000)]),
        ((1024, 1024), 384, []),
        ((100, 100), 0, []),
        ((20_000, 20_000), 4096, []),
        ((resource.RLIM_INFINITY, resource.RLIM_INFINITY), 4096, []),
    ],
)
def test_the_limit_for_files_decides(limits: list[Limits], given: Limits, room: int, set_to: list[Limits]) -> None:
    limits[:] = [given]
    assert room_for_sessions() == room
    assert limits[1:] == set_to
