"""What a command imports before it does anything: no library of a system that it does not talk to."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import EXAMPLE

ROOT = Path(__file__).parents[2]

_OF_SYSTEMS = (
    *("ansible", "asyncssh", "cryptography", "hvac", "keyring", "ldap3", "netmiko", "nornir", "ntc_templates"),
    *("paramiko", "procrastinate", "psycopg", "requests", "smbclient", "smbprotocol", "spnego", "winrm"),
)
_FOR_NOTHING = ("alembic", "babel", "jinja2", "rich", "sqlalchemy", "textfsm", "yaml", "pydantic")
_DONE = "\nexcept SystemExit: pass\n"
_HELP = f"from provisioning.cli.program import PROGRAM\ntry: PROGRAM.main(['--help'], 'provision'){_DONE}"
_VALIDATE = (
    "from provisioning.cli.program import PROGRAM\n"
    f"try: PROGRAM.main(['--site', {str(EXAMPLE)!r}, 'validate'], 'provision'){_DONE}"
)


@pytest.mark.parametrize(
    ("code", "unwanted"),
    [
        ("import provisioning", (*_OF_SYSTEMS, *_FOR_NOTHING, "provisioning.errors")),
        (_HELP, (*_OF_SYSTEMS, *_FOR_NOTHING, "provisioning.site", "provisioning.api")),
        (_VALIDATE, (*_OF_SYSTEMS, "alembic", "babel", "jinja2", "sqlalchemy", "textfsm", "provisioning.resources")),
        ("import provisioning.resources.registry, provisioning.procedures.registry", _OF_SYSTEMS),
        ("import provisioning.api", (*_OF_SYSTEMS, "alembic", "babel", "jinja2", "rich")),
        ("import provisioning.cli.plan, provisioning.api", (*_OF_SYSTEMS, "alembic", "babel", "jinja2")),
    ],
)
def test_nothing_is_imported_for_nothing(code: str, unwanted: tuple[str, ...]) -> None:
    ask = f"{code}\nimport sys\nsys.stderr.write(' '.join(sorted(set({unwanted!r}) & set(sys.modules))))"
    done = subprocess.run([sys.executable, "-c", ask], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_site_is_planned_without_the_libraries_of_its_systems() -> None:
    code = (
        "import sys\n"
        "from provisioning.api import Site\n"
        "from provisioning.procedures.base import Accounts\n"
        "from provisioning.procedures.whole_site import whole_site\n"
        f"site = Site.load({str(EXAMPLE)!r}).inventory\n"
        "assert whole_site(site).compile(site, Accounts()).resources\n"
        f"sys.exit(' '.join(sorted(set({_OF_SYSTEMS!r}) & set(sys.modules))) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
