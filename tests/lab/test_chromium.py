"""The browser policies in a real Chromium: the same data that goes into a PC's registry, on the lab's intranet.

The screenshot of chrome://policy is kept as ``artifacts/chromium-policies.png`` of the folder that pytest runs in
(ignored by git).
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from provisioning.connections.directory import Modify
from provisioning.connections.pool import Pool
from provisioning.lab.office import Office
from provisioning.procedures.pc_settings import PcSettings
from provisioning.resources.windows.policies import managed_json
from provisioning.resources.windows.registry import RegistryKey
from provisioning.site import Inventory
from tests.chromium import Chromium
from tests.lab.accounts import Account, account, change

pytestmark = [
    pytest.mark.lab,
    pytest.mark.timeout(180),
    pytest.mark.skipif(
        shutil.which("chromium") is None, reason="Debian package chromium is not installed; see .ci/packages-more.txt"
    ),
]

ROWS = """(() => {
  const rows = [];
  const walk = node => { for (const element of node.querySelectorAll('*')) {
    if (element.tagName == 'POLICY-ROW') rows.push(element.policy);
    if (element.shadowRoot) walk(element.shadowRoot);
  } };
  walk(document);
  return rows.filter(policy => policy && 'value' in policy);
})()"""


@pytest.fixture
def policies(inventory: Inventory) -> dict[str, object]:
    """What a sales PC of the site gets in its registry, as Chromium reads it."""
    pages = [inventory.intranet.pages[page].url for page in inventory.profiles["sales"].pages]
    settings = PcSettings(inventory, "WS-0043", "B-204", pages)
    states = {
        resource.key: resource.desired for resource in settings.resources() if isinstance(resource.desired, RegistryKey)
    }
    return managed_json(states)


@pytest.fixture
def colleague(pool: Pool, inventory: Inventory) -> Iterator[Account]:
    """Somebody whom the intranet lets in."""
    with account(pool, inventory, "browser.test") as person:
        with pool.session("directory") as directory:
            group = str(directory.search(f"(sAMAccountName={inventory.intranet.group})", ["cn"])[0].dn)
        change(pool, group, Modify(group, add={"member": [person.dn]}))
        yield person


def to_the_lab(office: Office) -> list[str]:
    """Arguments that lead the intranet's name to the lab, and trust the key of its web server (and no other)."""
    certificate = x509.load_pem_x509_certificate((office.web.folder / "tls/intranet.pem").read_bytes())
    key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    pin = base64.b64encode(hashlib.sha256(key).digest()).decode()
    return [
        f"--host-resolver-rules=MAP {office.web.host} {office.web.address}",
        f"--ignore-certificate-errors-spki-list={pin}",
    ]


def ticket(office: Office, person: Account, folder: Path) -> Mapping[str, str]:
    """The environment of somebody who has signed in to the domain."""
    environment = {"KRB5_CONFIG": str(office.dc.krb5_conf), "KRB5CCNAME": f"FILE:{folder}/ticket"}
    subprocess.run(
        ["kinit", person.login], input=person.password, text=True, env=environment | {"PATH": "/usr/bin"},
        capture_output=True, check=True,
    )  # fmt: skip
    return environment


def shown(browser: Chromium) -> tuple[str, dict[str, Any]]:
    """The session of chrome://policy, and the policies that it shows."""
    session = browser.open("chrome://policy/")
    browser.wait(f"{ROWS}.length > 0", session)
    return session, {row["name"]: row for row in browser.evaluate(ROWS, session)}


def title_of(browser: Chromium, url: str) -> str:
    """The title of a page. The first request of a new browser may be over before its Kerberos library is loaded, so a
    refusal counts when it comes three times."""
    title = ""
    for _ in range(3):
        title = str(browser.evaluate("document.title", browser.open(url)))
        if not title.startswith("401"):
            break
    return title


def test_every_policy_is_taken_with_the_value_that_the_registry_has(
    policies: dict[str, object], tmp_path: Path
) -> None:
    with Chromium(tmp_path / "browser", policies) as browser:
        session, rows = shown(browser)
        artifacts = Path("artifacts")
        artifacts.mkdir(exist_ok=True)
        browser.screenshot(session, artifacts / "chromium-policies.png")
        bookmarks = browser.open("chrome://bookmarks/")
        tree = json.dumps(browser.evaluate("chrome.bookmarks.getTree()", bookmarks), ensure_ascii=False)
    assert set(rows) == set(policies)
    assert {name: (row["status"], row["level"], row.get("error")) for name, row in rows.items()} == dict.fromkeys(
        policies, ("OK", "mandatory", None)
    )
    for name, value in policies.items():
        found = rows[name]["value"]
        assert (json.loads(found) if isinstance(value, (dict, list)) and isinstance(found, str) else found) == value
    managed = policies["ManagedBookmarks"]
    assert isinstance(managed, list)
    assert managed
    for entry in managed:
        assert f'"title": "{entry["name"]}"' in tree
        assert f'"url": "{entry["url"]}"' in tree
    assert (artifacts / "chromium-policies.png").stat().st_size > 10_000


def test_a_policy_of_the_wrong_type_is_seen(tmp_path: Path) -> None:
    """Or the test above could not fail."""
    with Chromium(tmp_path / "browser", {"ShowHomeButton": "x", "NoSuchPolicy": 1}) as browser:
        _, rows = shown(browser)
    assert {name: row["status"] for name, row in rows.items()} == {"ShowHomeButton": "Error", "NoSuchPolicy": "Error"}


@pytest.mark.parametrize("fails", [False, True])
def test_no_process_and_no_mount_is_left(tmp_path: Path, fails: bool) -> None:
    """However a test ends."""
    folder = tmp_path / "browser"
    with contextlib.suppress(ZeroDivisionError), Chromium(folder, {"ShowHomeButton": True}) as browser:
        shown(browser)
        assert processes(folder)
        if fails:
            _ = 1 // 0
    deadline = time.monotonic() + 10
    while (left := processes(folder)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert left == []
    assert str(folder) not in Path("/proc/mounts").read_text()


def processes(folder: Path) -> list[str]:
    """The command lines that name a browser's own folder."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if str(folder).encode() in (words := file.read_bytes()):
                found.append(words.replace(b"\0", b" ").decode("utf-8", "replace"))
    return found


def test_a_colleague_is_signed_in_to_the_intranet_through_the_sites_proxy_settings(
    policies: dict[str, object], office: Office, colleague: Account, inventory: Inventory, tmp_path: Path
) -> None:
    url = inventory.intranet.pages["sales"].url
    signed_in = ticket(office, colleague, tmp_path)
    log = office.web.folder / "access.log"
    before = len(log.read_text())
    # The lab's name leads nowhere in DNS, where Chromium on Linux would look for its canonical name.
    here = {"DisableAuthNegotiateCnameLookup": True}
    with Chromium(tmp_path / "with", {**policies, **here}, to_the_lab(office), signed_in) as browser:
        assert title_of(browser, url) == "Sales desk"
    asked = log.read_text()[before:]
    assert '"GET /proxy.pac ' in asked
    assert f" {colleague.login} [" in asked

    without = {name: value for name, value in policies.items() if name != "AuthServerAllowlist"}
    with Chromium(tmp_path / "without", {**without, **here}, to_the_lab(office), signed_in) as browser:
        assert title_of(browser, url).startswith("401")


def test_the_start_pages_open(policies: dict[str, object], office: Office, colleague: Account, tmp_path: Path) -> None:
    signed_in = ticket(office, colleague, tmp_path)
    wanted = {**policies, "DisableAuthNegotiateCnameLookup": True}
    with Chromium(tmp_path / "browser", wanted, to_the_lab(office), signed_in, first=None) as browser:
        session = browser.open("about:blank")
        browser.wait("true", session)
        pages = browser.pages()
    start_pages = policies["RestoreOnStartupURLs"]
    assert isinstance(start_pages, list)
    assert set(start_pages) <= set(pages)
