"""A file of new colleagues: what :class:`~provisioning.api.Site` inherits of it. How it is carried out is in
:mod:`provisioning.intake.row_by_row`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from provisioning.intake.requests import Intake

if TYPE_CHECKING:
    from provisioning.intake.people_file import Addition
    from provisioning.intake.row_results import RowResult
    from provisioning.intake.together import SiteOfHires
    from provisioning.procedures.hires import Hires
    from provisioning.procedures.hires_rows import Row


class Bulk(Intake):
    """Many requests at once."""

    def hires(self: SiteOfHires, file: Path) -> Hires:
        """The rows of a CSV, JSON or YAML file, each with what is wrong with it: against the site, the ledger and the
        other rows. Nothing is changed, and no system is asked.

        Raises :class:`~provisioning.errors.RequestError` when the file as a whole is not what it should be.
        """
        from provisioning.intake import row_by_row  # noqa: PLC0415  (few programs read such a file)

        return row_by_row.hires(self, file)

    def newcomers(self: SiteOfHires, file: Path) -> Addition:
        """The people of a file whom the site does not have yet, ready to be added to its table of people: show
        ``lines``, then :meth:`Addition.write`, then load the site again.

        The site is validated with them: raises :class:`~provisioning.errors.RequestError` and
        :class:`~provisioning.errors.SiteError`.
        """
        from provisioning.intake import row_by_row  # noqa: PLC0415

        return row_by_row.newcomers(self, file)

    def onboard_all(self: SiteOfHires, rows: Sequence[Row], *, at_once: int | None = None) -> Iterator[RowResult]:
        """One result a row, as each is done. Rows with a start in the future are scheduled, those that need approval
        wait for it, the others are carried out at once, up to `at_once` in one run (100 unless it is said). A row
        that was asked for before is that request again.

        After Ctrl-C the rows that were not begun have no result: doing the file again goes on with them. Raises only
        :class:`~provisioning.errors.LedgerError`.
        """
        from provisioning.intake import row_by_row  # noqa: PLC0415

        yield from row_by_row.onboard_all(self, rows, at_once)
