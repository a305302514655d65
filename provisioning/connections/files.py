"""The folders of one file server over SMB 3 (MS-SMB2): owners and access lists, making, moving, removing.

Target ``files:NAME``. A path begins with its share: ``homes$\\anna.petrova``. Nothing here removes or replaces anything
that has contents: the server itself refuses to delete a folder that is not empty and to rename onto what is there.
"""

from __future__ import annotations

import contextlib
import logging
import secrets as random
import uuid
from collections.abc import Iterator

from smbprotocol.connection import Connection
from smbprotocol.exceptions import SMBAuthenticationError, SMBException, SMBResponseException
from smbprotocol.open import (
    CreateDisposition,
    CreateOptions,
    DirectoryAccessMask,
    FileAttributes,
    ImpersonationLevel,
    Open,
    ShareAccess,
)
from smbprotocol.session import Session
from smbprotocol.tree import TreeConnect

from provisioning.connections import file_refusals as refusals
from provisioning.connections import folder_trees, open_files
from provisioning.connections import smb_waiting as _smb_waiting  # noqa: F401  (it changes how smbprotocol waits)
from provisioning.connections.directory import DirectorySession
from provisioning.connections.directory import open_session as open_directory
from provisioning.connections.file_quotas import Quotas
from provisioning.connections.folder_listing import folders_in
from provisioning.connections.security_descriptors import Descriptor
from provisioning.connections.share_visitor import ShareVisitor
from provisioning.connections.sign_ins import SignIn
from provisioning.errors import CredentialError, RejectedError, RequestError, TargetError
from provisioning.secrets import Secrets
from provisioning.site import Inventory
from provisioning.site.files import Files, FileServer

__all__ = ["FilesSession", "open_session"]

_log = logging.getLogger(__name__)

_REPARSE_POINT = 0x400
_OPEN = CreateOptions.FILE_OPEN_REPARSE_POINT | CreateOptions.FILE_OPEN_FOR_BACKUP_INTENT
_READ = DirectoryAccessMask.READ_CONTROL | DirectoryAccessMask.FILE_READ_ATTRIBUTES
_WRITE = _READ | DirectoryAccessMask.WRITE_DAC | DirectoryAccessMask.WRITE_OWNER


class FilesSession:
    """One signed-in connection to a file server. `inventory` and `secrets` are there for the kinds."""

    def __init__(self, target: str, inventory: Inventory, secrets: Secrets) -> None:
        self.target = target
        self.inventory = inventory
        self.secrets = secrets
        self.server = _server(target, inventory.files)
        self._directory: DirectorySession | None = None
        self._visitor: ShareVisitor | None = None
        self._trees: dict[str, TreeConnect] = {}
        place = self.server.server
        self._connection = Connection(uuid.uuid4(), self._host, place.port, require_signing=True)
        self._session = self._sign_in(secrets.resolve(self.server.credential.password).get_secret_value())

    def descriptor(self, path: str) -> Descriptor | None:
        """Owner and access list of a folder, ``None`` when it is not there. Raises :class:`RejectedError` for what is
        no folder (a file, a link)."""
        with self._mapped(f"look at {path}"):
            try:
                with self._opened(path, _READ) as opened:
                    self._must_be_folder(path, opened)
                    return self._descriptor(path, opened)
            except SMBResponseException as exc:
                if refusals.status(exc) in refusals.GONE:
                    return None
                raise

    def folders(self, path: str) -> list[str]:
        """The names of the folders in a folder; none when it is not there."""
        with self._mapped(f"list {path}"):
            try:
                with self._opened(path, _READ | DirectoryAccessMask.FILE_LIST_DIRECTORY) as opened:
                    return folders_in(opened)
            except SMBResponseException as exc:
                if refusals.status(exc) in refusals.GONE:
                    return []
                raise

    def make(self, path: str, descriptor: Descriptor) -> None:
        """Make a folder that has its owner and access list from its first moment: it is made beside its place and put
        there in one step. Raises :class:`RejectedError` when something is there."""
        share, below = _split(path)
        parent = below.rpartition("\\")[0]
        beside = "\\".join(filter(None, (share, parent, f".provisioning-{random.token_hex(8)}")))
        access = _WRITE | DirectoryAccessMask.DELETE
        with (
            self._mapped(f"make {path}"),
            self._opened(beside, access, disposition=CreateDisposition.FILE_CREATE) as opened,
        ):
            try:
                open_files.set_descriptor(opened, descriptor)
                open_files.rename(opened, below)
            except BaseException:
                with contextlib.suppress(SMBException):
                    open_files.delete(opened)
                raise

    def make_all(self, path: str, descriptor: Descriptor) -> None:
        """Make a folder and those above it that are missing, all with this descriptor."""
        share, below = _split(path)
        parts = below.split("\\")
        for depth in range(1, len(parts) + 1):
            folder = "\\".join((share, *parts[:depth]))
            if self.descriptor(folder) is None:
                self.make(folder, descriptor)

    def protect(self, path: str, descriptor: Descriptor) -> None:
        """Give a folder its owner and access list. What is below it takes over what is inherited when it is next
        written; servers do not go through it (MS-DTYP 2.5.3.4)."""
        with self._mapped(f"protect {path}"), self._opened(path, _WRITE) as opened:
            self._must_be_folder(path, opened)
            open_files.set_descriptor(opened, descriptor)

    def move(self, path: str, to: str) -> None:
        """Give a folder another place on its share. Raises :class:`RejectedError` when something is there."""
        with (
            self._mapped(f"move {path} to {to}"),
            self._opened(path, DirectoryAccessMask.DELETE | DirectoryAccessMask.FILE_READ_ATTRIBUTES) as opened,
        ):
            self._must_be_folder(path, opened)
            open_files.rename(opened, _split(to)[1])

    def remove(self, path: str) -> None:
        """Remove an empty folder. Raises :class:`RejectedError` when it has contents."""
        with (
            self._mapped(f"remove {path}"),
            self._opened(path, DirectoryAccessMask.DELETE | DirectoryAccessMask.FILE_READ_ATTRIBUTES) as opened,
        ):
            self._must_be_folder(path, opened)
            open_files.delete(opened)

    def remove_all(self, path: str) -> None:
        """Remove a folder with all that is in it, for good. Links are removed, not followed."""
        with self._mapped(f"remove all of {path}"):
            folder_trees.remove(self._opened, path)

    def quotas_offered(self, share: str) -> bool:
        """Whether the server has quotas on the volume of `share`, and lets us at them."""
        with self._mapped(f"look at the quotas of {share}"):
            return self._quotas(share).offered()

    def quota(self, share: str, sid: str) -> int | None:
        """The most octets that files of `sid` may take on the volume of `share`; ``None``: as many as there are."""
        with self._mapped(f"look at the quota of {sid} on {share}"):
            return self._quotas(share).limit(sid)

    def set_quota(self, share: str, sid: str, octets: int | None) -> None:
        """Set it."""
        with self._mapped(f"set the quota of {sid} on {share}"):
            self._quotas(share).set_limit(sid, octets)

    def directory(self) -> DirectorySession:
        """The directory that knows the names of this server's SIDs."""
        if self._directory is None:
            try:
                self._directory = open_directory("directory", self.inventory, self.secrets)
            except TargetError as exc:  # whoever asked knows this target only
                raise type(exc)(self.target, f"cannot ask the directory for SIDs: {exc.message}") from exc
        return self._directory

    def visitor(self) -> ShareVisitor:
        """Somebody who opens folders in other people's names."""
        if self._visitor is None:
            self._visitor = ShareVisitor(self.target, self.server, self.inventory, self.secrets)
        return self._visitor

    def close(self) -> None:
        """Close the connection, and those to the directory and of the visitor."""
        for one in (self._directory, self._visitor):
            if one is not None:
                one.close()
        with contextlib.suppress(Exception):  # it is gone already, then
            self._connection.disconnect()

    @property
    def _host(self) -> str:
        place = self.server.server
        return place.host if self.server.sign_in == "kerberos" else place.connect_to

    def _sign_in(self, password: str) -> Session:
        place, user = self.server.server, self.server.credential.user
        attempt = SignIn(self.target, f"SMB, port {place.port}", user, password)
        attempt.check()
        with self._mapped("sign in"):
            self._connection.connect(timeout=self.server.timeout)
            session = Session(
                self._connection, user, password, require_encryption=False, auth_protocol=self.server.sign_in
            )
            try:
                session.connect()
            except SMBAuthenticationError:
                attempt.refused()
                raise
            except SMBResponseException as exc:
                refusal = refusals.of_sign_in(self.target, self.server, exc)
                if isinstance(refusal, CredentialError):
                    attempt.refused()
                raise refusal from exc
        attempt.accepted()
        if self._connection.supports_encryption:  # offered: taken (MS-SMB2 3.2.5.3); else everything is signed
            session.encrypt_data = True
        return session

    def _tree(self, share: str) -> TreeConnect:
        if share.casefold() not in self._trees:
            tree = TreeConnect(self._session, f"\\\\{self._host}\\{share}")
            tree.connect()
            self._trees[share.casefold()] = tree
        return self._trees[share.casefold()]

    @contextlib.contextmanager
    def _opened(self, path: str, access: int, *, disposition: int = CreateDisposition.FILE_OPEN) -> Iterator[Open]:
        share, below = _split(path)
        opened = Open(self._tree(share), below)
        making = disposition == CreateDisposition.FILE_CREATE
        opened.create(
            ImpersonationLevel.Impersonation,
            access,
            FileAttributes.FILE_ATTRIBUTE_DIRECTORY if making else 0,
            ShareAccess.FILE_SHARE_READ | ShareAccess.FILE_SHARE_WRITE | ShareAccess.FILE_SHARE_DELETE,
            disposition,
            _OPEN | (CreateOptions.FILE_DIRECTORY_FILE if making else 0),
        )
        try:
            yield opened
        finally:
            with contextlib.suppress(SMBException):
                opened.close()

    def _quotas(self, share: str) -> Quotas:
        return Quotas(lambda file, access: self._opened(f"{share}\\{file}", access), open_files.exchange)

    def _must_be_folder(self, path: str, opened: Open) -> None:
        attributes = int(opened.file_attributes or 0)
        if not attributes & FileAttributes.FILE_ATTRIBUTE_DIRECTORY or attributes & _REPARSE_POINT:
            raise RejectedError(self.target, f"{path} is not a folder but a file or a link; look at it, move it away")

    def _descriptor(self, path: str, opened: Open) -> Descriptor:
        try:
            return open_files.descriptor(opened)
        except ValueError as exc:
            raise RejectedError(self.target, f"the access list of {path} cannot be read: {exc}") from exc

    def _mapped(self, operation: str) -> contextlib.AbstractContextManager[None]:
        return refusals.mapped(self.target, self.server, operation)


def open_session(target: str, inventory: Inventory, secrets: Secrets) -> FilesSession:
    """Connect and sign in. Raises :class:`~provisioning.errors.TargetError`, :class:`RequestError` (the site has no
    such server) or :class:`~provisioning.errors.SecretError`."""
    return FilesSession(target, inventory, secrets)


def _server(target: str, files: Files | None) -> FileServer:
    name = target.partition(":")[2]
    if files is None or name not in files.servers:
        raise RequestError(f"{target}: the site has no file server {name!r} (files: servers)")
    return files.servers[name]


def _split(path: str) -> tuple[str, str]:
    share, _, below = path.partition("\\")
    return share, below
