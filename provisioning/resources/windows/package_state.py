"""An installed package as a PC shows it."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from provisioning.resources.base import State
from provisioning.site.versions import satisfies


class InstalledPackage(State):
    """A package as its Uninstall key (or its program file) shows it.

    As a wish, `version` may be a range such as ``>=4.1,<5``. `downgrade` is not a thing of the PC but a permission:
    where it is ``False``, a PC that has a newer version is left alone and the change fails.
    """

    ignore_case: ClassVar[frozenset[str]] = frozenset({"product_code"})
    version: str
    product_code: str | None = None
    downgrade: bool = Field(default=True, description="whether a newer version may be replaced by this older one")

    def managed(self) -> list[str]:
        """All that is set but the permission, which nothing on the PC agrees or disagrees with."""
        return [name for name in super().managed() if name != "downgrade"]

    @classmethod
    def _same(cls, name: str, one: Any, other: Any) -> bool:
        if name == "version" and isinstance(one, str) and isinstance(other, str):
            return satisfies(one, other)
        return super()._same(name, one, other)
