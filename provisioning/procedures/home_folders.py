"""A person's home folder and the shares of their department."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from provisioning.resources.base import Address, Proof, Resource
from provisioning.resources.files.folder import ADMINISTRATORS, Folder
from provisioning.site import Inventory
from provisioning.site.files import Files
from provisioning.site.people import Profile


@dataclass(frozen=True)
class PersonsFolders:
    """What the person with this `login` and `profile` needs on the file servers."""

    inventory: Inventory
    files: Files
    login: str
    profile: Profile

    def attributes(self) -> dict[str, str]:
        """Fields of the account: where the home folder is, and its drive letter."""
        homes = self.files.homes
        if homes is None:
            return {}
        host = self.files.servers[homes.server].server.host
        fields = {"home_folder": f"\\\\{host}\\{self._home(homes.share, homes.folder)}"}
        return fields | ({"home_drive": homes.drive} if homes.drive else {})

    def resources(self, account: Address) -> Iterator[Resource]:
        """The home folder, once the `account` is there, and the shares."""
        if (homes := self.files.homes) is not None:
            administrators = self.files.servers[homes.server].administrators
            state = Folder(
                owner=self.login,
                access=(f"full {self.login}", f"full {administrators}"),
                inherits=False,
                archived=False,
            )
            key = self._home(homes.share, homes.folder)
            yield Resource("files.folder", f"files:{homes.server}", key, state, frozenset({account}))
        for name in self.profile.shares:
            share = self.files.shares[name]
            administrators = self.files.servers[share.server].administrators
            state = Folder(
                owner=ADMINISTRATORS,
                access=(f"{share.right} {share.group}", f"full {administrators}"),
                inherits=False,
                archived=False,
            )
            yield Resource("files.folder", f"files:{share.server}", f"{share.share}\\{share.folder}", state)

    def proofs(self) -> Iterator[Proof]:
        """The person gets in, a stranger does not."""
        for server, path, writes in self._places():
            check = self.files.servers[server].check
            if check is None:
                continue
            place = f"\\\\{self.files.servers[server].server.host}\\{path}"
            if writes:
                yield self._proof(server, path, self.login, f"{self.login} writes and reads in {place}", admitted=True)
            said = f"{place} is refused to {check.outsider}"
            yield self._proof(server, path, check.outsider, said, admitted=False)

    def warnings(self) -> Iterator[str]:
        """What the admin should know."""
        for server in dict.fromkeys(server for server, *_ in self._places()):
            if self.files.servers[server].check is None:
                yield (
                    f"nobody tests who gets into folders on {server}: the site has no check there "
                    f"(files: servers: {server}: check)"
                )

    def _places(self) -> Iterator[tuple[str, str, bool]]:
        """Server, path, and whether the person may write there."""
        if (homes := self.files.homes) is not None:
            yield homes.server, self._home(homes.share, homes.folder), True
        for name in self.profile.shares:
            share = self.files.shares[name]
            yield share.server, f"{share.share}\\{share.folder}", share.right == "change"

    def _home(self, share: str, folder: str | None) -> str:
        return "\\".join(filter(None, (share, folder, self.login)))

    @staticmethod
    def _proof(server: str, path: str, login: str, name: str, *, admitted: bool) -> Proof:
        return Proof("files.visit", f"files:{server}", name, {"login": login, "path": path, "admitted": admitted})
