"""How the initial password of a new hire reaches them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from provisioning.site.base import Form, Model, SitePath, Text

AgeRecipient = Annotated[
    str,
    Form(
        r"^(age1[02-9ac-hj-np-z]{58}|ssh-(ed25519|rsa) [A-Za-z0-9+/=]{60,}( [ -~]*)?)$",
        "an age recipient (age1…) or an SSH public key (ssh-ed25519 … or ssh-rsa …)",
        2000,
    ),
]
"""A public key that age encrypts to (the C2SP age specification; SSH keys as in age's ``-R``)."""


class Handover(Model):
    """How initial passwords wait, and how they are given out.

    ``file``: in a one-time file, mode 0600; ``letter``: likewise, and ``provision handover`` prints it as a letter
    unless it is told otherwise; ``age``: encrypted to `recipients`, so that only they can read it.
    """

    folder: SitePath = Field(
        default=Path("handover"), description="folder where initial passwords wait", validate_default=True
    )
    form: Literal["file", "letter", "age"] = "file"
    recipients: tuple[AgeRecipient, ...] = Field(default=(), description="who can read it when the form is age")
    note: Text | None = Field(
        default=None, description="a line printed on every letter, such as where the help desk is"
    )

    @model_validator(mode="after")
    def _somebody_can_read_it(self) -> Handover:
        if self.form == "age" and not self.recipients:
            raise ValueError("the form age needs at least one of `recipients`; `age-keygen` makes one")
        return self


def _folder_alone(value: Any) -> Any:
    if isinstance(value, (str, Path)):
        return {"folder": value}
    # Validated again, so that a relative folder starts from the site's.
    return value.model_dump(exclude_unset=True) if isinstance(value, Handover) else value


HandoverSetting = Annotated[Handover, BeforeValidator(_folder_alone)]
"""``handover: FOLDER``, or its settings."""
