"""The service desk that the work log goes to."""

from __future__ import annotations

from provisioning.connections.servicedesk.desk import TARGET, Desk, Entry
from provisioning.secrets import Secrets
from provisioning.site.servicedesk import RequestTrackerDesk, ServiceDesk, ServiceManagerDesk

__all__ = ["TARGET", "Desk", "Entry", "open_desk"]


def open_desk(site: ServiceDesk, secrets: Secrets) -> Desk:
    """The desk that a site names; nothing is sent yet. Raises :class:`~provisioning.errors.SiteError`."""
    # The protocol library behind them is slow to import.
    if isinstance(site, RequestTrackerDesk):
        from provisioning.connections.servicedesk.request_tracker import RequestTracker  # noqa: PLC0415

        return RequestTracker(site, secrets)
    if isinstance(site, ServiceManagerDesk):
        from provisioning.connections.servicedesk.service_manager import ServiceManager  # noqa: PLC0415

        return ServiceManager(site, secrets)
    from provisioning.connections.servicedesk.webhook import Webhook  # noqa: PLC0415

    return Webhook(site, secrets)
