"""A site of any size, to measure with: the example site, with as many desks as are asked for."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

EXAMPLE = Path(__file__).parents[1] / "inventories/example"
_PORTS, _SWITCHES_IN_CLOSET, _DESKS_IN_ROOM, _ROOMS_IN_BUILDING = 48, 6, 4, 250
_PROFILES = (("sales", "Sales"), ("accounting", "Accounting"), ("engineer", "Engineering"), ("it-support", "IT"))
_GIVEN = (
    "Anna Boris Carla David Elena Fabio Greta Hugo Irina Jonas Katja Luis Marta Nils Olga Pavel Rita Sven Tanja Uwe"
)
_FIRST = "Al Ber Cor Dan Eck Fal Gar Hol Iv Jan Kor Lang Mar Nor Ost Pet Quin Ros Sor Tal Ul Vos Wal Zim"
_LAST = "a ander bach berg dorf er ev feld hoff in ke ler mann off ov sen ski son stein thal"


def write_large_site(folder: Path, seats: int) -> None:
    """The example site with its own desks replaced by `seats` others, each with a person and a PC."""
    shutil.copytree(EXAMPLE, folder)
    for name in ("phones.yml", "files.yml", "printers.yml", "equipment.csv", "approvals.yml", "leavers.yml"):
        (folder / name).unlink()
    _trim(folder)
    switches = -(-seats // _PORTS)
    _write(folder / "closets.yml", yaml.safe_dump({"closets": dict(_closets(switches))}))
    network = yaml.safe_load((folder / "network.yml").read_text(encoding="utf-8"))
    model = network["network"]["switches"]["sw-b2-1"]
    network["network"]["switches"] = dict(_switches(switches, model))
    _write(folder / "network.yml", yaml.safe_dump(network))
    _table(folder / "outlets.csv", "outlet,closet,panel,panel_port,switch,switch_port", _outlets(seats))
    _table(folder / "workplaces.csv", "workplace,building,room,outlet", _desks(seats))
    _table(folder / "workstations.csv", "workstation,asset_tag,mac,model,host,workplace", _pcs(seats))
    _table(folder / "people.csv", "person,given_name,family_name,department,profile,workplace", _people(seats))


def _trim(folder: Path) -> None:
    """Without what would name things that are gone."""
    profiles = yaml.safe_load((folder / "profiles.yml").read_text(encoding="utf-8"))
    for profile in profiles["profiles"].values():
        profile.pop("shares", None)
        profile.pop("phone_class", None)
    _write(folder / "profiles.yml", yaml.safe_dump(profiles, allow_unicode=True))
    site = (folder / "site.yml").read_text(encoding="utf-8")
    _write(folder / "site.yml", re.sub(r"(?m)^ledger:.*$", "ledger: ledger.sqlite", site))


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _table(path: Path, head: str, rows: Iterator[str]) -> None:
    _write(path, "\n".join([head, *rows, ""]))


def _room(seat: int) -> tuple[str, str]:
    building, room = divmod(seat // _DESKS_IN_ROOM, _ROOMS_IN_BUILDING)
    return f"B{building}", f"B{building}-{room:03}"


def _switch(seat: int) -> tuple[int, int]:
    return divmod(seat, _PORTS)


def _closets(switches: int) -> Iterator[tuple[str, Any]]:
    for number in range(-(-switches // _SWITCHES_IN_CLOSET)):
        panels = {f"P{panel}": _PORTS for panel in range(_SWITCHES_IN_CLOSET)}
        yield f"C-{number}", {"room": f"K-{number}", "panels": panels}


def _switches(count: int, model: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for number in range(count):
        ssh = {"host": f"sw-{number}.corp.example", "port": 22}
        yield f"sw-{number}", {**model, "ssh": ssh, "closet": f"C-{number // _SWITCHES_IN_CLOSET}", "uplinks": []}


def _outlets(seats: int) -> Iterator[str]:
    for seat in range(seats):
        switch, port = _switch(seat)
        closet, panel = divmod(switch, _SWITCHES_IN_CLOSET)
        yield f"O-{seat:05},C-{closet},P{panel},{port + 1},sw-{switch},GigabitEthernet1/0/{port + 1}"


def _desks(seats: int) -> Iterator[str]:
    for seat in range(seats):
        building, room = _room(seat)
        yield f"D-{seat:05},{building},{room},O-{seat:05}"


def _pcs(seats: int) -> Iterator[str]:
    for seat in range(seats):
        mac = f"02:00:5e:{seat >> 16 & 255:02x}:{seat >> 8 & 255:02x}:{seat & 255:02x}"
        yield f"WS-{seat:05},NW-{seat:05},{mac},OptiPlex 7010,ws-{seat:05}.corp.example,D-{seat:05}"


def _people(seats: int) -> Iterator[str]:
    for seat in range(seats):
        profile, department = _PROFILES[seat // _DESKS_IN_ROOM % len(_PROFILES)]
        yield f"E{seat:05},{_name(seat)},{department},{profile},D-{seat:05}"


def _name(person: int) -> str:
    """Given and family name. There are 9,600 of them, so that a large company has namesakes, as large companies do."""
    words = person
    chosen = []
    for choice in (_GIVEN.split(), _FIRST.split(), _LAST.split()):
        words, one = divmod(words, len(choice))
        chosen.append(choice[one])
    return f"{chosen[0]},{chosen[1]}{chosen[2]}"
