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
_OF_OTHER_WORK = (
    *("sqlalchemy", "provisioning.api.asking", "provisioning.api.audit_look"),
    *("provisioning.api.finding", "provisioning.api.plan_making", "provisioning.api.playbooks"),
    *("provisioning.intake.people_file", "provisioning.intake.row_by_row", "provisioning.intake.together"),
    *("provisioning.procedures.audit", "provisioning.procedures.hires", "provisioning.procedures.move"),
    *("provisioning.procedures.offboard", "provisioning.procedures.onboard", "provisioning.procedures.ownership"),
    *("provisioning.resources.mail.mailbox", "provisioning.resources.switch.port"),
    *("provisioning.resources.windows.package", "provisioning.resources.windows.user_data"),
)
_NAMES_OF_ALL = (
    "from provisioning.resources.registry import KINDS, PROOFS\n"
    "from provisioning.procedures.registry import PROCEDURES\n"
    "assert 'switch.port' in KINDS and 'files.visit' in set(PROOFS) and 'onboard' in PROCEDURES and len(KINDS) > 20"
)
_ONBOARDED = (
    "from provisioning.api import Site, onboard\n"
    "from provisioning.procedures.base import Accounts\n"
    f"assert onboard('E1042').compile(Site.load({str(EXAMPLE)!r}).inventory, Accounts()).resources"
)
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
        (_NAMES_OF_ALL, (*_OF_SYSTEMS, *_OF_OTHER_WORK, "provisioning.resources.directory.user")),
        ("import provisioning.api", (*_OF_SYSTEMS, *_FOR_NOTHING, "provisioning.site", "provisioning.ledger")),
        ("import provisioning.api; provisioning.api.Site", (*_OF_SYSTEMS, *_OF_OTHER_WORK, "babel", "jinja2", "rich")),
        ("import provisioning.cli.resume", (*_OF_SYSTEMS, *_OF_OTHER_WORK, "alembic", "babel", "jinja2", "textfsm")),
        ("import provisioning.ledger.ledger", (*_OF_SYSTEMS, "alembic", "sqlalchemy.dialects.postgresql")),
        (
            _ONBOARDED,
            (
                *(*_OF_SYSTEMS, "sqlalchemy", "provisioning.api.asking", "provisioning.procedures.move", "rich"),
                *("provisioning.procedures.hires", "provisioning.resources.windows.user_data"),
                *("provisioning.resources.mail.rules", "provisioning.resources.windows.archive"),
            ),
        ),
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
