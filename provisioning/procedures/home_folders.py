"""A person's home folder and the shares of their department."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from provisioning.procedures.base import Expectation
from provisioning.resources.base import Address, Proof, Resource
from provisioning.resources.files.folder import ADMINISTRATORS, Folder
from provisioning.resources.files.quota import Quota, offer_key
from provisioning.site import Inventory
from provisioning.site.files import Files, Homes
from provisioning.site.people import Profile


@dataclass(frozen=True)
class PersonsFolders:
    """What the person with this `login` and `profile` needs on the file servers. `home` is where the account's home
    folder is already: below the site's share it stays there, whatever the login is now."""

    inventory: Inventory
    files: Files
    login: str
    profile: Profile
    home: str = ""

    def attributes(self) -> dict[str, str]:
        """Fields of the account: where the home folder is, and its drive letter."""
        homes = self.files.homes
        if homes is None:
            return {}
        fields = {"home_folder": f"{self._root(homes)}{self._home(homes.share, homes.folder)}"}
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
            if (quota := self._quota(homes)) is not None:
                limit, place = Quota(limit=quota), f"{self._quota_share(homes)}\\{self.login}"
                yield Resource("files.quota", f"files:{homes.server}", place, limit, frozenset({account}))
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

    def expected(self) -> Iterator[Expectation]:
        """What the file servers should offer or have already."""
        homes = self.files.homes
        if homes is not None and self._quota(homes) is not None:
            share = self._quota_share(homes)
            yield Expectation(
                Resource("files.quota", f"files:{homes.server}", offer_key(share), Quota(offered=True)),
                f"homes have no limit: the file server {homes.server} has no quotas on {share}, or does not let us set "
                "them (docs/home-folders.md)",
            )
        for server, path, _ in self._places():
            above = path.rpartition("\\")[0]
            if "\\" in above:
                yield Expectation(
                    Resource("files.folder", f"files:{server}", above, Folder()),
                    f"{above} is not there yet on {server}: it is made with the first folder below it, and stays",
                )

    def proofs(self) -> Iterator[Proof]:
        """The person gets in and has the room that is meant, a stranger does not get in."""
        yield from self._visits()
        homes = self.files.homes
        if homes is None or self.files.servers[homes.server].check is None:
            return
        if (quota := self._quota(homes)) is not None:
            path, share = self._home(homes.share, homes.folder), self._quota_share(homes)
            parameters = {"login": self.login, "path": path, "share": share, "limit": quota}
            yield Proof("files.room", f"files:{homes.server}", f"{self.login} has room for {quota} MiB", parameters)

    def _visits(self) -> Iterator[Proof]:
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

    def _quota(self, homes: Homes) -> int | None:
        """MiB; ``None``: the site says nothing about it."""
        return self.profile.home_quota or homes.quota

    def _quota_share(self, homes: Homes) -> str:
        return self.files.servers[homes.server].quota_share or homes.share

    def _home(self, share: str, folder: str | None) -> str:
        above = "\\".join(filter(None, (share, folder)))
        root = f"{self._root(self.files.homes)}{above}\\" if self.files.homes is not None else ""
        kept = self.home[len(root) :] if self.home.casefold().startswith(root.casefold()) else ""
        return "\\".join((above, kept if kept and "\\" not in kept else self.login))

    def _root(self, homes: Homes) -> str:
        return f"\\\\{self.files.servers[homes.server].server.host}\\"

    @staticmethod
    def _proof(server: str, path: str, login: str, name: str, *, admitted: bool) -> Proof:
        return Proof("files.visit", f"files:{server}", name, {"login": login, "path": path, "admitted": admitted})
