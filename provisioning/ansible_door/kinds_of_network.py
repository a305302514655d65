"""Modules for switches, DHCP, telephones, file servers and the intranet."""

from __future__ import annotations

from pydantic import TypeAdapter

from provisioning.ansible_door.arguments import Spec
from provisioning.ansible_door.definition import Task
from provisioning.ansible_door.kind_module import NULL, KindModule
from provisioning.errors import RequestError
from provisioning.site.base import MacAddress
from provisioning.site.inventory import nearest

_MAC: TypeAdapter[str] = TypeAdapter(MacAddress)

_SERVER: Spec = {
    "server": {
        "type": "str",
        "description": [
            "File server, as the site's C(files: servers:) names it. Left out: the one of the home folders, or the "
            "only one.",
        ],
    },
}


def _file_server(task: Task) -> str:
    """The file server of a task. Raises :class:`RequestError`."""
    files = task.site.inventory.files
    if files is None:
        raise RequestError("the site has no file servers; describe them under files:")
    name = task.given.get("server") or (files.homes.server if files.homes is not None else None)
    if name is None and len(files.servers) == 1:
        name = next(iter(files.servers))
    if name not in files.servers:
        said = f"has no file server {name!r}{nearest(name, files.servers)}" if name else "has several file servers"
        raise RequestError(f"the site {said}; name one of {', '.join(files.servers)} in the option server")
    return f"files:{name}"


MODULES = (
    KindModule(
        "switch_port",
        "switch.port",
        "ports",
        "interface",
        "The interface in the switch's full spelling, such as C(GigabitEthernet1/0/7).",
        "ports of a switch",
        (
            "Configures ports of the switch that the host is: one session, one write, one read that checks it; the "
            "configuration is saved after that.",
            "Uplinks and the way of management are never touched. What the switch refuses or swallows is found at "
            "once, and the port gets its former lines back.",
            "The host is a switch of the site, by its name or address there. Two tasks never work on one switch at the "
            "same time: the second waits.",
        ),
        {
            "description": ("Description. Letters that switches do not store are transliterated to ASCII.", NULL),
            "enabled": "Whether the port is up (C(no shutdown)).",
            "mode": ("V(access) or V(trunk).", NULL),
            "access_vlan": ("Number of the access VLAN, from 1 to 4094.", NULL),
            "voice_vlan": ("Number of the VLAN that is tagged for a telephone.", NULL),
            "native_vlan": ("Of a trunk: the VLAN that is not tagged.", NULL),
            "allowed_vlans": (
                "Of a trunk: VLAN → C(true): allowed; C(null): not. VLANs that are not named stay as they are.",
                NULL,
            ),
            "speed": ("Speed in Mbit/s. C(null): negotiated. Left out: it is not looked at.",),
            "duplex": ("C(null): negotiated. Left out: it is not looked at.",),
            "power": "Whether the port gives power over Ethernet to whoever asks for it.",
            "security_maximum": ("How many MAC addresses the port lets in. C(null): port security is off.",),
            "security_sticky": "Whether the port remembers the addresses that it saw.",
            "security_violation": ("What happens to one address too many.", NULL),
            "dot1x": ("IEEE 802.1X port control. C(null): the port asks nobody.",),
            "storm_control": ("Limit of broadcasts, in percent of the port's bandwidth. C(null): without limit.",),
            "portfast": "Whether the port forwards at once, as no switch is behind it (STP edge port).",
            "bpduguard": "Whether the port shuts down when a switch is behind it.",
        },
        """
- name: Set two desk ports
  workplace.provisioning.switch_port:
    ports:
      - interface: GigabitEthernet1/0/7
        description: B-204-1 outlet 204-A
        mode: access
        access_vlan: 30
        voice_vlan: 40
        portfast: true
      - interface: GigabitEthernet1/0/8
        enabled: false
""",
        absent=None,
        host_is="switch",
    ),
    KindModule(
        "dhcp_reservation",
        "network.reservation",
        "reservations",
        "mac",
        "MAC address, in any usual notation.",
        "DHCP reservations",
        ("Keeps addresses reserved on the site's DHCP server (dnsmasq).",),
        {
            "address": "IPv4 address that the device gets.",
            "host": ("Name that the DHCP server gives to the device.", NULL),
        },
        """
- name: Reserve the printer's address
  workplace.provisioning.dhcp_reservation:
    reservations:
      - mac: 02:00:5e:10:30:01
        address: 10.30.0.21
        host: printer-b2
""",
        target="dhcp",
        key_of=_MAC.validate_python,
    ),
    KindModule(
        "sip_subscriber",
        "phones.subscriber",
        "subscribers",
        "extension",
        "The extension, such as C(1042).",
        "who may register with the telephone exchange",
        (
            "Keeps subscribers of the site's SIP exchange. The password is made, kept and handed to the telephone by "
            "the provisioning; it is in no playbook and no result.",
        ),
        {
            "holder": "Key of the person (in the site) whose extension it is.",
            "display_name": ("Name that others see; for exchanges that have it (Asterisk).", NULL),
            "settings": ("Settings of the exchange, by name; C(null): the setting must be absent.",),
        },
        """
- name: Keep a subscriber
  workplace.provisioning.sip_subscriber:
    subscribers:
      - extension: "1042"
        holder: E1042
""",
        target="phones",
    ),
    KindModule(
        "phone_configuration",
        "phones.configuration",
        "configurations",
        "file",
        "Name of the file that the telephone fetches, such as C(0015651a2b3c.cfg).",
        "configuration files of desk telephones",
        ("Keeps lines of the files that desk telephones set themselves up from. Other lines stay as they are.",),
        {
            "settings": "Line → value, in the names of the phone's maker; C(null): the line must be absent.",
            "secrets": (
                "Line → where its secret value comes from: a reference such as C(env:VARIABLE), or "
                "C(kept:EXTENSION/PERSON). Never the secret itself.",
            ),
        },
        """
- name: Set the language of a telephone
  workplace.provisioning.phone_configuration:
    configurations:
      - file: 0015651a2b3c.cfg
        settings:
          lang.gui: German
        secrets: {}
""",
        target="phone-files",
    ),
    KindModule(
        "home_folder",
        "files.folder",
        "folders",
        "path",
        r"Share and path below it, such as C(homes$\anna.petrova).",
        "folders on file servers, and who may do what in them",
        ("Makes folders on a file server, with their owner and access list. A folder is only ever removed empty.",),
        {
            "owner": "Login, group or SID of the owner.",
            "access": (
                "The whole access list, in order: C(full anna.petrova), C(change Sales), C(read Guests).",
                "C(null): there is no list, and everybody may do everything. Left out: it is not looked at.",
            ),
            "inherits": "Whether entries of the folder above hold as well.",
        },
        r"""
- name: Keep a home folder
  workplace.provisioning.home_folder:
    folders:
      - path: homes$\anna.petrova
        owner: anna.petrova
        access:
          - full anna.petrova
          - full File Admins
""",
        target=_file_server,
        more=_SERVER,
    ),
    KindModule(
        "folder_quota",
        "files.quota",
        "quotas",
        "path",
        r"Share where quotas are set and, behind a backslash, the login: C(homes$\anna.petrova).",
        "how much people may store on file servers",
        ("Sets quotas of people on a file server. A server without quotas is left as it is.",),
        {"limit": "Limit in MiB."},
        r"""
- name: Give more room
  workplace.provisioning.folder_quota:
    quotas:
      - path: homes$\anna.petrova
        limit: 20480
""",
        target=_file_server,
        more=_SERVER,
    ),
    KindModule(
        "intranet_document",
        "intranet.document",
        "documents",
        "path",
        "Path that the web server shows it at, such as C(/mail/config-v1.1.xml).",
        "documents on the intranet's web server",
        ("Keeps whole text documents on the site's web server (autoconfiguration of mail programs, a PAC file).",),
        {"text": "The whole text, written as UTF-8."},
        """
- name: Publish the proxy configuration
  workplace.provisioning.intranet_document:
    documents:
      - path: /proxy.pac
        text: "{{ lookup('ansible.builtin.file', 'proxy.pac') }}"
""",
        target="web",
    ),
)
