"""Restarting a PC and knowing that it is back; and who is signed in. No localised text is read.

*Which boot is this?* A restart is proven by a mark of ours: a value in ``HKLM\\HARDWARE\\DESCRIPTION\\System``. That
hive is volatile: Windows keeps it in memory only and builds it anew at each boot (Microsoft Learn, "Registry Hives"),
so the mark is there exactly as long as the boot lasts, whatever the clock, the language or fast startup do.

*Who is signed in?* An interactive sign-in, also a disconnected one, leaves a key ``HKU\\SID\\Volatile
Environment\\SESSION-NUMBER`` in the loaded profile; sign-ins over the network (ours) and services have none.
"""

from __future__ import annotations

import re
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from provisioning.errors import CredentialError, RejectedError, TargetError, UnreachableError

if TYPE_CHECKING:
    from provisioning.connections.windows import WindowsSession

MARK_KEY = r"HKLM\HARDWARE\DESCRIPTION\System"
MARK_VALUE = "ProvisioningBoot"
_PERSON = re.compile(r"^\s*HKEY_USERS\\(S-1-(?:5-21|12-1)(?:-\d+){4})\s*$", re.MULTILINE)
"""A user of a domain or of this PC (S-1-5-21, MS-DTYP 2.4.2.4), or of Entra ID (S-1-12-1)."""
_SESSION = re.compile(r"HKEY_USERS\\S-[\d-]+\\Volatile Environment\\(\d+)")
_POLL = (0.5, 5.0)  # seconds between two looks: first, at most
_SHUTTING_DOWN = {1115: "it is shutting down already", 1190: "a shutdown is scheduled there already"}


@dataclass(frozen=True)
class SignedIn:
    """Somebody who is signed in at the PC, perhaps disconnected. `account` is ``DOMAIN\\login``, or the SID where the
    PC does not say."""

    sid: str
    account: str
    session: int


def boot_identity(session: WindowsSession) -> str:
    """A word that stays the same while the PC runs and is another one after each restart.

    The first call of a boot writes it (a volatile value; see above), so this is for changing code, not for plans.
    """
    found = read_boot_mark(session)
    if found is None:
        token = secrets.token_hex(16)
        words = ["reg", "add", MARK_KEY, "/v", MARK_VALUE, "/t", "REG_SZ", "/d", token, "/f"]
        session.run(words)
        found = read_boot_mark(session)
        if found != token:
            raise RejectedError(
                session.target,
                f"cannot keep a value in {MARK_KEY}, so a restart could not be proven; is reg.exe forbidden by policy?",
            )
    return found


def read_boot_mark(session: WindowsSession) -> str | None:
    """The mark of this boot, ``None`` when nobody has asked for it since the PC started."""
    result = session.run(["reg", "query", MARK_KEY])
    if result.exit_code != 0:  # a PC that is going down starts no programs any more
        raise RejectedError(session.target, f"cannot read {MARK_KEY} (reg: {result.exit_code})")
    match = re.search(rf"\b{MARK_VALUE}\s+REG_SZ\s+([0-9a-f]{{32}})\b", result.stdout)
    return None if match is None else match.group(1)


def logged_on(session: WindowsSession) -> tuple[SignedIn, ...]:
    """Who is signed in at the PC, at its keyboard or by remote desktop; disconnected sessions too: their programs run
    on, and a restart would end them."""
    users = session.run(["reg", "query", "HKU"])
    if users.exit_code != 0:
        raise RejectedError(session.target, f"cannot list who is signed in (reg query HKU: {users.exit_code})")
    found = []
    for sid in _PERSON.findall(users.stdout):
        environment = session.run(["reg", "query", f"HKU\\{sid}\\Volatile Environment", "/s"]).stdout
        numbers = [int(number) for number in _SESSION.findall(environment)]
        if numbers:
            login, domain = _value("USERNAME", environment), _value("USERDOMAIN", environment)
            account = f"{domain}\\{login}" if login and domain else login or sid
            found.append(SignedIn(sid, account, min(numbers)))
    return tuple(found)


def restart(session: WindowsSession, *, reason: str, force: bool, wait: float | None) -> str:
    """See :meth:`WindowsSession.restart`."""
    policy = session.inventory.windows.restart
    people = logged_on(session)
    delay = 0
    if people and not force and policy.when_signed_in == "wait":
        _wait_for_sign_out(session, policy.patience)
    elif people and not force and policy.when_signed_in == "warn":
        delay = policy.patience
    before = boot_identity(session)
    text = f"{policy.message} ({reason})" if people else reason
    words = ["shutdown", "/r", "/t", str(delay), "/d", "p:4:2", "/c", _plain(text)]
    code = _order(session, [*words, "/f"] if people else words)
    if code not in {0, None}:
        why = _SHUTTING_DOWN.get(code, "see System Error Codes") if code is not None else ""
        raise RejectedError(session.target, f"refuses to restart (shutdown: {code}, {why}); nothing was restarted")
    timeout = policy.timeout if wait is None else wait
    return _until_back(session, before, delay, timeout)


def _order(session: WindowsSession, words: list[str]) -> int | None:
    """The exit code of shutdown.exe, ``None`` when the PC went away before it could tell."""
    try:
        return session.run(words).exit_code
    except UnreachableError:
        return None
    finally:
        session.drop()


def _wait_for_sign_out(session: WindowsSession, patience: float) -> None:
    deadline = time.monotonic() + patience
    while people := logged_on(session):
        if time.monotonic() >= deadline:
            names = ", ".join(one.account for one in people)
            raise UnreachableError(
                session.target,
                f"{names} did not sign out within {patience:.0f} s, so it was not restarted (windows.restart."
                "when_signed_in is wait); ask them, or resume when they are gone",
            )
        time.sleep(min(_POLL[1], max(0.1, deadline - time.monotonic())))


def _until_back(session: WindowsSession, before: str, delay: float, timeout: float) -> str:
    """Look until the PC answers on both connections in another boot; gives that boot's mark."""
    deadline = time.monotonic() + delay + timeout
    last: TargetError | None = None
    pause = _POLL[0]
    while time.monotonic() < deadline:
        time.sleep(pause)
        pause = min(_POLL[1], pause * 1.3)
        try:
            if read_boot_mark(session) != before:
                session.probe_files()
                return boot_identity(session)
        except (UnreachableError, CredentialError, RejectedError) as exc:  # a PC that starts may refuse for a while
            last = exc
        session.drop()
    said = (
        f"the last answer was: {last.message}" if last else "it still runs as before; did something stop the restart?"
    )
    raise UnreachableError(
        session.target,
        f"was told to restart and was not back after {delay + timeout:.0f} s ({said}); look at the PC, then resume",
    )


def _value(name: str, text: str) -> str:
    match = re.search(rf"^\s+{name}\s+REG_SZ\s+(.+?)\s*$", text, re.MULTILINE)
    return "" if match is None else match.group(1)


def _plain(text: str) -> str:
    """A comment as shutdown.exe takes it: 512 characters at most, none that cmd.exe would read."""
    return re.sub(r'["%!\x00-\x1f]', " ", text)[:500]
