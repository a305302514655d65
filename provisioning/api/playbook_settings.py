"""What ansible-playbook is told: its arguments, its environment, its variables."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from provisioning.errors import RequestError
from provisioning.secrets.check import references
from provisioning.site import playbooks
from provisioning.site.lines import did_you_mean

if TYPE_CHECKING:
    from provisioning.api.site import Site

INVENTORY = "site.workplace.yml"
"""The inventory that is the site itself, by the collection's inventory plugin."""

_ROLES = ("~/.ansible/roles", "/usr/share/ansible/roles", "/etc/ansible/roles")
"""Where Ansible looks if nobody says anything else."""

AFTER = "PROVISION_STEP_OF"
"""Environment variable of a playbook that is a step: no step follows what its modules do."""


@dataclass(frozen=True)
class Settings:
    """How a playbook is to be run. `secrets` maps variables to secret references of the site (``env:NAME`` …): their
    values reach the playbook by a pipe and are in no output of ours."""

    inventory: str | Path | None = None
    limit: str | None = None
    tags: Sequence[str] = ()
    skip_tags: Sequence[str] = ()
    extra_vars: Mapping[str, Any] = field(default_factory=dict)
    extra_vars_files: Sequence[Path] = ()
    secrets: Mapping[str, str] = field(default_factory=dict)
    vault_password_file: Path | None = None
    check: bool = False
    diff: bool = False
    forks: int | None = None

    def refuse(self) -> None:
        """Raise :class:`RequestError` for files that are not there, and for numbers that make no sense."""
        for option, file in (
            *(("-e", file) for file in self.extra_vars_files),
            *((("--vault-password-file", self.vault_password_file),) if self.vault_password_file else ()),
        ):
            if not file.is_file():
                raise RequestError(f"{option}: there is no file {file}")
        if isinstance(self.inventory, Path) and not self.inventory.exists():
            raise RequestError(f"--inventory: there is no {self.inventory}")
        if self.forks is not None and self.forks < 1:
            raise RequestError(f"--forks: {self.forks} hosts at once makes no sense; expected 1 or more")
        twice = sorted(self.secrets.keys() & self.extra_vars.keys())
        if twice:
            raise RequestError(f"the variable {twice[0]} is given twice, once as a secret; give it once")

    def arguments(self, folder: Path, playbook: Path) -> list[str]:
        """The words behind ``ansible-playbook``; `folder` is where the inventory of the site was put."""
        inventory = folder / INVENTORY if self.inventory is None else self.inventory
        words = [f"--inventory={inventory}"]
        words += [f"--extra-vars=@{file.absolute()}" for file in self.extra_vars_files]
        for option, value in (
            ("limit", self.limit),
            ("tags", ",".join(self.tags)),
            ("skip-tags", ",".join(self.skip_tags)),
            ("forks", self.forks),
            ("vault-password-file", self.vault_password_file and self.vault_password_file.absolute()),
        ):
            if value not in {None, ""}:
                words.append(f"--{option}={value}")
        words += ["--check"] if self.check else []
        words += ["--diff"] if self.diff else []
        return [*words, "--", str(playbook.absolute())]

    def request(self) -> dict[str, Any]:
        """What the ledger keeps of it: no value of any variable."""
        return {
            "limit": self.limit,
            "tags": list(self.tags),
            "skip_tags": list(self.skip_tags),
            "inventory": None if self.inventory is None else str(self.inventory),
            "variables": sorted([*self.extra_vars, *self.secrets]),
            "variable_files": [str(file) for file in self.extra_vars_files],
            "check": self.check,
            "diff": self.diff,
        }


def find(site: Site, playbook: str | Path) -> Path:
    """The file of a playbook: a path, or the name of one of the site's or of the clone's. Raises :class:`RequestError`
    with the nearest name, and with the names that there are."""
    text = str(playbook)
    if isinstance(playbook, Path) or "/" in text:
        path = Path(text).expanduser()
        if path.is_file():
            return path.absolute()
        raise RequestError(f"there is no playbook {path}")
    found = playbooks.named(site.inventory.folder, text)
    if found is not None:
        return found.absolute()
    if Path(text).is_file():
        return Path(text).absolute()
    known = playbooks.known(site.inventory.folder)
    listed = f"; there are: {', '.join(sorted(known))}" if known else ""
    own = site.inventory.folder / playbooks.FOLDER
    advice = f"; give the path of a file, or put the playbook into {own}"
    if playbooks.clone() is None:
        advice += " (those of the project are in its repository, not in the installed package)"
    raise RequestError(f"there is no playbook {text!r}{did_you_mean(text, known)}{listed}{advice}")


def environment(site: Site, after: int | None) -> dict[str, str]:
    """The caller's environment, and where roles and settings are, where nobody said so. With `after` the playbook is
    the step of that run."""
    found = dict(os.environ)
    found["PROVISION_SITE"] = str(site.inventory.folder)
    if after is not None:
        found[AFTER] = str(after)
    folders = [folder for folder in (site.inventory.folder, playbooks.clone()) if folder is not None]
    own = Path("ansible.cfg").absolute()
    if "ANSIBLE_CONFIG" not in found and not own.is_file():
        own = next((folder / "ansible.cfg" for folder in folders if (folder / "ansible.cfg").is_file()), own)
        if own.is_file():
            found["ANSIBLE_CONFIG"] = str(own)
    theirs = "ANSIBLE_CONFIG" in os.environ or (own.is_file() and own.parent.resolve() not in _real(folders[1:]))
    if "ANSIBLE_ROLES_PATH" not in found and not theirs:
        found["ANSIBLE_ROLES_PATH"] = ":".join([*(str(folder / "roles") for folder in folders), *_ROLES])
    return found


def _real(folders: Sequence[Path]) -> set[Path]:
    return {folder.resolve() for folder in folders}


def inventory_text(site: Site) -> str:
    """The site as an inventory."""
    return json.dumps({"plugin": "workplace.provisioning.site", "site": str(site.inventory.folder)})


def resolved(site: Site, references_of: Mapping[str, str]) -> dict[str, SecretStr]:
    """Variable → the secret that it is to be. Raises :class:`~provisioning.errors.SecretError`."""
    return {name: site.secrets.resolve(reference) for name, reference in references_of.items()}


def variables_text(plain: Mapping[str, Any], secret: Mapping[str, SecretStr]) -> str:
    """All extra variables as YAML; empty without any. Secrets are marked so that none is taken for a template. Raises
    :class:`RequestError` for a value that JSON has no form for."""
    try:
        lines = [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in plain.items()]
    except (TypeError, ValueError) as exc:
        raise RequestError(f"an extra variable cannot be handed over: {exc}") from exc
    lines += [f"{json.dumps(name)}: !unsafe {json.dumps(value.get_secret_value())}" for name, value in secret.items()]
    return "".join(f"{line}\n" for line in lines)


def vault_password(site: Site, settings: Settings) -> SecretStr | None:
    """What opens the site's vaulted files, where the site says it and the caller does not name another file."""
    reference = site.inventory.secrets.ansible_vault_password
    if settings.vault_password_file is not None or reference is None or "ANSIBLE_VAULT_PASSWORD_FILE" in os.environ:
        return None
    return site.secrets.resolve(reference)


def to_mask(site: Site, *found: SecretStr | None) -> list[str]:
    """The secrets that no output may repeat: these, and those of the site that are in the environment."""
    in_environment = (os.environ.get(one.where) for one in references(site.inventory) if one.scheme == "env")
    values = {one.get_secret_value() for one in found if one is not None} | {one for one in in_environment if one}
    return sorted(values, key=len, reverse=True)
