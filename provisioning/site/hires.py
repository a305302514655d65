"""How tables are read that other programs wrote: the spreadsheets of an office, the export of its personnel office."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from provisioning.site.base import Identifier, Model, Text
from provisioning.site.spreadsheet_values import DayOrder
from provisioning.site.spreadsheets import folded

Encoding = Literal[
    "windows-1250", "windows-1251", "windows-1252", "windows-1253", "windows-1254", "windows-1257",
    "iso-8859-15", "macintosh",
]  # fmt: skip
"""What spreadsheet programs mean by CSV in one country or another."""

Column = Literal[
    "person", "given_name", "family_name", "department", "profile", "title", "manager", "desk", "phone", "start",
    "birth_date", "login", "with", "note",
]  # fmt: skip
"""What a file of new colleagues may say of each."""


class Spreadsheets(Model):
    """How CSV tables are read that do not say it themselves: the site's own, and files of new colleagues."""

    dates: DayOrder | None = Field(default=None, description="whether 04/01/2027 is 4 January or 1 April")
    encoding: Encoding | None = Field(default=None, description="of tables that are not UTF-8")


def _told_apart(profiles: dict[str, str]) -> dict[str, str]:
    names: dict[str, str] = {}
    for job, profile in profiles.items():
        other = names.setdefault(folded(job), profile)
        if other != profile:
            raise ValueError(f"{job!r} is given twice, as {other!r} and as {profile!r}; keep one of them")
    return profiles


class PersonnelExport(Model):
    """How the personnel office's export calls things. With `columns`, all others of the export are left alone."""

    columns: dict[Column, Text] = Field(default_factory=dict, description="what we call a column → its heading there")
    profiles: Annotated[dict[Text, Identifier], AfterValidator(_told_apart)] = Field(
        default_factory=dict, description="job (as in the column of `profile`) → profile of the site"
    )

    def profile(self, job: str) -> str:
        """The profile that a job means; the word itself where nothing is said of it."""
        return {folded(name): profile for name, profile in self.profiles.items()}.get(folded(job), job)
