"""``intranet.document``: text files that the intranet's web server shows (mail settings for clients, for example)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from provisioning.errors import ProvisioningError, RejectedError, RequestError
from provisioning.resources.base import Change, Outcome, State

if TYPE_CHECKING:
    from provisioning.connections.shell import ShellSession

_PATH = re.compile(r"(/[A-Za-z0-9_-][A-Za-z0-9._-]*|/\.well-known)+")


class Document(State):
    """The whole text of a document, as UTF-8."""

    text: str


class DocumentKind:
    """Target ``web``, key the path that the web server shows it at, such as ``/mail/config-v1.1.xml``."""

    name = "intranet.document"
    state = Document

    def read(self, session: ShellSession, keys: Sequence[str]) -> dict[str, Document]:
        """What lies on the web server."""
        found = {}
        for key in keys:
            if (text := session.read_if_there(_file(session, key))) is not None:
                found[key] = Document(text=text)
        return found

    def apply(self, session: ShellSession, changes: Sequence[Change[Document]]) -> list[Outcome]:
        """Each file is replaced in one step."""
        return [Outcome(change.key, _apply(session, change)) for change in changes]


def _apply(session: ShellSession, change: Change[Document]) -> ProvisioningError | None:
    try:
        if change.after is None:
            session.delete_file(_file(session, change.key))
        else:
            session.write_file(_file(session, change.key), change.after.text)
    except (RejectedError, RequestError) as exc:
        return exc
    return None


def _file(session: ShellSession, key: str) -> str:
    files = session.inventory.intranet.files
    if files is None or not _PATH.fullmatch(key):
        raise RequestError(
            f"{session.target}: {key!r} is not the path of a document; expected letters, digits and . _ - such as "
            "/mail/config-v1.1.xml"
        )
    return f"{files.root}{key}"


DOCUMENT = DocumentKind()
