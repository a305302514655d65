"""What belongs to a person's data on a PC, and how archives of it are kept."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from provisioning.site.base import Form, Model, SecretReference, SitePath
from provisioning.site.handover import AgeRecipient

Below = Annotated[
    str,
    Form(
        r"^[^\\/:*?\"<>|\p{C}.][^\\/:*?\"<>|\p{C}]*(\\[^\\/:*?\"<>|\p{C}.][^\\/:*?\"<>|\p{C}]*)*$",
        r"a folder below the profile, such as Documents or AppData\Roaming\Thunderbird",
    ),
]
"""A folder of the profile, with backslashes."""

Pattern = Annotated[
    str,
    Form(r"^[^/:\"<>|\p{C}]+$", r"a file name or path pattern such as *.ost or AppData\*\Cache\*"),
]
r"""``*`` and ``?`` as in file names; without a backslash it is about names, else about the path below the profile."""


class UserDataRules(Model):
    """What ``provision transfer-data`` and ``provision backup`` take of a profile."""

    folders: tuple[Below, ...] = Field(
        default=(
            *("Desktop", "Documents", "Downloads", "Favorites", "Music", "Pictures", "Videos"),
            *(r"AppData\Roaming\Thunderbird", r"AppData\Roaming\Microsoft\Signatures"),
            *(r"AppData\Roaming\Microsoft\Templates", r"AppData\Local\Microsoft\Outlook"),
        ),
        min_length=1,
        description="folders below the profile",
    )
    exclude: tuple[Pattern, ...] = Field(
        default=("desktop.ini", "Thumbs.db", "~$*", "*.tmp", "*.ost", "parent.lock"),
        description="what is left behind of these; *.ost files are caches that Outlook builds anew",
    )
    archives: SitePath = Field(
        default=Path("archives"), description="folder where archives are written", validate_default=True
    )
    recipients: tuple[AgeRecipient, ...] = Field(
        default=(), description="who can open archives (age); without any, backups that stay in the house are plain"
    )
    identity: SecretReference | None = Field(
        default=None, description="private key of one of the recipients, for `provision restore`"
    )


def _again(value: Any) -> Any:
    # Validated again, so that a relative folder starts from the site's.
    return value.model_dump(exclude_unset=True) if isinstance(value, UserDataRules) else value


UserDataSetting = Annotated[UserDataRules, BeforeValidator(_again)]
"""The section ``user_data:``."""
