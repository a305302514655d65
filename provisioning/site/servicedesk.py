"""The service desk that the work log goes to: one of three sorts, told apart by `kind`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from provisioning.site.base import Credential, Endpoint, Form, Identifier, Model, SecretReference, SitePath, Text

UrlPath = Annotated[
    str,
    Form(r"^/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*$", "the path of an address, beginning with /, such as /rt"),
]
"""Path of a URL, without query."""


class _Desk(Model):
    """What every sort of service desk needs. Always HTTPS; the certificate is always verified."""

    server: Endpoint = Field(description="where the desk answers over HTTPS")
    trust: SitePath | None = Field(
        default=None, description="PEM file of the trusted CA; the machine's store when left out"
    )
    timeout: float = Field(default=10.0, gt=0, le=120, description="seconds for one answer")
    patience: float = Field(
        default=20.0, gt=0, le=600, description="seconds that the delivery after a run may take; the rest goes later"
    )


class RequestTrackerDesk(_Desk):
    """Request Tracker 5, by its REST2 interface: one ticket a request, one comment an entry."""

    kind: Literal["request_tracker"]
    path: UrlPath = Field(default="/", description="RT's WebPath, when RT is not at the root of its web server")
    queue: Text = Field(description="queue of the tickets")
    token: SecretReference = Field(description="authentication token of the account (RT: Settings, Auth Tokens)")
    resolved: Identifier = Field(default="resolved", description="status of a ticket whose request has ended")


class ServiceManagerDesk(_Desk):
    """OpenText (HP, Micro Focus) Service Manager 9, by its RESTful web services: one record a request, one journal
    update an entry. The names are those of the `extaccess` record that publishes the records."""

    kind: Literal["service_manager"]
    path: UrlPath = Field(default="/SM/9/rest/incidents", description="path of the resource collection")
    resource: Identifier = Field(default="Incident", description="resource name")
    number: Identifier = Field(default="IncidentID", description="field that holds a record's number")
    journal: Identifier = Field(default="JournalUpdates", description="field that journal updates are added to")
    fields: dict[Identifier, Text] = Field(
        default_factory=dict, description="further fields of a new record, such as AssignmentGroup or Service"
    )
    closing: dict[Identifier, Text] = Field(
        default_factory=lambda: {"Status": "Resolved"}, description="fields that are set when the request has ended"
    )
    credential: Credential


class WebhookDesk(_Desk):
    """Anything else: every entry is one signed POST to `path`."""

    kind: Literal["webhook"]
    path: UrlPath
    key: SecretReference = Field(description="the key that signs: 24 to 64 random bytes in base64, or a text")


ServiceDesk = Annotated[
    RequestTrackerDesk | ServiceManagerDesk | WebhookDesk,
    Field(discriminator="kind"),
]
