"""ManageSieve as it goes over the wire (RFC 5804): a real TLS server that answers as it is told."""

from __future__ import annotations

import base64
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pydantic import SecretStr

from provisioning.connections.managesieve import ManageSieve, NobodyError, SignIn
from provisioning.connections.managesieve_words import Word, quoted, words
from provisioning.errors import CredentialError, RejectedError, TrustError, UnreachableError
from provisioning.lab.certificates import LabAuthority
from provisioning.site.base import Endpoint
from provisioning.site.mail import Security

HOST = "mail.corp.example"
GREETING = b'"IMPLEMENTATION" "made up"\r\n"SASL" "%s"\r\n"SIEVE" "fileinto vacation"\r\n"STARTTLS"\r\nOK "ready"\r\n'
SECRET = "canary-4711"
WHO = SignIn("anna", "reader", SecretStr(SECRET))


@dataclass
class Server:
    """What it answers to each command after the sign-in, by the command's first word; what it was sent."""

    folder: Path
    answers: dict[str, bytes] = field(default_factory=dict)
    sign_in: bytes = b"OK\r\n"
    mechanisms: bytes = b"PLAIN"
    greeting: bytes = GREETING
    sent: list[bytes] = field(default_factory=list)
    port: int = 0

    @contextmanager
    def running(self) -> Iterator[Server]:
        authority = LabAuthority(self.folder)
        files = authority.issue([HOST], ["127.0.0.1"], self.folder, "server")
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(files.certificate, files.key)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.settimeout(5)
            self.port = listener.getsockname()[1]
            thread = threading.Thread(target=self._serve, args=(listener, tls), daemon=True)
            thread.start()
            yield self
            thread.join(5)

    def _serve(self, listener: socket.socket, tls: ssl.SSLContext) -> None:
        raw, _ = listener.accept()
        raw.settimeout(5)
        try:
            raw.sendall(self._greeting() + b"")
            if raw.recv(100) != b"STARTTLS\r\n":
                return
            raw.sendall(b"OK\r\n")
            with tls.wrap_socket(raw, server_side=True) as secure:
                secure.sendall(self._greeting())
                self._converse(secure)
        except OSError:
            pass
        finally:
            raw.close()

    def _greeting(self) -> bytes:
        return self.greeting % self.mechanisms if b"%s" in self.greeting else self.greeting

    def _converse(self, secure: ssl.SSLSocket) -> None:
        while octets := secure.recv(65_536):
            self.sent.append(octets)
            verb = octets.split(None, 1)[0].decode()
            if verb == "LOGOUT":
                return
            answer = self.sign_in if verb == "AUTHENTICATE" else self.answers.get(verb, b"OK\r\n")
            if not answer:
                return
            for at in range(0, len(answer), 7):  # in small pieces, as networks may
                secure.sendall(answer[at : at + 7])

    def client(self, security: Security = "starttls", host: str = HOST) -> ManageSieve:
        endpoint = Endpoint.model_validate({"host": host, "port": self.port, "address": "127.0.0.1"})
        trust = ssl.create_default_context(cafile=str(self.folder / "ca.pem"))
        return ManageSieve("mail", endpoint, security, trust, WHO)


def test_scripts_are_listed_fetched_stored_and_activated(tmp_path: Path) -> None:
    answers = {
        "LISTSCRIPTS": b'"mine \\"x\\" \xc3\xa9"\r\n{9}\r\nva cation ACTIVE\r\nOK (WARNINGS) "fine"\r\n',
        "GETSCRIPT": b"{16}\r\nkeep;\r\n# OK\r\nx\r\n\r\nOK\r\n",
    }
    with Server(tmp_path, answers).running() as server:
        client = server.client()
        assert client.extensions == {"fileinto", "vacation"}
        assert client.scripts() == {'mine "x" é': False, "va cation": True}
        assert client.get('mine "x" é') == "keep;\n# OK\nx\n"
        client.put("neu", "keep;\n# é\n")
        client.activate(None)
        client.delete("alt\\")
        client.close()
    plain = base64.b64encode(f"anna\0reader\0{SECRET}".encode()).decode()
    assert b"".join(server.sent).decode() == (
        f'AUTHENTICATE "PLAIN" "{plain}"\r\n'
        'LISTSCRIPTS\r\nGETSCRIPT "mine \\"x\\" é"\r\n'
        'PUTSCRIPT "neu" {13+}\r\nkeep;\r\n# é\r\n\r\nSETACTIVE ""\r\nDELETESCRIPT "alt\\\\"\r\nLOGOUT\r\n'
    )


@pytest.mark.parametrize(
    ("sign_in", "error", "said"),
    [
        (b'NO "wrong \x1b[2J"\r\n', CredentialError, r"does not let 'reader' act for 'anna'; check the user"),
        (b'BYE "internal"\r\n', NobodyError, "mail.corp.example has no mailbox of 'anna'"),
        (b"", NobodyError, "has no mailbox of 'anna'"),
    ],
)
def test_a_sign_in_that_fails_says_why(tmp_path: Path, sign_in: bytes, error: type[Exception], said: str) -> None:
    with Server(tmp_path, sign_in=sign_in).running() as server, pytest.raises(error, match=said) as refused:
        server.client()
    assert SECRET not in repr(refused.value)


def test_a_server_without_a_way_to_act_for_others_is_said(tmp_path: Path) -> None:
    with (
        Server(tmp_path, mechanisms=b"SCRAM-SHA-256").running() as server,
        pytest.raises(CredentialError, match=r"offers no sign-in that can act for others \(PLAIN\)"),
    ):
        server.client()
    assert server.sent in ([], [b"LOGOUT\r\n"]), "no password was sent"


def test_nothing_is_sent_in_clear(tmp_path: Path) -> None:
    clear = b'"SASL" "PLAIN"\r\nOK\r\n'
    with (
        Server(tmp_path, greeting=clear).running() as server,
        pytest.raises(TrustError, match="does not offer TLS; nothing was sent"),
    ):
        server.client()


def test_another_name_is_not_trusted(tmp_path: Path) -> None:
    with (
        Server(tmp_path).running() as server,
        pytest.raises(TrustError, match=r"the certificate of post\.corp\.example is not trusted"),
    ):
        server.client(host="post.corp.example")
    assert server.sent == []


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        (b'NO (QUOTA/MAXSIZE) "too\tbig"\r\n', RejectedError, r"of anna \(QUOTA/MAXSIZE: too big\)"),
        (b"NO {11}\r\nline 1\r\nerr\r\n", RejectedError, r"\(line 1  err\)"),
        (b"NO\r\n", RejectedError, "no reason given"),
        (b'BYE "going down"\r\n', RejectedError, "going down"),
        (b"", UnreachableError, "does not answer ManageSieve"),
        (b"{999999999}\r\n", RejectedError, "more than 1 MiB"),
        (b"\x7b\x7b\x7b\r\n", RejectedError, "does not speak ManageSieve"),
    ],
)
def test_what_the_server_refuses_is_said(tmp_path: Path, answer: bytes, error: type[Exception], said: str) -> None:
    with Server(tmp_path, {"PUTSCRIPT": answer}).running() as server:
        client = server.client()
        with pytest.raises(error, match=said):
            client.put("x", "keep;\n")
        client.close()


def test_nobody_listens() -> None:
    endpoint = Endpoint.model_validate({"host": HOST, "port": 9, "address": "127.0.0.1"})
    with pytest.raises(UnreachableError, match=r"mail\.corp\.example \(127\.0\.0\.1 port 9\) does not answer"):
        ManageSieve("mail", endpoint, "tls", ssl.create_default_context(), WHO)


def test_words() -> None:
    assert words(b'NO (TAG {2}\r\n"x NONE) "a \\"b\\" \\\\"\r\n') == (
        Word("NO", False),
        Word("TAG", False, True),
        Word('"x', True, True),
        Word("NONE", False, True),
        Word('a "b" \\', True),
    )
    with pytest.raises(ValueError, match="no word of it"):
        words(b'"open\r\n')


@pytest.mark.parametrize("text", ["a\r\nLOGOUT", "a\nb", "nul\0", "x" * 1025])
def test_a_name_cannot_carry_a_command(text: str) -> None:
    with pytest.raises(ValueError, match="no line breaks"):
        quoted(text)
