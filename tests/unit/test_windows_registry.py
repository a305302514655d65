"""The .reg format, registry states, and the policies made of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from provisioning.errors import RequestError
from provisioning.resources.base import Address, Change
from provisioning.resources.windows import reg_file
from provisioning.resources.windows.exports import check_key
from provisioning.resources.windows.reg_file import KeyEdit, RegistryValue
from provisioning.resources.windows.registry import REGISTRY, RegistryKey
from provisioning.site.load import load
from tests.unit.cli_office import EXAMPLE
from tests.unit.windows_session import FakePc

CASES = sorted((Path(__file__).parents[1] / "cases" / "windows.reg-file").iterdir())
KEY = "HKLM\\SOFTWARE\\Пример"
FULL = "HKEY_LOCAL_MACHINE\\SOFTWARE\\Пример"


def sz(text: str) -> RegistryValue:
    return RegistryValue(type="REG_SZ", data=text)


def as_windows_writes(text: str) -> bytes:
    return b"\xff\xfe" + text.replace("\n", "\r\n").encode("utf-16-le")


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.name)
def test_parse(case: Path) -> None:
    octets = as_windows_writes((case / "input.reg").read_text(encoding="utf-8"))
    expected = yaml.safe_load((case / "expected.yml").read_text(encoding="utf-8"))
    if "refused" in expected:
        with pytest.raises(ValueError, match=expected["refused"]):
            reg_file.parse(octets)
    else:
        wanted = {
            key: {name: RegistryValue.model_validate(value) for name, value in values.items()}
            for key, values in expected.items()
        }
        assert reg_file.parse(octets) == wanted


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=40)
names = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=20)
values = st.one_of(
    st.builds(lambda text: RegistryValue(type="REG_SZ", data=text), texts),
    st.builds(lambda text: RegistryValue(type="REG_EXPAND_SZ", data=text), texts),
    st.builds(
        lambda items: RegistryValue(type="REG_MULTI_SZ", data=tuple(items)), st.lists(texts.filter(bool), max_size=4)
    ),
    st.builds(lambda number: RegistryValue(type="REG_DWORD", data=number), st.integers(0, 2**32 - 1)),
    st.builds(lambda number: RegistryValue(type="REG_QWORD", data=number), st.integers(0, 2**64 - 1)),
    st.builds(lambda octets: RegistryValue(type="REG_BINARY", data=octets.hex()), st.binary(max_size=30)),
    st.builds(lambda octets: RegistryValue(type="REG_4660", data=octets.hex()), st.binary(max_size=5)),
)


@given(st.dictionaries(names, values, max_size=5))
def test_what_is_written_reads_back(entries: dict[str, RegistryValue]) -> None:
    assert reg_file.parse(reg_file.write([KeyEdit(KEY, entries)])) == {FULL: entries}


def test_written_form() -> None:
    octets = reg_file.write(
        [KeyEdit(KEY, {"": sz('a"\\'), "gone": None, "n": RegistryValue(type="REG_DWORD", data=10)})]
    )
    assert octets.startswith(b"\xff\xfe")
    assert octets[2:].decode("utf-16-le").split("\r\n") == [
        "Windows Registry Editor Version 5.00",
        "",
        f"[{FULL}]",
        '@="a\\"\\\\"',
        '"gone"=-',
        '"n"=dword:0000000a',
        "",
        "",
    ]


@pytest.mark.parametrize("name", ["a\nb", "a\r", "\x00", "a\u2028b"])
def test_no_name_can_begin_a_line_of_its_own(name: str) -> None:
    with pytest.raises(ValueError, match="control character"):
        reg_file.write([KeyEdit(KEY, {name: sz("x")})])
    with pytest.raises(ValueError, match="control character"):
        reg_file.write([KeyEdit(f"{KEY}\\{name}", {})])


def test_a_line_break_in_a_value_cannot_leave_it() -> None:
    hostile = sz('x"\r\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\Evil]\r\n"a"="b')
    assert list(reg_file.parse(reg_file.write([KeyEdit(KEY, {"v": hostile})]))) == [FULL]


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("REG_DWORD", 2**32),
        ("REG_DWORD", -1),
        ("REG_DWORD", "1"),
        ("REG_QWORD", 2**64),
        ("REG_SZ", 1),
        ("REG_SZ", "a\0b"),
        ("REG_MULTI_SZ", "a"),
        ("REG_MULTI_SZ", ("a", "")),
        ("REG_BINARY", "0g"),
        ("REG_BINARY", "ABC"),
        ("REG_TEXT", "a"),
    ],
)
def test_values_that_do_not_fit_their_type(kind: str, data: object) -> None:
    with pytest.raises(ValueError, match="REG_"):
        RegistryValue.model_validate({"type": kind, "data": data})


@pytest.mark.parametrize(
    "key", ["SOFTWARE\\X", "HKLM", "HKLM\\", 'HKLM\\a"b', "HKLM\\a\\\\b", "HKCU\\Software\\X", "C:\\x"]
)
def test_keys_that_cannot_be_managed(key: str) -> None:
    with pytest.raises(RequestError):
        check_key("windows:X", key)


def test_names_are_compared_without_case_and_types_with() -> None:
    wanted = RegistryKey(values={"Homepage": sz("a"), "Gone": None})
    assert wanted.agrees_with(RegistryKey(values={"HOMEPAGE": sz("a"), "other": sz("b")}))
    assert not wanted.agrees_with(RegistryKey(values={"Homepage": RegistryValue(type="REG_EXPAND_SZ", data="a")}))
    assert wanted.differences(RegistryKey(values={"gone": sz("x")})) == {
        "values[Homepage]": (None, sz("a")),
        "values[Gone]": (sz("x"), None),
    }


def test_exclusive_wants_nothing_else_and_its_inverse_brings_it_back() -> None:
    wanted = RegistryKey(values={"1": sz("a")}, exclusive=True)
    found = RegistryKey(values={"1": sz("x"), "2": sz("y")})
    assert wanted.differences(found) == {"values[1]": (sz("x"), sz("a")), "values[2]": (sz("y"), None)}
    change = Change(Address("windows.registry", "windows:X", KEY), wanted.view_of(found), wanted)
    assert change.done_in(RegistryKey(values={"1": sz("a")}))
    assert not change.done_in(RegistryKey(values={"1": sz("a"), "2": sz("y")}))
    assert change.not_begun_in(found)
    assert change.inverse().done_in(found)
    assert not change.inverse().done_in(RegistryKey(values={"1": sz("x")}))


def test_states_survive_the_ledger() -> None:
    state = RegistryKey(
        values={"": sz("a"), "m": RegistryValue(type="REG_MULTI_SZ", data=("a", "b")), "gone": None}, exclusive=True
    )
    assert RegistryKey.from_plain(json.loads(json.dumps(state.to_plain()))) == state


def test_what_a_change_left_is_read_back_by_its_own_command(tmp_path: Path) -> None:
    pc = FakePc(load(EXAMPLE), tmp_path)
    keys = [f"HKLM\\SOFTWARE\\Policies\\{name}" for name in "AB"]
    policies = "HKEY_LOCAL_MACHINE\\SOFTWARE\\Policies"
    pc.exported = {policies: "".join(f'[{policies}\\{name}]\r\n"n"="1"\r\n\r\n' for name in "AB")}
    wanted = RegistryKey(values={"n": sz("1")})
    changes = [Change(Address("windows.registry", pc.target, key), None, wanted) for key in keys]
    assert [outcome.error for outcome in REGISTRY.apply(pc.session, changes)] == [None, None]
    assert REGISTRY.read(pc.session, keys) == dict.fromkeys(keys, wanted)
    assert pc.commands_begun == 1
    assert REGISTRY.read(pc.session, keys) == dict.fromkeys(keys, wanted)
    assert pc.commands_begun == 2, "what it left then is asked for once; now is another moment"
