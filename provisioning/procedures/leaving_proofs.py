"""The proofs of a leaving: nobody gets in any more, and mail still finds its way. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from provisioning.resources.base import Proof, Resource
from provisioning.site import Inventory


def shut_out(inventory: Inventory, login: str) -> Iterator[Proof]:
    """The account is closed, and the Kerberos server says so too."""
    yield Proof("directory.shut_out", "directory", f"{login} is disabled and shut out", {"login": login})
    url = inventory.intranet.url
    said = f"no ticket is given in the name of {login}"
    yield Proof("directory.no_ticket", "intranet", said, {"login": login, "url": url})


class Mailed(Protocol):
    """What there is to prove of a leaver's mail."""

    @property
    def login(self) -> str: ...
    @property
    def addresses(self) -> tuple[str, ...]: ...
    @property
    def forward_to(self) -> str | None: ...
    @property
    def forward_login(self) -> str | None: ...
    @property
    def reply(self) -> str | None: ...


def mail_finds_its_way(inventory: Inventory, mail: Mailed) -> Iterator[Proof]:
    """Mail to the leaver's address still arrives, is forwarded, and senders are told, as far as that was asked for."""
    kept_in = tuple(login for login in (mail.login, mail.forward_login) if login is not None)
    for address in mail.addresses[:1]:
        if mail.forward_login is not None:
            asked = {"address": address, "login": mail.login, "to": mail.forward_login, "keep_copy": True}
            yield Proof("mail.forwarding", "mail", f"mail to {address} arrives, and at {mail.forward_to} too", asked)
        else:
            said = f"mail to {address} still arrives"
            yield Proof("mail.delivery", "mail", said, {"login": mail.login, "address": address})
        if mail.reply is not None and inventory.mail.sieve is not None and inventory.mail.sieve.check_mailbox:
            parameters = {"address": address, "kept_in": list(kept_in)}
            yield Proof("mail.reply", "mail", f"whoever writes to {address} is told", parameters)


def released(ports: Iterable[Resource]) -> Iterator[Proof]:
    """These ports are as the site's policy wants them."""
    for port in ports:
        if port.desired is not None:
            parameters = {"interface": port.key, "wanted": port.desired.to_plain()}
            yield Proof("network.released", port.target, f"port {port.key} is released", parameters)


def hung_up(extensions: Sequence[str]) -> Iterator[Proof]:
    """Nobody registers as these extensions."""
    for number in extensions:
        parameters = {"extension": number, "admitted": False}
        yield Proof("phones.registration", "registrar", f"extension {number} is refused", parameters)
