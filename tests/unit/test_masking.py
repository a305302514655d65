"""What is a secret in a configuration, family by family; and that no secret reaches the archive's repository.

A case is ``tests/cases/masking/<dialect>/configuration.txt``: a configuration in which every secret stands between «
and »; lines that begin with ``~`` must be left out (they change by themselves), and lines that begin with ``|`` belong
to a block that is masked as one. All the rest must stay as it is.

``forms.txt`` beside it has every form of a secret that guides and public configurations show, with ``{}`` where it
stands: whatever is planted there must be gone.
"""

from __future__ import annotations

import hmac
import re
import subprocess
from pathlib import Path

import pytest
from pydantic import ValidationError

from provisioning.dialects import NAMES, load, masking
from provisioning.dialects.masking import MASKED, Mask, is_masked, masked
from provisioning.ledger.archive import Archive
from provisioning.resources.base import Keepsake

CASES = sorted((Path(__file__).parent.parent / "cases" / "masking").glob("*/configuration.txt"))
FORMS = sorted((Path(__file__).parent.parent / "cases" / "masking").glob("*/forms.txt"))
NAMED = [case.parent.name for case in CASES]
KEY = b"the key of this test"
_SECRET = re.compile("«(.+?)»")


def plain(case: str) -> str:
    """The configuration as the device prints it."""
    return "\n".join(re.sub("[«»]", "", line.removeprefix("~").removeprefix("|")) for line in case.splitlines())


def fingerprint(secret: str) -> str:
    return f"<secret {hmac.digest(KEY, secret.encode(), 'sha256').hex()[:12]}>"


def expected(case: str) -> str:
    """The same with a fingerprint in the place of each secret."""
    lines: list[str] = []
    block: list[str] = []
    for line in [*case.splitlines(), ""]:
        if line.startswith("|"):
            block.append(line[1:].strip())
            continue
        if block:
            lines.append(f" {fingerprint(chr(10).join(block))}")
            block = []
        if not line.startswith("~"):
            lines.append(_SECRET.sub(lambda found: fingerprint(found[1]), line).rstrip())
    return "\n".join(lines).strip("\n") + "\n"


def canaries(case: str) -> list[str]:
    """Everything that must not be found anywhere, without quotes."""
    blocks = [line[1:].strip() for line in case.splitlines() if line.startswith("|") and len(line) > 20]
    return [*(secret.strip('"') for secret in _SECRET.findall(case) if len(secret) > 4), *blocks]


@pytest.mark.parametrize("case", CASES, ids=NAMED)
def test_every_secret_is_masked_and_nothing_else(case: Path) -> None:
    text = case.read_text(encoding="utf-8")
    found = masked(plain(text), load(case.parent.name).mask, KEY)
    assert found.splitlines() == expected(text).splitlines()
    assert masked(plain(text).replace("\n", "\r\n"), load(case.parent.name).mask, KEY) == found


def test_every_family_has_a_case() -> None:
    assert set(NAMED) >= set(NAMES)
    assert {form.parent.name for form in FORMS} >= set(NAMES) - {"ovs"}  # its database has one secret, in its case


@pytest.mark.parametrize("canary", ["s3cr3tX", "Public", "0a1B2c3D", "pass-word_9", "12345678"])
@pytest.mark.parametrize("form", FORMS, ids=[form.parent.name for form in FORMS])
def test_whatever_is_planted_in_the_place_of_a_secret_is_gone(form: Path, canary: str) -> None:
    text = form.read_text(encoding="utf-8")
    found = masked(text.replace("{}", canary), load(form.parent.name).mask, KEY)
    assert [line for line in found.splitlines() if canary in line] == []
    assert text.count("{}") > 30
    assert len(found.splitlines()) > 0.9 * len(text.splitlines()), "the lines stay, only their secrets go"


@pytest.mark.parametrize("case", CASES, ids=NAMED)
def test_no_secret_reaches_the_repository(case: Path, tmp_path: Path) -> None:
    """Every object that git stored, unpacked, and every other file of the archive is searched."""
    text = case.read_text(encoding="utf-8")
    archive = Archive(tmp_path / "archive")
    archive.keep([Keepsake("sw-1", case.parent.name, plain(text))], title="onboard E1042", run=7)
    archive.keep([Keepsake("sw-1", case.parent.name, plain(text) + "\nmore")], title="Round")
    stored = _unpacked(tmp_path / "archive" / "configurations.git")
    stored += b"".join(file.read_bytes() for file in (tmp_path / "archive").rglob("*") if file.is_file())
    assert b"sw-1.cfg" in stored
    assert b"more" in stored
    assert b"<secret " in stored
    assert [secret for secret in canaries(text) if secret.encode() in stored] == []
    assert len(canaries(text)) > 3


def _unpacked(repository: Path) -> bytes:
    listed = ["git", "--git-dir", str(repository), "cat-file", "--batch-all-objects"]
    return subprocess.run([*listed, "--batch"], check=True, capture_output=True).stdout


def test_a_changed_secret_shows_as_a_change_and_the_same_one_does_not() -> None:
    masks = load("ios").mask
    one, again, other = (masked(f"enable secret 5 {text}", masks, KEY) for text in ("$1$a$b234", "$1$a$b234", "$1$a$c"))
    assert one == again != other
    assert one != masked("enable secret 5 $1$a$b234", masks, b"another key")


@pytest.mark.parametrize(
    "line",
    [
        "unheard-of command with a key 3f9a0c1d22aa3f9a0c1d22aa",
        "set gadget community Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5",
        "widget secret-hash 11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff:00",
        "   MIIDuTCCAqECCQCuoxeJ2ZNYcjANBgkqhkiG9w0BAQsFADCBqzELMAkGA1UEBhMC",
        "  30820330 30820218 A0030201 02020101 300D0609 2A864886 F70D0101 05050030",
        "token eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0",
    ],
)
def test_what_looks_like_a_secret_is_withheld_as_a_whole(line: str) -> None:
    (found,) = masked(line, (), KEY).splitlines()
    assert MASKED.search(found)
    assert is_masked(found)
    assert not set(line.split()) & set(found.split()) - {"a"}


@pytest.mark.parametrize(
    "line",
    [
        "description key room of GigabitEthernet1/0/24, TenGigabitEthernet1/1/1",
        "aaa authentication login default group tacacs+ local enable",
        "switchport port-security mac-address sticky 0200.5e10.0042",
        "ip address 10.20.20.2 255.255.255.0",
        "ipv6 address 2001:DB8:0:1:1234:5678:9ABC:DEF0/64",
        "spanning-tree mode rapid-pvst",
        "service timestamps log datetime msec show-timezone year",
        "crypto ipsec transform-set AES256-SHA256 esp-aes 256 esp-sha256-hmac",
    ],
)
def test_what_only_speaks_of_secrets_stays(line: str) -> None:
    assert masked(line, load("ios").mask, KEY) == f"{line}\n"


@pytest.mark.parametrize(
    "line",
    [
        "anything password 7 0822455D0A16",
        "anything at all key sha512 CANARY",
        "hash $6$salt$abcdefgh and $2y$10$abcdefghijk",
        "copy https://user:CANARY@host/x",
    ],
)
def test_what_any_device_may_print(line: str) -> None:
    found = masked(line, (), KEY)
    assert MASKED.search(found)
    for secret in ("0822455D0A16", "CANARY", "abcdefgh"):
        assert secret not in found


def test_a_block_without_an_end_is_masked_to_the_end() -> None:
    text = "hostname x\n-----BEGIN RSA PRIVATE KEY-----\nCANARY1\nCANARY2"
    found = masked(text, (), KEY)
    assert "CANARY" not in found
    assert found.startswith("hostname x\n-----BEGIN RSA PRIVATE KEY-----\n <secret ")


def test_control_characters_reach_no_terminal() -> None:
    found = masked("banner motd ^C\n\x1b]0;owned\x07 hello \u202e\n\tx", (), KEY)
    assert found == "banner motd ^C\n\\x1b]0;owned\\x07 hello \\u202e\n\tx\n"


def test_nothing_stays_nothing() -> None:
    assert masked("\n \r\n", (), KEY) == ""


@pytest.mark.parametrize(
    "wrong",
    [
        {"pattern": "enable .*", "hint": "no secret in it"},
        {"pattern": "(?P<secret>x)", "until": "y", "hint": "two things at once"},
        {"pattern": "x", "drop": True, "until": "y", "hint": "two things at once"},
        {"pattern": "(", "drop": True, "hint": "no pattern"},
        {"pattern": "x", "drop": True},
    ],
)
def test_a_mask_does_one_thing(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Mask.model_validate(wrong)


def test_what_is_known_to_be_harmless_holds_no_secret_and_changes_nothing() -> None:
    masks = load("ios").mask
    text = (
        "snmp-server community s3cretWord RO\nline vty 0 4\n password 7 094F471A1A0A\n transport input ssh\n"
        "aaa group server radius desk\n key 7 104D000A0618\n"
        "key chain ring\n key 7\n  key-string 7 02050D480809\ninterface Gi1/0/7\n description B-204\n"
    )
    first = masked(text, masks, KEY)
    assert masked(text, masks, KEY) == first
    known = masking._net((*masks, *masking.EVERYWHERE)).harmless
    assert {" description B-204", " transport input ssh"} <= known
    assert [line for line in known for word in ("s3cret", "094F", "104D", "0205") if word in line] == []
    # `key 7` is the name of a key below a key chain, and a secret below a server.
    assert " key 7" not in known
    assert first.count(" key 7\n") == 1


def test_a_line_that_was_judged_is_judged_anew_with_another_key_and_in_another_section() -> None:
    line = "enable secret 0 Kirschbaum-77"
    masks = load("ios").mask
    other = hmac.digest(b"another", b"Kirschbaum-77", "sha256").hex()[:12]
    assert [masked(line, masks, KEY) for _ in range(2)] == [f"enable secret 0 {fingerprint('Kirschbaum-77')}\n"] * 2
    assert masked(line, masks, b"another") == f"enable secret 0 <secret {other}>\n"
    told = Mask.model_validate({"pattern": r"\bword (?P<secret>\S+)", "hint": "a word", "under": "^section secret"})
    open_, hidden = "section open\n word Apfel7\n", "section secret\n word Apfel7\n"
    assert masked(open_ + hidden, [told], KEY) == f"{open_}section secret\n word {fingerprint('Apfel7')}\n"
    assert masked(hidden + open_, [told], KEY) == f"section secret\n word {fingerprint('Apfel7')}\n{open_}"


def test_secrets_of_judged_lines_are_not_remembered() -> None:
    masked("enable secret 0 Kirschbaum-78", load("ios").mask, KEY)
    net = masking._net((*load("ios").mask, *masking.EVERYWHERE))
    assert net.judged
    assert "Kirschbaum-78" not in repr((net.judged, net.harmless))
