"""Windows LAPS in the lab's directory: its schema, and a password as a PC would store it.

Samba's schema does not have the attributes; Update-LapsADSchema adds them to a real one. They are added to the domain
controller's own database by Samba's Python (the base system's, package python3-samba, which samba-tool needs too),
since the running server refuses schema changes. Definitions: Microsoft Learn, "Windows LAPS schema extensions
reference".
"""

from __future__ import annotations

from provisioning.lab.directory import DomainController
from provisioning.lab.process import run

_SYSTEM_PYTHON = "/usr/bin/python3"
_EXTEND = """
import sys
from samba.auth import system_session
from samba.param import LoadParm
from samba.samdb import SamDB

settings = LoadParm()
settings.load(sys.argv[1])
settings.set("dsdb:schema update allowed", "yes")
database = SamDB(url=sys.argv[2], session_info=system_session(), lp=settings)
schema = str(database.get_schema_basedn())
attributes = (
    ("msLAPS-PasswordExpirationTime", "1", "2.5.5.16", 65, 0),
    ("msLAPS-Password", "2", "2.5.5.5", 19, 904),
    ("msLAPS-EncryptedPassword", "3", "2.5.5.10", 4, 904),
)
for name, number, syntax, om_syntax, flags in attributes:
    database.add_ldif(
        f"dn: CN=ms-{name[2:]},{schema}\\nobjectClass: attributeSchema\\n"
        f"attributeID: 1.2.840.113556.1.6.44.1.{number}\\nattributeSyntax: {syntax}\\noMSyntax: {om_syntax}\\n"
        f"lDAPDisplayName: {name}\\nisSingleValued: TRUE\\nsearchFlags: {flags}\\n"
    )
database.modify_ldif("dn:\\nchangetype: modify\\nadd: schemaUpdateNow\\nschemaUpdateNow: 1\\n")
added = "".join(f"mayContain: {row[0]}\\n" for row in attributes)
database.modify_ldif(f"dn: CN=Computer,{schema}\\nchangetype: modify\\nadd: mayContain\\n{added}")
"""


def extend_schema(dc: DomainController) -> None:
    """Add the attributes of Windows LAPS, once."""
    done = dc.folder / ".laps-schema"
    if not done.exists():
        run([_SYSTEM_PYTHON, "-", str(dc.smb_conf), str(dc.folder / "private/sam.ldb")], stdin=_EXTEND)
        done.touch()
