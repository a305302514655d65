"""The SIP client: digests by the RFCs' own examples, and registrars that answer late, twice, strangely or not."""

from __future__ import annotations

import re
import secrets
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest
from pydantic import SecretStr

from provisioning.connections import sip
from provisioning.connections.sip import SipClient
from provisioning.connections.sip_messages import parse, respond
from provisioning.errors import RejectedError, RequestError, UnreachableError
from provisioning.site.base import Endpoint

PASSWORD = SecretStr("geheim")
Reply = Callable[[str], Sequence[str]]


@pytest.mark.parametrize(
    ("challenge", "cnonce", "password", "method", "uri", "response"),
    [
        (  # RFC 2617, 3.5
            {"realm": "testrealm@host.com", "qop": "auth,auth-int", "nonce": "dcd98b7102dd2f0e8b11d0f600bfb0c093"},
            "0a4f113b",
            "Circle Of Life",
            "GET",
            "/dir/index.html",
            "6629fae49393a05397450978507c4ef1",
        ),
        (  # RFC 7616, 3.9.1
            {
                "realm": "http-auth@example.org",
                "qop": "auth, auth-int",
                "algorithm": "SHA-256",
                "nonce": "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
            },
            "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
            "Circle of Life",
            "GET",
            "/dir/index.html",
            "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
        ),
    ],
)
def test_the_examples_of_the_rfcs(  # noqa: PLR0917
    challenge: dict[str, str],
    cnonce: str,
    password: str,
    method: str,
    uri: str,
    response: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(secrets, "token_hex", lambda _: cnonce)
    assert f'response="{response}"' in respond(challenge, "Mufasa", SecretStr(password), method, uri)


def answer(request: str, status: str, *headers: str) -> str:
    """What a registrar says to a request (RFC 3261, 8.2.6)."""
    same = [line for line in request.split("\r\n") if re.match(r"(?i)(via|from|to|call-id|cseq):", line)]
    return "\r\n".join([f"SIP/2.0 {status}", *same, *headers, "Content-Length: 0", "", ""])


CHALLENGE = 'WWW-Authenticate: Digest realm="corp.example", nonce="n1", qop="auth"'


@contextmanager
def registrar(reply: Reply) -> Iterator[tuple[Endpoint, list[str]]]:
    """Somebody at a UDP port who replies to each datagram with some."""
    asked: list[str] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(10)

        def serve() -> None:
            while True:
                raw, sender = server.recvfrom(65535)
                if raw == b"stop":
                    return
                asked.append(raw.decode())
                for text in reply(asked[-1]):
                    server.sendto(text.encode(), sender)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield Endpoint(host="sip.corp.example", port=server.getsockname()[1], address="127.0.0.1"), asked
        finally:
            server.sendto(b"stop", server.getsockname())
            thread.join()


def register(endpoint: Endpoint, **words: str) -> sip.Answer:
    client = SipClient("registrar", endpoint, "udp", "corp.example", None)
    try:
        return client.register("1042", PASSWORD, **words)  # type: ignore[arg-type]
    finally:
        client.close()


def test_a_challenge_is_answered_once_and_no_contact_is_left() -> None:
    def reply(request: str) -> Sequence[str]:
        signed = "Authorization: Digest" in request
        return [answer(request, "200 OK", "m: <sip:1042@10.0.0.9>") if signed else answer(request, "401 No", CHALLENGE)]

    with registrar(reply) as (endpoint, asked):
        assert register(endpoint) == sip.Answer(200, "OK", ("<sip:1042@10.0.0.9>",))
    assert len(asked) == 2
    assert not any("Contact:" in request for request in asked)
    assert [re.search(r"CSeq: (\d+)", request)[1] for request in asked] == ["1", "2"]  # type: ignore[index]
    assert len({re.search(r"Call-ID: (\S+)", request)[1] for request in asked}) == 1  # type: ignore[index]
    assert "geheim" not in "".join(asked)


def test_a_wrong_password_is_not_tried_for_ever() -> None:
    with registrar(lambda request: [answer(request, "401 Unauthorized", CHALLENGE)]) as (endpoint, asked):
        assert register(endpoint).status == 401
    assert len(asked) == 2


def test_a_stale_nonce_is_no_wrong_password() -> None:
    nonces = iter(("n1", "n2"))

    def reply(request: str) -> Sequence[str]:
        if 'nonce="n2"' in request:
            return [answer(request, "200 OK")]
        challenge = f'WWW-Authenticate: Digest realm="corp.example", nonce="{next(nonces)}", stale=TRUE'
        return [answer(request, "401 Unauthorized", challenge)]

    with registrar(reply) as (endpoint, asked):
        assert register(endpoint).status == 200
    assert len(asked) == 3


def test_the_strongest_challenge_is_answered() -> None:
    headers = [f'WWW-Authenticate: Digest realm="r", nonce="n", algorithm={name}' for name in ("X-9", "MD5", "SHA-256")]

    def reply(request: str) -> Sequence[str]:
        return [answer(request, "200 OK") if "algorithm=SHA-256" in request else answer(request, "401 No", *headers)]

    with registrar(reply) as (endpoint, _):
        assert register(endpoint).status == 200


def test_a_challenge_that_nobody_can_answer_is_a_refusal() -> None:
    with registrar(lambda request: [answer(request, "401 No", "WWW-Authenticate: Basic realm=x")]) as (endpoint, asked):
        assert register(endpoint).status == 401
    assert len(asked) == 1


def test_what_gets_lost_is_sent_again_and_what_is_not_ours_is_not_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sip, "_T1", 0.05)
    lost = iter((True, True, False))

    def reply(request: str) -> Sequence[str]:
        if next(lost):
            return []
        stranger = request.replace("branch=z9hG4bK", "branch=z9hG4bK0")
        return [answer(stranger, "200 OK"), answer(request, "100 Trying"), answer(request, "404 Not Found")]

    with registrar(reply) as (endpoint, asked):
        assert register(endpoint) == sip.Answer(404, "Not Found")
    assert len(asked) == 3
    assert len(set(asked)) == 1, "the same request, octet for octet"


def test_silence_and_nonsense_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sip, "_PATIENCE", 0.2)
    with registrar(lambda _: []) as (endpoint, _), pytest.raises(UnreachableError, match="no SIP answer from 127"):
        register(endpoint)
    with (
        registrar(lambda _: ["HTTP/1.1 400 Bad Request\r\n\r\n"]) as (endpoint, _),
        pytest.raises(RejectedError, match=r"is not SIP \(expected a line SIP/2\.0 STATUS REASON\)"),
    ):
        register(endpoint)


@pytest.mark.parametrize("user", ["", "a b", "1042\r\nX: y", "1042@corp", "ü" * 3, "1" * 65])
def test_no_user_reaches_the_wire_that_is_none(user: str) -> None:
    client = SipClient("registrar", Endpoint(host="nowhere", port=1), "udp", "corp.example", None)
    with pytest.raises(RequestError, match="is not a SIP user"):
        client.register(user, PASSWORD)


def test_folded_lines_and_compact_names() -> None:
    message = parse("SIP/2.0 200 OK\x1b[31m\r\nv: SIP/2.0/UDP x\r\n ;branch=z9hG4bK1\r\nm: <sip:a@b>\r\nbroken\r\n\r\n")
    assert message.first("via") == "SIP/2.0/UDP x ;branch=z9hG4bK1"
    assert message.all("contact") == ["<sip:a@b>"]
    assert message.reason == "OK[31m", "nothing that a terminal would obey"


def test_messages_on_a_stream_are_told_apart_by_their_length() -> None:
    """Two messages in one segment, the first with a body, the second in pieces."""
    server = socket.create_server(("127.0.0.1", 0))
    with server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                request = connection.recv(65535).decode()
                early = answer(request, "100 Trying").replace("Content-Length: 0", "l: 5") + "\r\n\r\nx"
                late = answer(request, "403 Forbidden")
                connection.sendall(f"\r\n\r\n{early}{late[:40]}".encode())
                connection.sendall(late[40:].encode())
                connection.recv(1)

        thread = threading.Thread(target=serve)
        thread.start()
        endpoint = Endpoint(host="sip.corp.example", port=server.getsockname()[1], address="127.0.0.1")
        client = SipClient("registrar", endpoint, "tcp", "corp.example", None)
        try:
            assert client.register("1042", PASSWORD) == sip.Answer(403, "Forbidden")
        finally:
            client.close()
            thread.join()


def test_octet_by_octet_is_no_way_to_keep_us(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sip, "_PATIENCE", 0.3)
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                while not over.wait(0.05):
                    connection.sendall(b"S")

        thread = threading.Thread(target=serve)
        thread.start()
        endpoint = Endpoint(host="sip.corp.example", port=server.getsockname()[1], address="127.0.0.1")
        client = SipClient("registrar", endpoint, "tcp", "corp.example", None)
        try:
            with pytest.raises(UnreachableError, match="no SIP answer from 127"):
                client.register("1042", PASSWORD)
        finally:
            over.set()
            thread.join()
            client.close()
