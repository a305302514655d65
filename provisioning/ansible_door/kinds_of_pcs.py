"""Modules for Windows PCs: the host of the task is the PC."""

from __future__ import annotations

from provisioning.ansible_door.definition import Definition, Task, request_module
from provisioning.ansible_door.kind_module import KindModule
from provisioning.errors import RequestError
from provisioning.procedures.base import Request
from provisioning.procedures.ensure import ensure
from provisioning.procedures.install import install
from provisioning.procedures.join import join
from provisioning.procedures.together import Together
from provisioning.resources.base import Resource
from provisioning.resources.windows import domain_membership, printer, time_zone
from provisioning.resources.windows.domain_membership import DomainMembership
from provisioning.resources.windows.local_group import WELL_KNOWN
from provisioning.resources.windows.restart import RESTART_KEY, Restart
from provisioning.resources.windows.time_zone import TimeZone

HOST = (
    "The host is a PC of the site, by its name or address there; or any Windows host whose connection variables "
    "(C(ansible_host), C(ansible_user), C(ansible_password), C(ansible_winrm_*)) say how it is reached. What they "
    "leave open is as the site's C(windows:) says."
)
_STATE = {
    "type": "str",
    "choices": ["present", "absent"],
    "default": "present",
}

LISTS = (
    KindModule(
        "registry",
        "windows.registry",
        "keys",
        "path",
        r"The key, such as C(HKLM\SOFTWARE\Policies\Microsoft\Edge).",
        "registry values and policies of a PC",
        ("Keeps values of registry keys, read and written in one pass for all keys.", HOST),
        {
            "values": (
                "Name → C({type: REG_DWORD, data: 1}); C(null): the value must be absent. The name C('') is the key's "
                "default value.",
                "Data is text for C(REG_SZ) and C(REG_EXPAND_SZ), a number for C(REG_DWORD) and C(REG_QWORD), a list "
                "of texts for C(REG_MULTI_SZ), and lower-case hex digits for C(REG_BINARY).",
            ),
            "exclusive": "Whether values that are not named must be absent too. What is left out means V(false).",
        },
        r"""
- name: Keep the clock in sync and the home page fixed
  workplace.provisioning.registry:
    keys:
      - path: HKLM\SOFTWARE\Policies\Microsoft\Edge
        values:
          HomepageLocation: {type: REG_SZ, data: "https://intranet.corp.example/"}
          HideFirstRunExperience: {type: REG_DWORD, data: 1}
          NewTabPageLocation: null
""",
        absent="emptied",
        host_is="workstation",
    ),
    KindModule(
        "local_group",
        "windows.local_group",
        "groups",
        "sid",
        f"The group's SID, or one of: {', '.join(f'C({name})' for name in WELL_KNOWN)}.",
        "members of a PC's local groups",
        ("Puts accounts into local groups of a PC, and takes them out. Other members stay.", HOST),
        {"members": r"Account such as C(CORP\anna.petrova) → C(true): a member; C(null) or C(false): not a member."},
        r"""
- name: Let the help desk sign in remotely
  workplace.provisioning.local_group:
    groups:
      - sid: remote desktop users
        members:
          CORP\Help Desk: true
""",
        absent="emptied",
        key_of=lambda name: WELL_KNOWN.get(name.casefold(), name),
        host_is="workstation",
    ),
    KindModule(
        "printer",
        "windows.printer",
        "printers",
        "path",
        r"The shared printer, such as C(\\\\print1.corp.example\\B2-Colour).",
        "printers that everybody has on a PC",
        ("Connects a PC to shared printers, for everybody who signs in there.", HOST),
        {},
        r"""
- name: Connect the floor's printer
  workplace.provisioning.printer:
    printers:
      - path: \\print1.corp.example\B2-Colour
      - path: \\print1.corp.example\Old
        state: absent
""",
        fixed={"provider": printer.PROVIDER},
        host_is="workstation",
    ),
)


def _packages(task: Task) -> Request:
    """Installed and removed as the procedure does it, on this PC alone."""
    given, site = task.given["packages"], task.site.wired
    names = {state: [one["name"] for one in given if one["state"] == state] for state in ("present", "absent")}
    parts = [
        install(site, names[state], [task.thing], remove=state == "absent")
        for state in ("absent", "present")
        if names[state]
    ]
    if not parts:
        raise RequestError("packages: name at least one package")
    return parts[0] if len(parts) == 1 else Together(tuple(parts))


def _membership(task: Task) -> Request:
    if task.given["state"] == "present":
        return join(task.thing, again=task.given["again"])
    leaves = DomainMembership(domain=None)
    resource = Resource("windows.domain_membership", task.target, domain_membership.KEY, leaves)
    return ensure(f"take {task.thing} out of the domain", [resource])


def _time_zone(task: Task) -> Request:
    wanted = TimeZone(name=task.given["name"])
    resource = Resource("windows.time_zone", task.target, time_zone.KEY, wanted)
    return ensure(f"time_zone on {task.thing}", [resource])


def _restart(task: Task) -> Request:
    resource = Resource("windows.restart", task.target, RESTART_KEY, Restart(pending=False))
    return ensure(f"restart on {task.thing}", [resource])


SINGLE = (
    request_module(
        "package",
        "approved software on a PC",
        (
            "Installs packages of the site's catalogue, with what they require, and removes packages. The PC restarts "
            "once at the end if an installer asked for it, as the site's C(windows: restart:) says.",
            "For many PCs, in waves, use M(workplace.provisioning.install).",
            HOST,
        ),
        {
            "packages": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "description": ["The packages that the task is about."],
                "options": {
                    "name": {
                        "type": "str",
                        "required": True,
                        "description": ["Package or bundle, as the site's catalogue names it."],
                    },
                    "state": {
                        **_STATE,
                        "description": ["C(present): installed in the version that the catalogue wants."],
                    },
                },
            },
        },
        _packages,
        """
- name: Keep an editor, and not the old viewer
  workplace.provisioning.package:
    packages:
      - name: notepad-plus-plus
      - name: old-viewer
        state: absent
""",
        host_is="workstation",
    ),
    request_module(
        "domain_membership",
        "whether a PC is a member of the domain",
        (
            "Joins a PC to the site's domain, offline: no domain administrator's password goes to the PC. It restarts, "
            "as the site's C(windows: restart:) says about people who are signed in.",
            HOST,
        ),
        {
            "state": {**_STATE, "description": ["C(absent): the PC leaves the domain; its account stays."]},
            "again": {
                "type": "bool",
                "default": False,
                "description": [
                    "Whether a PC that is a member already leaves and joins again: it has lost the domain's trust. "
                    "Each run of the task does it again.",
                ],
            },
        },
        _membership,
        """
- name: Join the PC
  workplace.provisioning.domain_membership:
""",
        host_is="workstation",
    ),
    request_module(
        "time_zone",
        "the time zone of a PC",
        ("Sets the time zone of a PC. It is in force at once.", HOST),
        {
            "name": {
                "type": "str",
                "required": True,
                "description": ["The zone by the name that Windows gives to it, such as C(W. Europe Standard Time)."],
            },
        },
        _time_zone,
        """
- name: Set the clock of the office
  workplace.provisioning.time_zone:
    name: W. Europe Standard Time
""",
        host_is="workstation",
    ),
    request_module(
        "restart",
        "the restart that our changes made necessary",
        (
            "Restarts a PC if software that was installed or removed here asked for it, and waits until it is back. "
            "Restarts that Windows Update waits for are left alone.",
            HOST,
        ),
        {},
        _restart,
        """
- name: Restart if it is needed
  workplace.provisioning.restart:
""",
        host_is="workstation",
    ),
)

MODULES: tuple[Definition, ...] = (*(one.definition() for one in LISTS), *SINGLE)
