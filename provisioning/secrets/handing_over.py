"""Giving out an initial password: shown once, as a letter, or encrypted; and telling the work log so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from provisioning.errors import ProvisioningError, RequestError, SecretError
from provisioning.secrets.letter import Letter
from provisioning.secrets.sealing import check_recipient, seal
from provisioning.secrets.waiting import Parcel, Waiting, write_private

Record = Callable[[str], None]
"""Writes one sentence into the work log; raises when it cannot."""


@dataclass(frozen=True)
class Way:
    """One way to give a password out. `words` go into the work log; they never hold a secret. `leaves` is a file that
    holds the password afterwards, and must be deleted once it has served."""

    words: str
    give: Callable[[Parcel], None]
    leaves: Path | None = None


def hand_over(waiting: Waiting, login: str, whose: str, way: Way, record: Record) -> None:
    """Give out the password of `login` and destroy what waited; `whose` is the person for the work log.

    The intention is written down first, so that a password that got out is never missing in the log. Raises
    :class:`SecretError` when nothing waits or somebody else is handing it over, and what the way raises: then the
    password goes on waiting.
    """
    what = f"The initial password of {whose}"
    waiting.hand_over(login, lambda parcel: _give(what, parcel, way, record))
    record(f"{what} was handed over {way.words}, and destroyed here.")


def hand_over_copy(what: str, parcel: Parcel, way: Way, record: Record) -> None:
    """Give out a password that is kept here all the same; `what` begins the sentences of the work log. Raises what the
    way raises."""
    _give(what, parcel, way, record)
    record(f"{what} was handed over {way.words}.")


def _give(what: str, parcel: Parcel, way: Way, record: Record) -> None:
    record(f"{what} is being handed over {way.words}.")
    try:
        way.give(parcel)
    except BaseException as exc:
        why = str(exc) if isinstance(exc, ProvisioningError) else f"interrupted by {type(exc).__name__}"
        record(f"{what} was not handed over {way.words}: {why}.")
        raise


def shown(show: Callable[[SecretStr], None], where: str) -> Way:
    """On a terminal; `show` gets the password."""

    def give(parcel: Parcel) -> None:
        if parcel.password is None:
            raise _only_its_recipients(parcel.login)
        show(parcel.password)

    return Way(f"on {where}", give)


def as_letter(letter: Letter, file: Path) -> Way:
    """As a page to print, in a new file."""

    def give(parcel: Parcel) -> None:
        if parcel.password is None:
            raise _only_its_recipients(parcel.login)
        letter.write(file, parcel.password)

    return Way(f"as the letter {file}", give, file)


def encrypted(recipients: Sequence[str], send: Callable[[bytes], None]) -> Way:
    """Encrypted with age; `send` gets the armoured text. Without recipients: as it waits, encrypted already."""
    for recipient in recipients:
        check_recipient(recipient)

    def give(parcel: Parcel) -> None:
        if parcel.sealed is not None:
            if recipients:
                raise _only_its_recipients(parcel.login)
            send(parcel.sealed)
        elif parcel.password is not None:
            if not recipients:
                raise RequestError(f"the initial password of {parcel.login} is not encrypted; name who shall read it")
            send(seal(parcel.password, recipients))

    to = ", ".join(_short(recipient) for recipient in recipients)
    return Way(f"encrypted to {to}" if to else "encrypted, as it waited", give)


def into_file(file: Path) -> Callable[[bytes], None]:
    """Writes what is encrypted into a new file, mode 0600."""

    def send(content: bytes) -> None:
        try:
            write_private(file, content)
        except FileExistsError:
            raise SecretError(f"{file} exists already; name another file. The password goes on waiting") from None
        except OSError as exc:
            raise SecretError(f"{file} cannot be written ({exc.strerror}); the password goes on waiting") from exc

    return send


def _only_its_recipients(login: str) -> SecretError:
    return SecretError(
        f"the initial password of {login} waits encrypted and only its recipients can open it; give them the encrypted "
        f"file: `provision handover {login} --to FILE`"
    )


def _short(recipient: str) -> str:
    return recipient if len(recipient) <= 80 else f"{recipient[:24]}…{recipient[-40:]}"
