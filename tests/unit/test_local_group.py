"""Local groups: the kind against a double that speaks the script's files, and the script's logic in a real JScript."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from provisioning.connections.winrm import Result
from provisioning.errors import RejectedError
from provisioning.lab.windows.prefix import clone, template, wine_command, wine_environment, wineserver_command
from provisioning.resources.base import Address, Change
from provisioning.resources.windows.local_group import LOCAL_GROUP, WELL_KNOWN, LocalGroup
from provisioning.resources.windows.local_group_script import SCRIPT

ADMINS, USERS = "S-1-5-32-544", "S-1-5-32-555"
GERMAN = {
    ADMINS: ["WinNT://CORP/WS-0042/Administrator", "WinNT://CORP/IT-Support", "WinNT://S-1-5-21-1-2-3-500"],
    USERS: [],
}


class Pc:
    """What the kind needs of a session: files, and one program that reads and writes them as the script does."""

    target = "windows:WS-0042"

    def __init__(self, *, ends: bool = True, refuse: str = "") -> None:
        self.groups = {sid: list(paths) for sid, paths in GERMAN.items()}
        self.files: dict[str, bytes] = {}
        self.orders: list[list[str]] = []
        self._ends, self._refuse = ends, refuse

    def path(self, name: str) -> str:
        return f"C:\\{name}"

    def write(self, name: str, content: bytes) -> str:
        self.files[name] = content
        return self.path(name)

    def read(self, name: str) -> bytes | None:
        return self.files.get(name)

    def delete(self, name: str) -> None:
        self.files.pop(name, None)

    def run(self, words: Sequence[str], *, timeout: float = 60.0) -> Result:
        assert words[:2] == ["cscript", "//NoLogo"]
        assert self.files["local-group.js"].decode() == SCRIPT
        lines = [self._carry_out(line.split("\t")) for line in self.files["orders.txt"].decode("utf-16").splitlines()]
        if self._ends:
            lines.append("end")
        self.files["answer.txt"] = b"\xff\xfe" + "\r\n".join([*lines, ""]).encode("utf-16-le")
        return Result(0, "", "")

    def _carry_out(self, order: list[str]) -> str:
        self.orders.append(order)
        verb, sid, path = order
        if sid not in self.groups:
            return "80070560"
        members = self.groups[sid]
        if verb == "read":
            return "\t".join(["0", *members])
        if path == self._refuse:
            return "80070520"
        there = path.casefold() in {member.casefold() for member in members}
        if verb == "add":
            if there:
                return "80070562"
            members.append(path)
        else:
            if not there:
                return "80070561"
            self.groups[sid] = [member for member in members if member.casefold() != path.casefold()]
        return "0"


def change(sid: str, before: dict[str, bool], after: dict[str, bool]) -> Change[LocalGroup]:
    def state(members: dict[str, bool]) -> LocalGroup:
        return LocalGroup.model_validate({"members": {name: there or None for name, there in members.items()}})

    return Change(Address("windows.local_group", Pc.target, sid), state(before), state(after))


def test_members_are_read_by_sid_in_any_language() -> None:
    found = LOCAL_GROUP.read(Pc(), [ADMINS, USERS])  # type: ignore[arg-type]
    assert found[ADMINS] == LocalGroup(members={"WS-0042\\Administrator": True, "CORP\\IT-Support": True})
    assert found[USERS] == LocalGroup(members={})


def test_only_named_members_are_managed_without_regard_to_case() -> None:
    wanted = LocalGroup(members={"corp\\it-support": True, "CORP\\Guests": None})
    assert wanted.agrees_with(LOCAL_GROUP.read(Pc(), [ADMINS])[ADMINS])  # type: ignore[arg-type]
    assert LocalGroup(members={"CORP\\Sales": True}).differences(LocalGroup(members={})) == {
        "members[CORP\\Sales]": (None, True)
    }


def test_plan_apply_undo() -> None:
    pc = Pc()
    original = LOCAL_GROUP.read(pc, [ADMINS])[ADMINS]  # type: ignore[arg-type]
    wanted = LocalGroup(members={"CORP\\Sales": True, "CORP\\IT-Support": None})
    done = Change(Address("windows.local_group", pc.target, ADMINS), wanted.view_of(original), wanted)
    assert [outcome.error for outcome in LOCAL_GROUP.apply(pc, [done])] == [None]  # type: ignore[arg-type]
    assert done.done_in(LOCAL_GROUP.read(pc, [ADMINS])[ADMINS])  # type: ignore[arg-type]
    assert [outcome.error for outcome in LOCAL_GROUP.apply(pc, [done.inverse()])] == [None]  # type: ignore[arg-type]
    assert LOCAL_GROUP.read(pc, [ADMINS])[ADMINS] == original  # type: ignore[arg-type]
    assert pc.files == {}


def test_somebody_was_faster() -> None:
    """A member that is there already, or gone already, is no failure; the engine reads again anyway."""
    outcomes = LOCAL_GROUP.apply(
        Pc(),  # type: ignore[arg-type]
        [change(ADMINS, {"CORP\\IT-Support": False, "CORP\\X": True}, {"CORP\\IT-Support": True, "CORP\\X": False})],
    )
    assert [outcome.error for outcome in outcomes] == [None]


def test_an_account_that_the_pc_does_not_know() -> None:
    pc = Pc(refuse="WinNT://CORP/Nobody")
    outcomes = LOCAL_GROUP.apply(
        pc,  # type: ignore[arg-type]
        [change(ADMINS, {}, {"CORP\\Nobody": True}), change(USERS, {}, {"CORP\\Sales": True})],
    )
    assert "CORP\\Nobody cannot be added to S-1-5-32-544 (HRESULT 0x80070520)" in str(outcomes[0].error)
    assert outcomes[1].error is None
    assert pc.groups[USERS] == ["WinNT://CORP/Sales"]


@pytest.mark.parametrize("member", ["Administrator", "CORP\\a\tb", "CORP\\a,b", "A\\B\\C", "CORP\\x\nadd"])
def test_members_that_could_be_something_else_never_reach_the_pc(member: str) -> None:
    pc = Pc()
    outcomes = LOCAL_GROUP.apply(pc, [change(ADMINS, {}, {member: True})])  # type: ignore[arg-type]
    assert "is not an account" in str(outcomes[0].error)
    assert pc.orders == []


def test_a_group_that_is_not_there_and_a_script_that_does_not_end() -> None:
    with pytest.raises(RejectedError, match="no local group with the SID S-1-5-32-580"):
        LOCAL_GROUP.read(Pc(), [WELL_KNOWN["remote management users"]])  # type: ignore[arg-type]
    with pytest.raises(RejectedError, match="did not run to its end"):
        LOCAL_GROUP.read(Pc(ends=False), [ADMINS])  # type: ignore[arg-type]


WINDOWS_DOUBLE = r"""
var WINDOWS = { "S-1-5-32-544": { name: "Administratoren", members: ["WinNT://CORP/\u041f\u0451\u0442\u0440",
  "WinNT://CORP/WS-0042/Administrator", "WinNT://S-1-5-21-1-2-3-500"] } };
function refuse(code) { var e = new Error(""); e.number = code - 0x100000000; throw e; }
function Collection(items) { this.items = items; this.Count = items.length; }
function TestEnumerator(collection) {
  var at = 0;
  this.atEnd = function() { return at >= collection.items.length; };
  this.moveNext = function() { at++; };
  this.item = function() { return collection.items[at]; };
}
function Wmi() {
  this.ConnectServer = function(server, space) {
    if (server != "." || space != "root\\cimv2") { refuse(0x8004100E); }
    return { ExecQuery: function(query) {
      var match = /^SELECT Name FROM Win32_Group WHERE LocalAccount=TRUE AND SID='(S-[0-9-]+)'$/.exec(query);
      if (!match) { refuse(0x80041017); }
      var group = WINDOWS[match[1]];
      return new Collection(group ? [{ Name: group.name }] : []);
    } };
  };
}
function TestGetObject(path) {
  for (var sid in WINDOWS) {
    var group = WINDOWS[sid];
    if (path == "WinNT://./" + group.name + ",group") { return new Adsi(group); }
  }
  refuse(0x800708AC);
}
function Adsi(group) {
  function find(path) {
    for (var i = 0; i < group.members.length; i++) {
      if (group.members[i].toLowerCase() == path.toLowerCase()) { return i; }
    }
    return -1;
  }
  this.Members = function() {
    var items = [];
    for (var i = 0; i < group.members.length; i++) { items.push({ ADsPath: group.members[i] }); }
    return new Collection(items);
  };
  this.Add = function(path) {
    if (path == "WinNT://CORP/Nobody") { refuse(0x80070534); }
    if (find(path) >= 0) { refuse(0x80070562); }
    group.members.push(path);
  };
  this.Remove = function(path) {
    var i = find(path);
    if (i < 0) { refuse(0x80070561); }
    group.members.splice(i, 1);
  };
}
var RealActiveX = ActiveXObject;
function open(name) { return name == "WbemScripting.SWbemLocator" ? new Wmi() : new RealActiveX(name); }
(function(ActiveXObject, GetObject, Enumerator) {
"""
"""WMI and ADSI as Microsoft documents them, for the few calls that the script makes: a wrong query, path or order of
calls is an error there, as on Windows. The script stands inside the function, so these names are the doubles."""


def windows(sid: str, verb: str, path: str = "") -> str:
    return f"{verb}\t{sid}\t{path}\r\n"


@pytest.mark.lab
def test_the_whole_script_in_a_real_jscript(tmp_path: Path) -> None:
    """Wine's cscript runs the script as the PC gets it, its files included; only WMI and ADSI are doubles."""
    prefix = tmp_path / "prefix"
    clone(template(), prefix)
    drive = prefix / "drive_c"
    (drive / "t.js").write_text(f"{WINDOWS_DOUBLE}{SCRIPT}}})(open, TestGetObject, TestEnumerator);", encoding="ascii")
    orders = [
        windows(ADMINS, "read"),
        windows(ADMINS, "add", "WinNT://CORP/Зоя"),
        windows(ADMINS, "add", "WinNT://corp/Пётр"),
        windows(ADMINS, "add", "WinNT://CORP/Nobody"),
        windows(ADMINS, "remove", "WinNT://CORP/Пётр"),
        windows(ADMINS, "remove", "WinNT://CORP/Пётр"),
        windows(ADMINS, "read"),
        windows(USERS, "read"),
    ]
    (drive / "orders.txt").write_bytes(b"\xff\xfe" + "".join(orders).encode("utf-16-le"))
    command = wine_command(
        "C:\\windows\\system32\\cscript.exe", "//NoLogo", "C:\\t.js", "C:\\orders.txt", "C:\\out.txt"
    )
    try:
        subprocess.run(command, env=wine_environment(prefix), cwd=drive, timeout=60, check=True, capture_output=True)
    finally:
        subprocess.run(wineserver_command("-k"), env=wine_environment(prefix), check=False, capture_output=True)
    others = "WinNT://CORP/WS-0042/Administrator\tWinNT://S-1-5-21-1-2-3-500"
    assert (drive / "out.txt").read_bytes().decode("utf-16").splitlines() == [
        f"0\tWinNT://CORP/Пётр\t{others}",
        "0",
        "80070562",
        "80070534",
        "0",
        "80070561",
        f"0\t{others}\tWinNT://CORP/Зоя",
        "80070560",
        "end",
    ]
