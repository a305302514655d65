"""References → values at the line of use, and the initial passwords that wait for hand-over."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

from pydantic import SecretStr

from provisioning.errors import SecretError
from provisioning.secrets import ansible_vault, plain, system_keyring
from provisioning.secrets.hashicorp import HashiCorp
from provisioning.secrets.passwords import generate_password
from provisioning.secrets.phone_passwords import PhonePasswords
from provisioning.secrets.waiting import Waiting
from provisioning.site import Inventory
from provisioning.site.base import REFERENCE_FORMS
from provisioning.site.directory import PasswordPolicy
from provisioning.site.handover import Handover
from provisioning.site.secret_sources import SecretSources

__all__ = ["Secrets", "generate_password"]


class Secrets:
    """Resolves the references of one site. `base` is the folder that relative file references start from, `handover`
    says how initial passwords wait (a path: in one-time files in that folder).

    Values are fetched anew each time and never kept, so that a changed password is used at once. May be used from
    many threads.
    """

    def __init__(
        self,
        base: Path,
        handover: Path | Handover,
        sources: SecretSources | None = None,
        phone_passwords: Path | None = None,
    ) -> None:
        self._base = base
        self._sources = sources or SecretSources()
        self._hashicorp = HashiCorp(self._sources.hashicorp, self.resolve) if self._sources.hashicorp else None
        self.waiting = Waiting(handover if isinstance(handover, Handover) else Handover(folder=handover))
        self.phone_passwords = PhonePasswords(phone_passwords or base / ".phones")

    @classmethod
    def of(cls, site: Inventory) -> Secrets:
        """The secrets of a site."""
        phones = site.phones.passwords if site.phones is not None else None
        return cls(site.folder, site.handover, site.secrets, phones)

    def __reduce__(self) -> NoReturn:
        raise TypeError("Secrets stays in its process; send the reference and resolve it there")

    def resolve(self, reference: str) -> SecretStr:
        """The value behind a reference (see :data:`~provisioning.site.base.REFERENCE_FORMS`).

        Raises :class:`SecretError` with the reference, the cause and the next step.
        """
        scheme, _, where = reference.partition(":")
        match scheme:
            case "env":
                return plain.from_environment(reference, where)
            case "file":
                return plain.from_file(reference, self.path(reference))
            case "vault":
                file, _, key = where.partition("#")
                return ansible_vault.read(reference, self._below(file), key, self._vault_password(reference))
            case "keyring":
                return system_keyring.read(reference, where)
            case "hashicorp":
                return self._vault_server(reference).read(reference, where)
        forms = ", ".join(form for _, form in REFERENCE_FORMS.values())
        raise SecretError(f"a credential is not a secret reference; expected one of: {forms}")

    def path(self, reference: str) -> Path:
        """The file behind a ``file:`` reference (for keytabs and the like, which programs read themselves)."""
        scheme, _, rest = reference.partition(":")
        if scheme != "file":
            raise SecretError(f"{reference}: expected a file reference (file:PATH)")
        return self._below(rest)

    def issue_initial_password(self, login: str, policy: PasswordPolicy) -> SecretStr:
        """Generate the initial password of a new account and leave it for hand-over.

        Called again before the hand-over (a second attempt after a crash), it gives the same password, unless that
        one waits encrypted and this process did not make it: then it is replaced.
        """
        return self.waiting.issue(login, policy)

    def initial_password(self, login: str) -> SecretStr | None:
        """The initial password that waits for hand-over; ``None`` when none waits, or only others can read it."""
        return self.waiting.read(login)

    def withdraw_initial_password(self, login: str) -> None:
        """Remove the password that waits: its account is gone, or the password was handed over."""
        self.waiting.withdraw(login)

    def handover_file(self, login: str) -> Path:
        """Where the initial password of `login` waits."""
        return self.waiting.file(login)

    def _below(self, file: str) -> Path:
        return self._base / Path(file).expanduser()

    def _vault_password(self, reference: str) -> SecretStr:
        if self._sources.ansible_vault_password is None:
            raise SecretError(
                f"{reference}: the site does not say what opens its Ansible Vault files; add "
                "`secrets: {ansible_vault_password: env:VARIABLE}` (or another reference) to it"
            )
        try:
            return self.resolve(self._sources.ansible_vault_password)
        except SecretError as exc:
            raise SecretError(f"{reference}: the password of the Ansible Vault files is not to be had: {exc}") from exc

    def _vault_server(self, reference: str) -> HashiCorp:
        if self._hashicorp is None:
            raise SecretError(
                f"{reference}: the site does not say where its Vault server is; add "
                "`secrets: {hashicorp: {address: https://…, token: env:VARIABLE}}` to it"
            )
        return self._hashicorp
