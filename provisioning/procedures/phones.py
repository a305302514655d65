"""One person's telephone: the subscriber on the exchange, the file of the desk phone, and the proofs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from provisioning.procedures.extensions import Extension
from provisioning.procedures.reservations import reservation
from provisioning.resources.base import Address, Proof, Resource
from provisioning.resources.phones.configuration import Configuration, kept
from provisioning.resources.phones.families import FAMILIES, Account
from provisioning.resources.phones.subscriber import Subscriber
from provisioning.site import Inventory
from provisioning.site.phones import Phones


@dataclass(frozen=True)
class PersonsPhone:
    """What `person` (a key) needs to be reached under `extension`, at `desk` where there is one."""

    inventory: Inventory
    phones: Phones
    person: str
    extension: Extension
    display_name: str
    desk: str | None

    @property
    def telephone(self) -> str | None:
        """The telephone of the desk. One at a shared desk is nobody's own."""
        if self.desk is None or self.inventory.workplaces[self.desk].shared:
            return None
        return self.inventory.telephone_at.get(self.desk)

    def resources(self, requires: frozenset[Address]) -> Iterator[Resource]:
        """The subscriber (after what it `requires`), and the desk phone's file after it."""
        for number in self.extension.former:
            yield Resource("phones.subscriber", "phones", number, None)
        fields: dict[str, Any] = {"holder": self.person}
        exchange = self.phones.exchange
        if exchange.adapter == "asterisk-realtime":
            from provisioning.resources.phones.asterisk import fitting_name  # noqa: PLC0415  (it brings SQLAlchemy)

            fields["display_name"] = fitting_name(self.display_name, self.extension.number)
            if exchange.settings:
                fields["settings"] = exchange.settings
        subscriber = Resource("phones.subscriber", "phones", self.extension.number, Subscriber(**fields), requires)
        yield subscriber
        if self.telephone is not None:
            yield from self._desk_phone(self.telephone, subscriber)

    def proofs(self) -> Iterator[Proof]:
        """The person's phone is let in, and nobody else is."""
        number = self.extension.number
        for admitted, said in ((True, "registers"), (False, "is refused with a wrong password")):
            parameters = {"extension": number, "admitted": admitted}
            yield Proof("phones.registration", "registrar", f"extension {number} {said}", parameters)

    def warnings(self) -> Iterator[str]:
        """What the admin should know."""
        for number in self.extension.former:
            yield f"{self.person} had the extension {number} until now; its subscriber is removed"
        name = self.inventory.telephone_at.get(self.desk or "")
        if name is not None and self.telephone is None:
            yield f"{name} stands at {self.desk}, which is shared: it is not set up for {self.person} alone"

    def _desk_phone(self, name: str, subscriber: Resource) -> Iterator[Resource]:
        device = self.inventory.equipment[name]
        yield from reservation(self.inventory, device.mac, device.address, device.host)
        model = self.phones.models.get(device.model or "")
        if model is None:
            return
        family, registrar, number = FAMILIES[model.family], self.phones.registrar, self.extension.number
        account = Account(
            number, self.display_name, self.phones.domain, registrar.host, registrar.port, self.phones.transport
        )
        state = Configuration(
            settings={**family.account(account), **model.settings},
            secrets={family.password: kept(number, self.person), **model.secrets},
        )
        key = family.file_of(device.mac)
        yield Resource("phones.configuration", "phone-files", key, state, frozenset({subscriber.address}))
