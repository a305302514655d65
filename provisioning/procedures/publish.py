"""What the intranet shows to mail programs: the documents, and the proof that a mail program finds its servers.

They belong to the site and not to anybody's desk: taking back somebody's onboarding leaves them alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from provisioning.errors import RequestError
from provisioning.procedures.base import Accounts, Work
from provisioning.resources.base import Proof, Resource
from provisioning.resources.intranet.document import Document
from provisioning.resources.mail.autoconfig import documents
from provisioning.site import Inventory


@dataclass(frozen=True)
class Publish:
    """All documents that the site has for the intranet's web server."""

    @property
    def title(self) -> str:
        return "publish the mail settings"

    def people(self, inventory: Inventory) -> tuple[str, ...]:  # noqa: ARG002  (the documents are everybody's)
        return ()

    def desks(self, inventory: Inventory) -> Mapping[str, str | None]:  # noqa: ARG002
        return {}

    def compile(self, inventory: Inventory, accounts: Accounts) -> Work:  # noqa: ARG002
        """Raises :class:`RequestError` when there is nothing to publish."""
        resources = tuple(published(inventory))
        if not resources:
            raise RequestError(
                "the site has nothing to publish; say in mail: clients what mail programs are told, and in intranet: "
                "files how it gets onto the web server"
            )
        return Work(resources, tuple(publication_proofs(inventory)))

    def to_plain(self) -> dict[str, Any]:
        return {"procedure": "publish"}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Publish:  # noqa: ARG003  (it says nothing more)
        """The request that :meth:`to_plain` wrote."""
        return cls()


def published(inventory: Inventory) -> Iterator[Resource]:
    """The documents that mail programs look for on the intranet's web server."""
    if inventory.mail.clients is not None and inventory.intranet.files is not None:
        name = inventory.directory.company or inventory.directory.domain
        for path, text in documents(inventory.mail.clients, name).items():
            yield Resource("intranet.document", "web", path, Document(text=text))


def publication_proofs(inventory: Inventory) -> Iterator[Proof]:
    """A mail program finds its servers."""
    if inventory.mail.clients is not None:
        for domain in inventory.mail.clients.domains:
            yield Proof("mail.autoconfig", "autoconfig", f"mail programs are set up for {domain}", {"domain": domain})
