"""Changes, runs and requests as sentences that a manager reads: what was done, to whom, where. No secret can get in:
states hold none.

A kind that has no sentence of its own gets a plain one, so a new kind needs no line here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from provisioning.connections.distinguished_names import parsed
from provisioning.ledger import ChangeRecord, RequestRecord, RunRecord
from provisioning.resources.base import Change, State
from provisioning.site import Inventory
from provisioning.site.clock import start_words

LONGEST = 500
"""Characters of one sentence; an error that a system reports may be a page."""

_FIELDS = {
    "ou": "organisational unit",
    "name": "common name",
    "user_principal_name": "sign-in name",
    "employee_id": "personnel number",
    "telephone": "telephone number",
}
_PASSED = {"Create": "created", "Change": "changed", "Remove": "removed"}


@dataclass(frozen=True)
class Deed:
    """One change in words: `done` is the past tense ("Created …"), `do` the infinitive ("create …")."""

    done: str
    do: str

    @classmethod
    def of(cls, done: str, do: str, rest: str) -> Deed:
        """``Deed.of("Created", "create", "the account …")``."""
        return cls(f"{done} {rest}", f"{do} {rest}")


@dataclass(frozen=True)
class Speaker:
    """Knows the site's names for things. `names` maps logins to the names of their people."""

    inventory: Inventory
    names: Mapping[str, str]

    @classmethod
    def of(cls, inventory: Inventory, changes: Sequence[ChangeRecord] = ()) -> Speaker:
        """A speaker that also knows the people whose accounts are among `changes`."""
        names = {p.login: _name(p) for p in inventory.people.values() if p.login}
        for record in changes:
            state = record.change.after or record.change.before
            if record.change.address.kind == "directory.user" and (shown := getattr(state, "display_name", None)):
                names[record.change.key] = shown
        return cls(inventory, names)

    # ------------------------------------------------------------------------------------------------- sentences

    def change(self, record: ChangeRecord) -> str | None:
        """What became of a change; ``None`` while nothing did, and for changes that were never tried."""
        change = self.exact(record.change) if record.attempted else record.change
        deed = _DEEDS.get(change.address.kind, _anything)(self, change)
        why = f": {record.error.rstrip('.')}" if record.error else ""
        match record.state:
            case "verified" if record.attempted:
                return _tidy(f"{deed.done}.")
            case "verified" if record.change.address.kind != "windows.restart":  # that nobody needed one is no news
                return _tidy(f"Nothing to do, it was so already: {deed.do}.")
            case "failed":
                return _tidy(f"Could not {deed.do}{why}.")
            case "blocked":
                return _tidy(f"Did not {deed.do}{why}.")
            case "deferred":
                return _tidy(f"Put off for now, will be tried again: {deed.do}{why}.")
        return None

    def asked(self, request: RequestRecord) -> str:
        """The first sentence of a request."""
        start = f", to begin on {start_words(request.start, self.inventory)}" if request.start > request.at else ""
        return _tidy(f"{request.who} asked to {self.subject(request.request, request.title)}{start}.")

    def begun(self, run: RunRecord) -> str:
        """The first sentence of a run without a request, and of every undo."""
        return _tidy(f"{run.who} began to {self.subject(run.request, run.title)}.")

    def ended(self, run: RunRecord) -> str | None:
        """How a run ended; ``None`` while it is under way."""
        done = sum(record.state == "verified" for record in run.changes)
        passed = sum(bool(proof["passed"]) for proof in run.proofs)
        sums = f"{done} of {_count(len(run.changes), 'change')} made"
        if run.proofs:
            sums += f", {passed} of {_count(len(run.proofs), 'check')} passed"
        match run.state:
            case "done" | "undone":
                return _tidy(f"Taken back completely: {sums}." if run.undoes else f"Completed: {sums}.")
            case "partial":
                failed = next((str(p["detail"]) for p in run.proofs if not p["passed"]), "")
                return _tidy(f"Completed in part: {sums}{'; ' + failed.rstrip('.') if failed else ''}.")
            case "interrupted":
                return _tidy(f"Interrupted: {sums} so far. It can be resumed.")
            case "waiting":
                machines = [_target(target.target) for target in run.targets]
                return _tidy(f"Waiting until {_and(machines) or 'all machines'} can be reached: {sums} so far.")
        return None

    def subject(self, request: Mapping[str, Any], title: str) -> str:
        """``onboard Анна Петрова (E1042) at desk B2-04``."""
        people = request.get("persons") or ([request["person"]] if request.get("person") else [])
        if not people or request.get("procedure") in {None, "together"}:
            return title
        known = self.inventory.people
        shown = [f"{_name(known[key])} ({key})" if key in known else str(key) for key in people]
        if len(shown) > 5:
            shown = [*shown[:4], f"{len(shown) - 4} more people"]
        at = f" at desk {request['workplace']}" if request.get("workplace") else ""
        return f"{request['procedure']} {_and(shown)}{at}"

    # ------------------------------------------------------------------------------------------------------ names

    def who(self, login: str) -> str:
        """``anna.petrova (Анна Петрова)``."""
        return f"{login} ({self.names[login]})" if login in self.names else login

    def vlan(self, number: int) -> str:
        """``VLAN 110 (office)``."""
        name = next((name for name, vlan in self.inventory.network.vlans.items() if vlan.id == number), None)
        return f"VLAN {number} ({name})" if name else f"VLAN {number}"

    def port(self, target: str, interface: str) -> str:
        """``port GigabitEthernet1/0/7 of switch sw-b2-1 (outlet B2-04A)``."""
        switch = target.partition(":")[2]
        outlets = self.inventory.outlets.items()
        outlet = next((key for key, one in outlets if (one.switch, one.switch_port) == (switch, interface)), None)
        return f"port {interface} of switch {switch}" + (f" (outlet {outlet})" if outlet else "")

    def exact(self, change: Change[Any]) -> Change[Any]:
        """A change of a package in which the version that the catalogue installs stands for a range of versions."""
        known = (package for package in self.inventory.software.values() if package.display_name == change.key)
        package = next(known, None) if change.address.kind == "windows.package" else None
        if package is None:
            return change

        def one(state: Any) -> Any:
            installer = None if state is None else package.installer(state.version)
            return state if installer is None else state.model_copy(update={"version": installer.version})

        return replace(change, before=one(change.before), after=one(change.after))


def _user(speaker: Speaker, change: Change[Any]) -> Deed:
    before, after = change.before, change.after
    if before is None or after is None:
        state = change.shape
        about = ", ".join(x for x in (state.display_name or state.name, state.department) if x)
        rest = f"the account {change.key}" + (f" ({about})" if about else "")
        if after is None:
            return Deed.of("Removed", "remove", rest)
        return Deed.of("Created", "create", rest + (f" in {_unit(state.ou)}" if state.ou else ""))
    rest = f"the account {speaker.who(change.key)}"
    differences = change.differences()
    if set(differences) == {"enabled"}:
        return Deed.of("Enabled", "enable", rest) if after.enabled else Deed.of("Disabled", "disable", rest)
    return Deed.of("Changed", "change", f"{rest}: {_differences(differences)}")


def _membership(speaker: Speaker, change: Change[Any]) -> Deed:
    differences = change.differences()
    joined = [name.partition("[")[2][:-1] for name, (_, new) in differences.items() if new]
    left = [name.partition("[")[2][:-1] for name, (_, new) in differences.items() if not new]
    who = speaker.who(change.key)
    if not left:
        return Deed.of("Added", "add", f"{who} to {_groups(joined)}")
    out = f"{who} from {_groups(left)}"
    if not joined:
        return Deed.of("Removed", "remove", out)
    return Deed(f"Added {who} to {_groups(joined)}, removed from {_groups(left)}", f"move {out} to {_groups(joined)}")


def _computer(_: Speaker, change: Change[Any]) -> Deed:
    rest = f"the computer account {change.key}"
    if change.after is None:
        return Deed.of("Removed", "remove", rest)
    if change.before is None:
        return Deed.of("Created", "create", rest + (f" in {_unit(change.after.ou)}" if change.after.ou else ""))
    return Deed.of("Changed", "change", f"{rest}: {_differences(change.differences())}")


def _mailbox(speaker: Speaker, change: Change[Any]) -> Deed:
    who, after = speaker.who(change.key), change.after
    old, new = getattr(change.before, "mail", None), getattr(after, "mail", None)
    if new and not old:
        quota = f" and a mailbox of {after.quota} MiB" if after is not None and after.quota else ""
        return Deed.of("Gave", "give", f"{who} the mail address {new}{quota}")
    if old and not new:
        return Deed.of("Took", "take", f"the mail address {old} from {who}")
    return Deed.of("Changed", "change", f"the mailbox of {who}: {_differences(change.differences())}")


def _port(speaker: Speaker, change: Change[Any]) -> Deed:
    differences = change.differences()
    words = []
    for name, (_, new) in differences.items():
        match name:
            case "access_vlan":
                words.append(f"{speaker.vlan(new)} for PCs" if new else "no VLAN for PCs")
            case "voice_vlan":
                words.append(f"{speaker.vlan(new)} for phones" if new else "no VLAN for phones")
            case "enabled":
                words.append("switched on" if new else "switched off")
            case _:
                words.append(f"{_field(name)} {_value(new)}")
    return Deed.of("Set", "set", f"{speaker.port(change.target, change.key)}: {_and(words)}")


def _registry(_: Speaker, change: Change[Any]) -> Deed:
    number = len(change.differences())
    key = change.key.rpartition("\\")[2]
    return Deed.of("Set", "set", f"{_count(number, 'setting')} of {key} on PC {_machine(change)} ({change.key})")


def _package(_: Speaker, change: Change[Any]) -> Deed:
    old, new = (getattr(state, "version", None) for state in (change.before, change.after))
    on = f"on PC {_machine(change)}"
    if change.before is None:
        return Deed.of("Installed", "install", f"{change.key} {new} {on}")
    if change.after is None:
        return Deed.of("Removed", "remove", f"{change.key} {old} from PC {_machine(change)}")
    return Deed.of("Replaced", "replace", f"{change.key} {old} by {new} {on}")


def _restart(_: Speaker, change: Change[Any]) -> Deed:
    return Deed.of("Restarted", "restart", f"PC {_machine(change)}, because what was installed or removed needs it")


def _domain(_: Speaker, change: Change[Any]) -> Deed:
    old, new = (getattr(state, "domain", None) for state in (change.before, change.after))
    if new is None:
        return Deed.of("Took", "take", f"PC {_machine(change)} out of the domain {old}")
    called = getattr(change.after, "computer_name", None)
    return Deed.of("Joined", "join", f"PC {_machine(change)} to the domain {new}" + (f" as {called}" if called else ""))


def _anything(_: Speaker, change: Change[State]) -> Deed:
    verb = {"create": "Create", "update": "Change", "delete": "Remove"}[change.action]
    kind = change.address.kind.replace(".", " ").replace("_", " ")
    rest = f"{kind} {change.key} ({change.target})"
    if verb == "Change":
        rest += f": {_differences(change.differences())}"
    return Deed.of(_PASSED[verb].capitalize(), verb.lower(), rest)


_DEEDS: Mapping[str, Callable[[Speaker, Change[Any]], Deed]] = {
    "directory.user": _user,
    "directory.membership": _membership,
    "directory.computer": _computer,
    "mail.mailbox": _mailbox,
    "switch.port": _port,
    "windows.registry": _registry,
    "windows.domain_membership": _domain,
    "windows.package": _package,
    "windows.restart": _restart,
}


# -------------------------------------------------------------------------------------------------------- words


def _name(person: Any) -> str:
    return f"{person.given_name} {person.family_name}"


def _unit(dn: str) -> str:
    """``OU Sales`` for ``OU=Sales,OU=Staff,DC=corp,DC=example``."""
    try:
        attribute, value = parsed(dn)[0]
    except (ValueError, IndexError):
        return dn
    return f"{attribute.upper()} {value}"


def _target(target: str) -> str:
    """``PC WS-0042`` for ``windows:WS-0042``, ``switch sw-b2-1`` for ``switch:sw-b2-1``, ``the directory``."""
    system, _, name = target.partition(":")
    return f"{'PC' if system == 'windows' else system} {name}" if name else f"the {system}"


def _machine(change: Change[Any]) -> str:
    return change.target.partition(":")[2]


def _groups(names: Sequence[str]) -> str:
    return f"the group{'' if len(names) == 1 else 's'} {_and(sorted(names))}"


def _differences(differences: Mapping[str, tuple[Any, Any]]) -> str:
    return _and([f"{_field(name)} is now {_value(new)}" for name, (_, new) in differences.items()])


def _field(name: str) -> str:
    return _FIELDS.get(name, name.replace("_", " "))


def _value(value: Any) -> str:
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(str(item) for item in value) or "empty"
    return str(value)


def _and(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def _count(number: int, one: str) -> str:
    return f"{number} {one}{'' if number == 1 else 's'}"


def _tidy(sentence: str) -> str:
    """One printable line of bounded length: names from systems and error texts are not ours."""
    if not sentence.isprintable():
        sentence = "".join(char if char.isprintable() else " " for char in sentence)
    text = " ".join(sentence.split())
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
