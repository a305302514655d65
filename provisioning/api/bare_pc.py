"""What a PC needs to become a member of the domain without being in the network: an offline-domain-join blob, alone or
in an answer file that installs Windows as well. Both are secrets."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pydantic import SecretBytes, SecretStr

from provisioning.connections.offline_join import as_account_data, as_file
from provisioning.ledger.records import Entry
from provisioning.procedures import winrm_certificate
from provisioning.procedures.join import computer_name, dns_name
from provisioning.procedures.unattend import AnswerFile, answer_file
from provisioning.resources.directory.joining import issue

if TYPE_CHECKING:
    from provisioning.api.site import Site


def prepared(site: Site, workstation: str) -> AnswerFile:
    """All of an answer file but the blob. Changes nothing. Raises
    :class:`~provisioning.errors.ProvisioningError` for what cannot become a file."""
    inventory = site.wired
    setting, host = inventory.unattend, inventory.workstations[workstation].host
    password = site.secrets.resolve(inventory.windows.credential.password)
    key = site.secrets.resolve(setting.product_key) if setting.product_key else None
    certificate = winrm_certificate.make(host, setting.certificate_days)
    made = AnswerFile(workstation, SecretStr("later"), password, certificate, key)
    answer_file(inventory, made)
    return made


def answers(site: Site, made: AnswerFile) -> bytes:
    """The answer file, with a new blob: the password of the PC's account, which must be there, is a new one."""
    data = SecretStr(as_account_data(_issued(site, made.name, "an answer file").get_secret_value()))
    return answer_file(site.wired, replace(made, account_data=data))


def blob(site: Site, workstation: str) -> bytes:
    """A new blob as ``djoin /requestODJ /loadfile`` reads it. Raises what :func:`answers` raises."""
    return as_file(_issued(site, workstation, "a file").get_secret_value())


def _issued(site: Site, workstation: str, into: str) -> SecretBytes:
    # First the log: a blob that nobody knows of must not exist.
    site.ledger.log(Entry(f"An offline-domain-join blob for {workstation} is issued into {into}."))
    inventory = site.wired
    with site.connect() as pool, pool.session("directory") as session:
        return issue(session, computer_name(inventory, workstation), dns_name(inventory, workstation)).data
