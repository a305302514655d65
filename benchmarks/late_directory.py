"""A directory that computes next to nothing and answers late: ``python -m benchmarks.late_directory SOCKET``.

Samba on the same two cores makes about 30 accounts a second and no more, whoever asks; how workers share work could
not be seen behind that. This keeps entries in memory, does at once what it is told, and answers so many round trips
later as the real conversation takes. It stands in for the session (``DirectorySession`` of
:mod:`provisioning.connections.directory`), not for the kinds: what is searched, added and modified, and how often, is
the product's own. What is left out is LDAP's and TLS's encoding on both sides. Mail server and intranet are stood in
for likewise.

It counts what reaches it: ``{"do": "count"}`` says how often each name was added, and who is a member of what.
"""

from __future__ import annotations

import asyncio
import json
import re
import select
import socket
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from provisioning.connections.ldap_operations import Add, Entry, Modify, Operation
from provisioning.connections.openers import OPENERS
from provisioning.errors import RejectedError, TargetError, UnreachableError
from provisioning.secrets import Secrets
from provisioning.site import Inventory

SIGN_ON = 3
"""Round trips until a directory's session can be used: TCP, TLS 1.3, bind."""
SENDING, FINDING, PAGE = 6, 6, 5
"""Round trips: a message to SMTP (TCP, greeting, EHLO, envelope, text, end); IMAP (TCP, TLS, login, select, search,
fetch); a page (two tickets, TCP, TLS, GET)."""

_PAIR = re.compile(r"\(([A-Za-z-]+)=((?:[^()\\]|\\[0-9A-Fa-f]{2})*)\)")
_CLASSES = frozenset({"objectclass", "objectcategory"})
_INDEXED = frozenset(
    {"samaccountname", "employeeid", "name", "mail", "proxyaddresses", "userprincipalname", "distinguishedname"}
)
_MUST_CHANGE = "773"
_WRONG = "52e"

Attributes = dict[str, list[str]]


class Entries:
    """What the directory holds. Names and values are found without regard to case."""

    def __init__(self) -> None:
        self._entries: dict[str, tuple[str, Attributes]] = {}
        self._index: dict[tuple[str, str], set[str]] = defaultdict(set)
        self.added: Counter[str] = Counter()

    def search(self, conditions: Sequence[str], wanted: Sequence[str]) -> list[tuple[str, Attributes]]:
        """Entries with one of the values that `conditions` name; only filters that the kinds here make."""
        found: dict[str, None] = {}
        classes = set()
        for attribute, escaped in _PAIR.findall("".join(conditions)):
            name, value = attribute.lower(), _plain(escaped).casefold()
            if name in _CLASSES:
                classes.add(value)
            elif name in _INDEXED:
                found |= dict.fromkeys(self._index.get((name, value), ()))
            else:
                raise ValueError(f"no index for {attribute} in {conditions}")
        kind = "group" if "group" in classes else "computer" if "computer" in classes else None
        names = {name.lower() for name in wanted}
        rows = (self._entries[dn] for dn in found)
        return [
            (dn, {name: values for name, values in attributes.items() if name in names})
            for dn, attributes in rows
            if kind is None or attributes["objectclass"][-1] == kind
        ]

    def add(self, dn: str, attributes: Mapping[str, Sequence[str]]) -> str | None:
        """The refusal, or ``None``."""
        key = dn.casefold()
        self.added[key] += 1
        if key in self._entries:
            return f"{dn} exists"
        lower = {name.lower(): list(values) for name, values in attributes.items()}
        login = lower["samaccountname"][0].casefold()
        if self._index.get(("samaccountname", login)):
            return f"the login {login} is taken"
        lower |= {"distinguishedname": [dn], "name": [_name(dn)]}
        self._entries[key] = (dn, lower)
        for name in _INDEXED & lower.keys():
            self._put(key, name, lower[name])
        return None

    def modify(self, dn: str, replace: Attributes, add: Attributes, remove: Attributes) -> str | None:
        """As :meth:`add`; a member that is there is added without a fault, as AD's permissive modify does."""
        key = dn.casefold()
        if key not in self._entries:
            return f"there is no {dn}"
        attributes = self._entries[key][1]
        for name, values in replace.items():
            self._replace(key, attributes, name.lower(), values)
        for name, values in add.items():
            there = attributes.setdefault(name.lower(), [])
            there += [value for value in values if value not in there]
            self._follow(dn, name, values, there=True)
        for name, values in remove.items():
            attributes[name.lower()] = [one for one in attributes.get(name.lower(), ()) if one not in values]
            self._follow(dn, name, values, there=False)
        return None

    def sign_in(self, user: str, password: str) -> str | None:
        """AD's code: the right password must be changed at the first sign-in."""
        for key in self._index.get(("userprincipalname", user.casefold()), ()):
            attributes = self._entries[key][1]
            if attributes.get("unicodepwd") == [f'"{password}"']:
                return _MUST_CHANGE if attributes.get("pwdlastset") == ["0"] else None
        return _WRONG

    def count(self) -> dict[str, Any]:
        """What reached it."""
        members = {
            attributes["samaccountname"][0]: len(attributes.get("member", ()))
            for _, attributes in self._entries.values()
            if attributes["objectclass"][-1] == "group"
        }
        boxes = sum("mail" in attributes for _, attributes in self._entries.values())
        return {"added": self.added, "members": members, "mailboxes": boxes}

    def _replace(self, key: str, attributes: Attributes, name: str, values: Sequence[str]) -> None:
        for value in attributes.pop(name, ()) if name in _INDEXED else ():
            self._index[name, value.casefold()].discard(key)
        if values:
            attributes[name] = list(values)
            self._put(key, name, values)

    def _put(self, key: str, name: str, values: Sequence[str]) -> None:
        for value in values if name in _INDEXED else ():
            self._index[name, value.casefold()].add(key)

    def _follow(self, group: str, name: str, values: Sequence[str], *, there: bool) -> None:
        """``memberOf`` is the directory's own back link of ``member``."""
        for member in values if name.lower() == "member" else ():
            of = self._entries[member.casefold()][1].setdefault("memberof", [])
            if there and group not in of:
                of.append(group)
            elif not there and group in of:
                of.remove(group)


class _Conversation(asyncio.Protocol):
    """One connection. What is asked is done when it comes, and answered later; one question at a time is asked."""

    def __init__(self, entries: Entries, round_trip: float) -> None:
        self._entries = entries
        self._round_trip = round_trip
        self._rest = b""
        self._transport: asyncio.WriteTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            asked = json.loads(line)
            late = asked.pop("trips", 1) * self._round_trip
            answer = json.dumps(self._answer(**asked)).encode() + b"\n"
            asyncio.get_running_loop().call_later(late, self._transport.write, answer)

    def _answer(self, do: str, **words: Any) -> Any:
        match do:
            case "search":
                return self._entries.search(words["conditions"], words["attributes"])
            case "write":
                return [
                    self._entries.add(dn, *rest) if verb == "add" else self._entries.modify(dn, *rest)
                    for verb, dn, *rest in words["operations"]
                ]
            case "sign in":
                return self._entries.sign_in(words["user"], words["password"])
            case "count":
                return self._entries.count()
        return None


class _Session:
    """A session to something that is late."""

    def __init__(self, place: Path, target: str, inventory: Inventory, secrets: Secrets, trips: int) -> None:
        self.target = target
        self.inventory = inventory
        self.secrets = secrets
        try:
            self._socket = socket.socket(socket.AF_UNIX)
            self._socket.settimeout(120)
            self._socket.connect(str(place))
        except OSError as exc:
            raise UnreachableError(target, "nobody answers") from exc
        self._file = self._socket.makefile("rb")
        if trips:
            self.ask("wait", trips)

    def ask(self, do: str, trips: int = 1, **words: Any) -> Any:
        try:
            self._socket.sendall(json.dumps({"do": do, "trips": trips, **words}).encode() + b"\n")
            line = self._file.readline()
        except OSError as exc:
            raise UnreachableError(self.target, "it went away") from exc
        if not line:
            raise UnreachableError(self.target, "it went away")
        return json.loads(line)

    def close(self) -> None:
        with suppress(OSError):
            self._file.close()
            self._socket.close()


class LateDirectory(_Session):
    """What kinds and proofs call of a :class:`~provisioning.connections.directory.DirectorySession`."""

    def __init__(self, place: Path, target: str, inventory: Inventory, secrets: Secrets) -> None:
        super().__init__(place, target, inventory, secrets, SIGN_ON)
        self.directory = inventory.directory

    def is_there(self) -> bool:
        """As the product's: nothing was sent that nobody asked for, as an end would be."""
        waiting = select.poll()
        waiting.register(self._socket, select.POLLIN)
        return not waiting.poll(0)

    def search(self, condition: str, attributes: Sequence[str]) -> list[Entry]:
        return self.search_many([condition], attributes)

    def search_many(self, conditions: Sequence[str], attributes: Sequence[str]) -> list[Entry]:
        if not conditions:
            return []
        rows = self.ask("search", conditions=list(conditions), attributes=list(attributes))
        return [Entry(dn, {name: [v.encode() for v in values] for name, values in found.items()}) for dn, found in rows]

    def write(self, operations: Iterable[Operation]) -> list[TargetError | None]:
        words = [_words(operation) for operation in operations]
        refused = self.ask("write", operations=words) if words else []
        return [None if why is None else RejectedError(self.target, why) for why in refused]

    def sign_in(self, user: str, password: str) -> str | None:
        code: str | None = self.ask("sign in", SIGN_ON, user=user, password=password)
        return code


class LateMail(_Session):
    """A mail server whose messages arrive."""

    def send(self, address: str, subject: str, token: str) -> None:  # noqa: ARG002
        self.ask("wait", SENDING)

    def find(self, login: str, token: str, *, patience: float) -> bool:  # noqa: ARG002
        self.ask("wait", FINDING)
        return True


class LateIntranet(_Session):
    """Pages that open for everybody but the outsider."""

    def open(self, url: str, login: str) -> int:  # noqa: ARG002
        self.ask("wait", PAGE)
        return 403 if login == self.inventory.intranet.check.outsider else 200


def is_listening(place: Path) -> bool:
    """Whether the process at `place` takes connections."""
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(place)) == 0


def stand_in(place: Path) -> None:
    """From now on this process talks to the late directory, mail server and intranet at `place`."""
    OPENERS["directory"] = lambda target, inventory, secrets: LateDirectory(place, target, inventory, secrets)
    OPENERS["mail"] = lambda target, inventory, secrets: LateMail(place, target, inventory, secrets, 0)
    OPENERS["intranet"] = lambda target, inventory, secrets: LateIntranet(place, target, inventory, secrets, 0)


def _words(operation: Operation) -> list[Any]:
    match operation:
        case Add():
            return ["add", operation.dn, _texts(operation.attributes)]
        case Modify():
            return [
                "modify",
                operation.dn,
                *(_texts(one) for one in (operation.replace, operation.add, operation.remove)),
            ]
    raise TypeError(operation)


def _texts(attributes: Mapping[str, Sequence[str | bytes]]) -> dict[str, list[str]]:
    # The only octets are a password (MS-ADTS 3.1.1.3.1.5.1).
    return {
        name: [value.decode("utf-16-le") if isinstance(value, bytes) else value for value in values]
        for name, values in attributes.items()
    }


def _plain(escaped: str) -> str:
    """RFC 4515, section 3."""
    if "\\" not in escaped:
        return escaped
    octets = re.sub(rb"\\([0-9A-Fa-f]{2})", lambda found: bytes.fromhex(found[1].decode()), escaped.encode())
    return octets.decode()


def _name(dn: str) -> str:
    return re.split(r"(?<!\\),", dn)[0].partition("=")[2].replace("\\", "")


async def _main(place: Path, round_trip: float) -> None:
    entries = Entries()
    server = await asyncio.get_running_loop().create_unix_server(lambda: _Conversation(entries, round_trip), place)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1]), float(sys.argv[2])))
