"""Where secret references lead that need more than their own words: Ansible Vault and HashiCorp Vault."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from provisioning.site.base import Form, Model, Reference, SecretReference, SitePath, Text

_Mount = Annotated[str, Form(r"^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*$", "a mount path such as secret")]


class AppRole(Model):
    """Sign-in as an application (Vault's AppRole auth method)."""

    role_id: Text
    secret_id: SecretReference
    mount: _Mount = "approle"


class HashiCorpVault(Model):
    """A HashiCorp Vault or OpenBao server with a KV version 2 secrets engine, reached over HTTPS only."""

    address: Annotated[
        str,
        Form(
            r"^https://[A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]{1,5})?$", "an address such as https://vault.corp.example:8200"
        ),
    ]
    namespace: Text | None = None
    mount: _Mount = Field(default="secret", description="where the KV version 2 engine is mounted")
    trust: SitePath | None = Field(
        default=None, description="PEM file of the trusted CA; the machine's store when left out"
    )
    token: SecretReference | None = None
    approle: AppRole | None = None
    timeout: int = Field(default=10, ge=1, le=120, description="seconds for the server to answer")

    @model_validator(mode="after")
    def _one_way_in(self) -> HashiCorpVault:
        if (self.token is None) == (self.approle is None):
            raise ValueError("expected either `token` or `approle`: how this program signs in")
        return self

    @property
    def credential(self) -> str:
        """The reference that signing in begins with."""
        return self.approle.secret_id if self.approle else self.token or ""


class SecretSources(Model):
    """What ``vault:`` and ``hashicorp:`` references of a site need. Each password is itself a reference."""

    ansible_vault_password: SecretReference | None = Field(
        default=None, description="opens the site's Ansible Vault files"
    )
    hashicorp: HashiCorpVault | None = None

    @model_validator(mode="after")
    def _no_circle(self) -> SecretSources:
        opens_files = _scheme(self.ansible_vault_password)
        opens_server = _scheme(self.hashicorp.credential if self.hashicorp else None)
        if opens_files == "vault":
            raise ValueError("`ansible_vault_password` cannot itself be in an Ansible Vault file; use env: or keyring:")
        if opens_server == "hashicorp":
            raise ValueError("the sign-in to `hashicorp` cannot itself be kept there; use env: or keyring:")
        if opens_files == "hashicorp" and opens_server == "vault":
            raise ValueError(
                "`ansible_vault_password` and the sign-in to `hashicorp` need each other; keep one of them elsewhere"
            )
        return self


def _scheme(reference: str | None) -> str:
    return Reference(reference or "").scheme
