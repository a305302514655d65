"""The offline-domain-join blob, octet for octet what Samba's ``net offlinejoin provision`` writes."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from provisioning.connections.offline_join import (
    Controller,
    Domain,
    MachineAccount,
    as_account_data,
    as_file,
    provision_data,
    sid_text,
)

CASES = sorted((Path(__file__).parents[1] / "cases" / "offline-join").iterdir())


def written(plain: dict[str, Any]) -> bytes:
    domain = Domain(plain["domain"], plain["netbios"], plain["forest"], UUID(plain["guid"]), plain["sid"])
    controller = Controller(plain["controller"], plain["address"], plain["flags"], plain["site"], plain["site"])
    account = MachineAccount(plain["machine"], SecretStr(plain["password"]), plain["rid"])
    return provision_data(domain, controller, account)


def inputs(case: Path) -> dict[str, Any]:
    plain: dict[str, Any] = yaml.safe_load((case / "input.yml").read_text(encoding="utf-8"))
    return plain


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.name)
def test_the_octets_are_those_of_samba(case: Path) -> None:
    expected = base64.b64decode("".join((case / "expected.txt").read_text().split()))
    assert written(inputs(case)) == expected


def test_the_cases_are_there() -> None:
    assert len(CASES) >= 3


@given(machine=st.from_regex(r"WS-[0-9]{1,12}", fullmatch=True), site=st.text("Aé", min_size=1, max_size=9))
def test_every_part_is_padded_and_counted(machine: str, site: str) -> None:
    data = written({**inputs(CASES[0]), "machine": machine, "site": site})
    assert data[:8] == bytes.fromhex("01100800cccccccc")
    assert int.from_bytes(data[8:12], "little") == len(data) - 16
    assert len(data) % 8 == 0
    assert data.count(machine.encode("utf-16-le") + b"\0\0") == 2  # once for Windows 7, once for later ones


def test_the_two_forms_hold_the_same() -> None:
    data = written(inputs(CASES[0]))
    file = as_file(data)
    assert file.startswith(b"\xff\xfe")
    assert file.endswith(b"\0\0\0") or file[-2:] == b"\0\0"
    assert file.decode("utf-16").rstrip("\0") == as_account_data(data)
    assert base64.b64decode(as_account_data(data), validate=True) == data


def test_sids() -> None:
    octets = bytes.fromhex("010400000000000515000000") + (1).to_bytes(4, "little") * 3
    assert sid_text(octets) == "S-1-5-21-1-1-1"
    for damaged in (b"", octets[:-1], octets + b"\0"):
        with pytest.raises(ValueError, match="not a SID"):
            sid_text(damaged)
    with pytest.raises(ValueError, match="not a SID"):
        written({**inputs(CASES[0]), "sid": "S-1-5"})


def test_the_password_stays_out_of_the_words() -> None:
    account = MachineAccount("WS-1", SecretStr("hunter2-hunter2"), 1100)
    assert "hunter2" not in repr(account)
