"""Kamailio's table ``subscriber`` (version 7 of its schema), as its module auth_db reads it with
``password_column = "ha1"`` and ``calculate_ha1 = 0``. The column of clear passwords stays empty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Column, ColumnElement, Connection, MetaData, String, Table, and_, delete, insert, select, update

from provisioning.resources.phones.adapters import Edit, Login, Row

_SUBSCRIBER = Table(
    "subscriber",
    MetaData(),
    *(Column(name, String) for name in ("username", "domain", "password", "ha1", "ha1b")),
)
_CHUNK = 500  # values in one IN list


class Kamailio:
    """Subscribers have no names or settings here."""

    def read(self, connection: Connection, domain: str, extensions: Sequence[str]) -> dict[str, Row]:
        found: dict[str, Row] = {}
        for start in range(0, len(extensions), _CHUNK):
            chunk = extensions[start : start + _CHUNK]
            wanted = (_SUBSCRIBER.c.domain == domain) & _SUBSCRIBER.c.username.in_(chunk)
            rows = connection.execute(select(_SUBSCRIBER.c.username, _SUBSCRIBER.c.ha1).where(wanted))
            found |= {row.username: Row(row.ha1) for row in rows}
        return found

    def taken(self, connection: Connection, domain: str) -> frozenset[str]:
        return frozenset(connection.scalars(select(_SUBSCRIBER.c.username).where(_SUBSCRIBER.c.domain == domain)))

    def create(
        self,
        connection: Connection,
        login: Login,
        name: str | None,  # noqa: ARG002  (the table has none)
        settings: Mapping[str, str | None],  # noqa: ARG002
    ) -> None:
        row = {"username": login.user, "domain": login.realm, "password": "", "ha1": login.ha1, "ha1b": login.ha1b}
        connection.execute(insert(_SUBSCRIBER), row)

    def update(self, connection: Connection, domain: str, user: str, edit: Edit) -> None:
        if edit.login is not None:
            values = {"ha1": edit.login.ha1, "ha1b": edit.login.ha1b, "password": ""}
            connection.execute(update(_SUBSCRIBER).where(_is(domain, user)).values(values))

    def delete(self, connection: Connection, domain: str, user: str) -> None:
        connection.execute(delete(_SUBSCRIBER).where(_is(domain, user)))


def _is(domain: str, user: str) -> ColumnElement[bool]:
    return and_(_SUBSCRIBER.c.domain == domain, _SUBSCRIBER.c.username == user)


KAMAILIO = Kamailio()
