"""How we talk to the directory: one LDAPS session, paged searches and writes, several on their way at once. The only
file that imports ldap3.

ldap3 connects and signs in; what is asked and answered then, :mod:`.ldap_pipeline` sends and reads. Every default of
ldap3 2.9 that would make a session unsafe or hang is set here explicitly: certificates are verified against the
server's name, referrals are not chased, every wait ends, no schema is fetched, result codes become our errors.
"""

from __future__ import annotations

import contextlib
import logging
import select
import ssl
import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from provisioning.connections.ldap_beside import search_beside
from provisioning.connections.ldap_messages import Result, joined, later_range
from provisioning.connections.ldap_operations import Add, Delete, Entry, Modify, Operation, Rename, Values
from provisioning.connections.ldap_pipeline import Pipeline
from provisioning.connections.ldap_refusals import bind_code, code_text, refusal
from provisioning.errors import CredentialError, ProvisioningError, TargetError, TrustError, UnreachableError
from provisioning.secrets import Secrets
from provisioning.site import Inventory
from provisioning.site.directory import Directory

__all__ = [
    "Add",
    "Delete",
    "DirectorySession",
    "Entry",
    "Modify",
    "Operation",
    "Rename",
    "Values",
    "open_session",
]

with warnings.catch_warnings():
    # ldap3 2.9 uses names that pyasn1 0.6 calls deprecated; nothing can be done about it here.
    warnings.simplefilter("ignore", DeprecationWarning)
    import ldap3
    from ldap3.core.exceptions import LDAPException
    from ldap3.core.results import RESULT_CODES

CONNECT_TIMEOUT = 10  # seconds
ANSWER_TIMEOUT = 60  # seconds without any byte from the server
PAGE = 1000  # entries: AD's MaxPageSize (MS-ADTS 3.1.1.3.4.6)
MANY = 20
"""Searches that are shared with a second connection. A server works on a connection's requests one after the other, but
on two connections' at once; signing in takes as long as some three of them with 50 values each. Not of a session that
has written: behind the second connection could be a server that does not have it yet."""
_ANYTHING = "(objectClass=*)"
_NO_SUCH_OBJECT = 32  # RFC 4511 A.1

_log = logging.getLogger(__name__)


class DirectorySession:
    """One signed-in LDAPS connection. `inventory` and `secrets` are there for the kinds."""

    def __init__(self, target: str, inventory: Inventory, secrets: Secrets) -> None:
        self.target = target
        self.inventory = inventory
        self.secrets = secrets
        self.directory = inventory.directory
        self._connection = self._signed_in()
        self._pipeline = Pipeline(self._connection.socket)
        self._has_written = False

    def search(
        self, condition: str, attributes: Sequence[str], *, base: str | None = None, one_entry: bool = False
    ) -> list[Entry]:
        """All entries that fulfil `condition` (an RFC 4515 filter made with :mod:`.distinguished_names`)
        below `base` (the whole domain); with `one_entry`, `base` itself (``""``: the rootDSE)."""
        return self._search([condition], attributes, base, one_entry)

    def search_many(self, conditions: Sequence[str], attributes: Sequence[str]) -> list[Entry]:
        """All entries that fulfil one of `conditions`, those of the first condition first. The next search is on its
        way while the server works on one; of :data:`MANY`, the server works on two at once."""
        return self._search(conditions, attributes, None, False)

    def write(self, operations: Iterable[Operation]) -> list[TargetError | None]:
        """Send the operations, many on their way at once; gives one refusal or ``None`` for each. They are taken one by
        one, so whoever makes them does so while the server works.

        The server may work on them in any order: operations that need each other go into separate calls.
        Raises :class:`UnreachableError` when the connection is lost; what had been sent may or may not have
        been done.
        """
        self._has_written = True
        outcomes: dict[int, TargetError | None] = {}

        def settle(index: int, operation: Operation, result: Result) -> None:
            outcomes[index] = self._refusal(_sentence(operation), result) if result.code else None

        try:
            self._pipeline.write(operations, settle)
        except (OSError, ValueError) as exc:
            raise self._lost("a change", exc) from exc
        return [outcomes[index] for index in range(len(outcomes))]

    def sign_in(self, user: str, password: str) -> str | None:
        """Try to sign in on a connection of its own: ``None`` when it is accepted, otherwise AD's hexadecimal
        code (see :mod:`.ldap_refusals`), such as ``773`` (right password, must be changed)."""
        connection = self._connect(user, password)
        try:
            return self._bind(connection)
        finally:
            connection.strategy.close()

    def peer_address(self) -> str:
        """The IP address of the server at the other end of the connection."""
        return str(self._connection.socket.getpeername()[0])

    def is_there(self) -> bool:
        """Whether the server has not ended the connection, as far as one knows without asking: nothing has come that
        nobody asked for (a notice of disconnection, RFC 4511 4.4.1, or the end of TLS)."""
        waiting = select.poll()
        waiting.register(self._connection.socket, select.POLLIN)
        return not waiting.poll(0)

    def close(self) -> None:
        """Close the connection."""
        self._connection.strategy.close()

    def _signed_in(self) -> ldap3.Connection:
        """A connection of the site's service account."""
        credential = self.directory.credential
        user = _qualified(credential.user, self.directory)
        connection = self._connect(user, self.secrets.resolve(credential.password).get_secret_value())
        code = self._bind(connection)
        if code is not None:
            connection.strategy.close()
            raise CredentialError(
                self.target,
                f"{self.directory.server.host} refuses the sign-in of {user}: {code_text(code)}; check "
                f"directory.credential in the site ({credential.password})",
            )
        return connection

    def _connect(self, user: str, password: str) -> ldap3.Connection:
        if not password:
            # RFC 4513 5.1.2: a simple bind without a password "succeeds" as nobody.
            raise CredentialError(self.target, f"the password of {user} is empty")
        server = self.directory.server
        tls = _VerifyingTls(self.directory)
        place = ldap3.Server(
            server.connect_to,
            port=server.port,
            use_ssl=True,
            tls=tls,
            get_info=ldap3.NONE,
            connect_timeout=CONNECT_TIMEOUT,
        )
        connection = ldap3.Connection(
            place,
            user=user,
            password=password,
            authentication=ldap3.SIMPLE,
            client_strategy=ldap3.SYNC,
            auto_bind=ldap3.AUTO_BIND_NONE,
            auto_referrals=False,
            raise_exceptions=False,
            check_names=False,
            receive_timeout=ANSWER_TIMEOUT,
            auto_escape=False,
            auto_encode=False,
            auto_range=True,
        )
        where = f"{server.host} ({server.connect_to}:{server.port})"
        try:
            connection.open(read_server_info=False)
        except (LDAPException, OSError) as exc:
            with contextlib.suppress(AttributeError, OSError):
                connection.socket.close()
            if isinstance(tls.failure, ssl.SSLCertVerificationError):
                raise TrustError(
                    self.target,
                    f"the certificate of {where} is not trusted: {tls.failure.verify_message}; "
                    "check directory.trust and directory.server.host in the site",
                ) from tls.failure
            raise UnreachableError(
                self.target,
                f"{where} does not answer LDAPS ({_reason(tls.failure or exc)}); check that the server "
                "runs and that the port is reachable from here",
            ) from exc
        return connection

    def _bind(self, connection: ldap3.Connection) -> str | None:
        try:
            connection.bind(read_server_info=False)
        except (LDAPException, OSError) as exc:
            raise self._lost("sign-in", exc) from exc
        result = connection.result
        if result["result"] == 0:
            return None
        wrong_credentials = result["result"] == 49  # RFC 4511 A.1
        return bind_code(result["message"]) if wrong_credentials else str(result["description"])

    def _search(
        self, conditions: Sequence[str], attributes: Sequence[str], base: str | None, one_entry: bool
    ) -> list[Entry]:
        below = self.directory.base_dn if base is None else base
        try:
            if len(conditions) < MANY or self._has_written:
                found = self._pipeline.search(conditions, attributes, base=below, one_entry=one_entry, page=PAGE)
            else:
                found = search_beside(self._pipeline, self._second, conditions, attributes, base=below, page=PAGE)
        except (OSError, ValueError) as exc:
            raise self._lost("a search", exc) from exc
        every: list[Entry] = []
        for entries, result in found:
            if result.code and not (one_entry and result.code == _NO_SUCH_OBJECT):
                raise self._refusal(f"a search below {below}", result)
            every += entries
        return [self._whole(entry) for entry in every]

    @contextlib.contextmanager
    def _second(self) -> Iterator[Pipeline | None]:
        """A second connection; without one it only takes longer."""
        try:
            connection = self._signed_in()
        except ProvisioningError as exc:
            _log.info("%s: reading on one connection: %s", self.target, exc)
            yield None
            return
        try:
            yield Pipeline(connection.socket)
        finally:
            connection.strategy.close()

    def _whole(self, entry: Entry) -> Entry:
        """The entry with all values of attributes that have more than the server gives at once."""
        parts, rest = [entry.attributes], [later for name in entry.attributes if (later := later_range(name))]
        while rest:
            wanted = [f"{attribute};range={number}-*" for attribute, number in rest]
            for more in self._search([_ANYTHING], wanted, entry.dn, True):
                parts.append(more.attributes)
            rest = [later for name in parts[-1] if (later := later_range(name))] if len(parts) > 1 else []
        return entry if len(parts) == 1 else Entry(entry.dn, joined(parts))

    def _refusal(self, operation: str, result: Result) -> TargetError:
        described = {"result": result.code, "description": RESULT_CODES.get(result.code, "result")}
        return refusal(self.target, operation, described | {"message": result.message})

    def _lost(self, during: str, exc: BaseException) -> TargetError:
        host = self.directory.server.host
        return UnreachableError(self.target, f"{host} stopped answering during {during} ({_reason(exc)}); try again")


def open_session(target: str, inventory: Inventory, secrets: Secrets) -> DirectorySession:
    """Connect and sign in. Raises :class:`UnreachableError`, :class:`TrustError`, :class:`CredentialError` or
    :class:`SecretError`."""
    return DirectorySession(target, inventory, secrets)


class _VerifyingTls(ldap3.Tls):  # type: ignore[misc]  # ldap3 has no types
    """TLS by Python's own rules: the certificate must prove `server.host`, wherever the connection goes to.

    ldap3's own check would also accept a certificate for the address. `failure` keeps the error that ldap3
    rewrites.
    """

    def __init__(self, directory: Directory) -> None:
        super().__init__(validate=ssl.CERT_REQUIRED if directory.verify else ssl.CERT_NONE)
        self._directory = directory
        self.failure: Exception | None = None

    def wrap_socket(self, connection: Any, do_handshake: bool = False) -> None:
        trust = self._directory.trust
        try:
            context = ssl.create_default_context(cafile=str(trust) if trust else None)
            if not self._directory.verify:
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
            connection.socket = context.wrap_socket(
                connection.socket,
                do_handshake_on_connect=do_handshake,
                server_hostname=self._directory.server.host,
            )
        except FileNotFoundError:
            self.failure = ssl.SSLCertVerificationError(f"{trust} does not exist")
            self.failure.verify_message = f"the trust anchor {trust} does not exist"
            raise self.failure from None
        except OSError as exc:
            self.failure = exc
            raise


def _qualified(user: str, directory: Directory) -> str:
    """A bare login becomes a user principal name; DNs, UPNs and DOMAIN\\login stay."""
    return user if any(mark in user for mark in "@\\=") else f"{user}@{directory.domain}"


def _sentence(operation: Operation) -> str:
    verb = {Add: "adding", Modify: "changing", Rename: "moving", Delete: "deleting"}[type(operation)]
    return f"{verb} {operation.dn}"


def _reason(exc: BaseException) -> str:
    return str(exc).removeprefix("socket connection error while opening: ") or type(exc).__name__
