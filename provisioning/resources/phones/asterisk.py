"""Asterisk's PJSIP realtime tables (res_pjsip, sorcery): ``ps_auths`` with a digest (``md5_cred``), ``ps_aors``,
``ps_endpoints``, three rows a subscriber whose ids are the extension.

The tables are looked at first: Asterisk's own scripts make some columns enumerations on PostgreSQL, and versions differ
in which columns they have.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from sqlalchemy import Connection, Engine, MetaData, Table, delete, insert, select, update

from provisioning.errors import RejectedError
from provisioning.resources.phones.adapters import Edit, Login, Row

_TABLES = ("ps_auths", "ps_aors", "ps_endpoints")
_OURS = frozenset({"id", "auth", "aors", "callerid"})
"""Columns of ps_endpoints that are no settings."""
_CALLER_ID = 40  # characters of the column in every version


class Asterisk:
    """The display name is the caller ID; settings are further columns of ps_endpoints."""

    def read(self, connection: Connection, domain: str, extensions: Sequence[str]) -> dict[str, Row]:
        auths, _, endpoints = _tables(connection)
        query = (
            select(endpoints, auths.c.md5_cred)
            .join(auths, auths.c.id == endpoints.c.auth)
            .where(endpoints.c.id.in_(list(extensions)), auths.c.realm == domain)
        )
        return {
            row["id"]: Row(
                row["md5_cred"] or "",
                _name(row["callerid"]),
                {name: _text(row[name]) for name in endpoints.c.keys() if name not in _OURS},  # noqa: SIM118 # not a dict
            )
            for row in connection.execute(query).mappings()
        }

    def taken(self, connection: Connection, domain: str) -> frozenset[str]:  # noqa: ARG002  (ids have no domain)
        return frozenset(connection.scalars(select(_tables(connection)[2].c.id)))

    def create(
        self, connection: Connection, login: Login, name: str | None, settings: Mapping[str, str | None]
    ) -> None:
        auths, aors, endpoints = _tables(connection)
        _known(endpoints, settings)
        self.delete(connection, login.realm, login.user)  # what is left of half a subscriber
        connection.execute(insert(auths).values(id=login.user, auth_type="md5", **_credential(login)))
        # One contact, and a phone that restarts replaces its own (max_contacts and remove_existing belong together).
        connection.execute(insert(aors).values(id=login.user, max_contacts=1, remove_existing="yes"))
        row = {"id": login.user, "auth": login.user, "aors": login.user, "callerid": caller_id(name, login.user)}
        connection.execute(insert(endpoints).values({**row, **settings}))

    def update(self, connection: Connection, domain: str, user: str, edit: Edit) -> None:  # noqa: ARG002
        auths, _, endpoints = _tables(connection)
        _known(endpoints, edit.settings)
        if edit.login is not None:
            values = {"auth_type": "md5", "password": None, **_credential(edit.login)}
            connection.execute(update(auths).where(auths.c.id == user).values(values))
        changed = dict(edit.settings)
        if "display_name" in edit.fields:
            changed["callerid"] = caller_id(edit.fields["display_name"], user)
        if changed:
            connection.execute(update(endpoints).where(endpoints.c.id == user).values(changed))

    def delete(self, connection: Connection, domain: str, user: str) -> None:  # noqa: ARG002
        for table in reversed(_tables(connection)):
            connection.execute(delete(table).where(table.c.id == user))


def caller_id(name: str | None, extension: str) -> str | None:
    """``"Anna Petrova" <1042>``."""
    if name is None:
        return None
    return f'"{fitting_name(name, extension)}" <{extension}>'


def fitting_name(name: str, extension: str) -> str:
    """A display name as the column takes it: cut, and without the marks that end it."""
    room = _CALLER_ID - len(f'"" <{extension}>')
    return name.replace('"', "'")[:room].strip()


def _name(callerid: str | None) -> str | None:
    return None if callerid is None else callerid.rpartition(" <")[0].strip('"') or None


def _credential(login: Login) -> dict[str, str]:
    return {"username": login.user, "realm": login.realm, "md5_cred": login.ha1}


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _known(endpoints: Table, settings: Mapping[str, str | None]) -> None:
    for name in settings:
        if name in _OURS or name not in endpoints.c:
            raise RejectedError(
                "phones", f"ps_endpoints has no setting {name!r} here; correct phones: exchange: settings"
            )


def _tables(connection: Connection) -> tuple[Table, Table, Table]:
    return _look(connection.engine)


@lru_cache(maxsize=4)
def _look(engine: Engine) -> tuple[Table, Table, Table]:
    known = MetaData()
    known.reflect(engine, only=_TABLES)
    auths, aors, endpoints = (known.tables[name] for name in _TABLES)
    return auths, aors, endpoints


ASTERISK = Asterisk()
