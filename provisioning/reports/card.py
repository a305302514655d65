"""The desk card: what a new colleague needs on the first day, on one page to print. It holds no password."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from markupsafe import Markup

from provisioning.reports.desk_picture import Place, room_picture, wiring_picture
from provisioning.reports.templates import render
from provisioning.reports.texts import Texts
from provisioning.reports.words import safe
from provisioning.site.help_desk import HelpDesk
from provisioning.site.mail import Mail


@dataclass(frozen=True)
class Desk:
    """Where somebody sits. `places` are the desks of the room; `telephone` is the model of the one that stands there
    (``""``: unknown), `telephone_outlet` its outlet where that is not the desk's."""

    key: str
    building: str
    room: str
    outlet: str
    shared: bool
    places: tuple[Place, ...]
    telephone: str | None = None
    telephone_outlet: str | None = None


@dataclass(frozen=True)
class Pc:
    """The PC of the desk, and what is installed on it: names with versions."""

    name: str
    asset_tag: str
    model: str | None
    software: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Folder:
    """A folder on a file server."""

    path: str
    drive: str | None = None
    read_only: bool = False


@dataclass(frozen=True)
class Colleague:
    """Somebody to turn to."""

    name: str
    phone: str | None
    room: str | None


@dataclass(frozen=True)
class Page:
    """An intranet page."""

    name: str
    url: str


@dataclass(frozen=True)
class Card:
    """All that a card says of one person. `addresses`: the primary one first; `signed_in`: browsers sign in by
    themselves. `note` is a line of the site's own, for lack
    of a help desk."""

    person: str
    name: str
    title: str
    department: str
    company: str | None
    start: date | None
    login: str
    principal: str
    domain: str
    handover: str
    addresses: tuple[str, ...]
    mail: Mail
    desk: Desk | None
    pc: Pc | None
    extension: str | None
    telephone: str | None
    pages: tuple[Page, ...]
    printers: tuple[str, ...]
    home: Folder | None
    shares: tuple[Folder, ...]
    signed_in: bool
    manager: Colleague | None
    help_desk: HelpDesk | None
    note: str | None

    @property
    def help(self) -> str | None:
        """The shortest way to help."""
        desk = self.help_desk
        if desk is None:
            return self.note
        return desk.phone or desk.mail or desk.url or desk.room or desk.name


def page(card: Card, t: Texts, at: datetime) -> str:
    """The card as HTML 5 for one A4 page, in the language of `t`."""
    return render(
        "card.html.j2",
        t,
        card=card,
        at=at,
        whom=_whom(card, t),
        room_picture=_room(card, t),
        wiring=_wiring(card, t),
        steps=_steps(card, t),
        mail_servers=_servers(card, t),
        password=t(f"card.{_PASSWORD[card.handover]}", whom=_whom(card, t)),
    )


_PASSWORD = {"file": "password_person", "letter": "password_letter", "age": "password_sealed"}


def _whom(card: Card, t: Texts) -> Markup | str:
    if card.help_desk is not None and card.help_desk.name is not None:
        return card.help_desk.name
    return t("card.help_desk")


def _room(card: Card, t: Texts) -> Markup | None:
    return None if card.desk is None else room_picture(t, card.desk.room, card.desk.places)


def _wiring(card: Card, t: Texts) -> Markup | None:
    desk = card.desk
    if desk is None:
        return None
    return wiring_picture(t, desk.outlet, card.pc.name if card.pc else None, desk.telephone, desk.telephone_outlet)


def _servers(card: Card, t: Texts) -> Markup | None:
    clients = card.mail.clients
    if clients is None:
        return None
    user = t("card.user_address" if clients.user_name == "address" else "card.user_local")
    ends = [f"{one.server.host}:{one.server.port}" for one in (clients.incoming, clients.outgoing)]
    return t("card.mail_manual", incoming=ends[0], outgoing=ends[1], user=user)


def _steps(card: Card, t: Texts) -> Sequence[Markup]:
    """The first day, in order."""
    desk = card.desk
    seat = t("card.step_no_desk") if desk is None else t("card.step_desk", room=desk.room, desk=desk.key)
    steps = [
        seat,
        t("card.step_password", whom=_whom(card, t)),
        t("card.step_sign_in", login=_strong(card.login)),
    ]
    if card.addresses:
        steps.append(t("card.step_mail", address=_strong(card.addresses[0])))
    if card.extension is not None and desk is not None and desk.telephone is not None and not desk.shared:
        steps.append(t("card.step_phone", extension=_strong(card.extension)))
    if card.pages:
        steps.append(t("card.step_intranet", page=card.pages[0].name))
    if card.help is not None:
        steps.append(t("card.step_help", help=card.help))
    return steps


def _strong(text: str) -> Markup:
    return Markup("<b>{}</b>").format(safe(text))
