"""Puts accounts into the database of a domain controller that does not run, by Samba's own library.

Run by the distribution's Python, which has that library: ``/usr/bin/python3 directory_fill.py < told.json``. It uses
nothing of this project. What it is told: the ``settings`` (smb.conf), ``people`` as ``[DN, attributes, password]``, and
``groups`` as DN → DNs of members.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from typing import Any

_KEYS = ("unicodePwd", "ntPwdHistory", "supplementalCredentials")
"""What a password is kept as. Deriving it takes most of the time that an account takes; the first one's is everybody's,
so that the records are as long as real ones, and nobody but the first can sign in."""
_AT_ONCE = 500
"""Accounts in a transaction: Samba keeps what it changes in memory, and in a large one it looks for it for long."""
_AS_THEY_ARE = "local_oid:1.3.6.1.4.1.7165.4.3.12:0"  # Samba's control to take these attributes as they are


def main(told: dict[str, Any]) -> None:
    """Fill it. The modules of Samba's that a request over LDAP passes through work here too: SIDs, links, schema."""
    ldb: Any = import_module("ldb")
    settings: Any = import_module("samba.param").LoadParm()
    settings.load(told["settings"])
    session: Any = import_module("samba.auth").system_session()
    keys: dict[str, bytes] = {}
    database: Any = import_module("samba.samdb").SamDB(session_info=session, lp=settings)
    for start in range(0, len(told["people"]), _AT_ONCE):
        database.transaction_start()
        for dn, attributes, password in told["people"][start : start + _AT_ONCE]:
            if keys:
                database.add({"dn": dn, **attributes, "pwdLastSet": "0", **keys}, controls=[_AS_THEY_ARE])
                continue
            secret = f'"{password}"'.encode("utf-16-le")
            database.add({"dn": dn, **attributes, "pwdLastSet": "0", "unicodePwd": secret})
            (made,) = database.search(dn, scope=ldb.SCOPE_BASE, attrs=list(_KEYS))
            keys = {name: bytes(made[name][0]) for name in _KEYS if name in made}
        database.transaction_commit()
    for group, dns in told["groups"].items():
        database.transaction_start()
        message = ldb.Message(ldb.Dn(database, group))
        message["member"] = ldb.MessageElement(dns, ldb.FLAG_MOD_ADD, "member")
        database.modify(message)
        database.transaction_commit()


if __name__ == "__main__":
    main(json.load(sys.stdin))
