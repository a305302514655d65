"""The modules for parts of a PC, as the site wants them for whoever sits there."""

from __future__ import annotations

from collections.abc import Callable

from provisioning.ansible_door.arguments import Spec
from provisioning.ansible_door.definition import Definition, Result, Task
from provisioning.ansible_door.fulfilling import RETURNS, Asked, fulfil
from provisioning.ansible_door.naming import listed, option, people, texts
from provisioning.ansible_door.offline_join import offline_domain_join_task
from provisioning.api.installing import install_request
from provisioning.errors import RequestError
from provisioning.procedures.base import Request
from provisioning.procedures.install_scope import people_at
from provisioning.procedures.intranet_access import IntranetAccess
from provisioning.procedures.pc_parts import Part, pc_parts

_HOST = "The host of the task is a workstation of the site, by its name or address there."


def _of_pc(
    name: str, said: str, about: str, make: Callable[[Task], Request], example: str, *, options: Spec | None = None
) -> Definition:
    def carry(task: Task) -> Result:
        return fulfil(task, lambda: Asked(make(task)))

    return Definition(name, said, (about, _HOST), options or {}, example, carry, RETURNS, host_is="workstation")


def _part(part: Part) -> Callable[[Task], Request]:
    return lambda task: pc_parts(task.site.wired, task.thing, [part])


def _browsers(task: Task) -> Request:
    pages, policies = texts(task.given, "pages"), task.given.get("policies")
    return pc_parts(task.site.wired, task.thing, ["browsers"], pages=pages, policies=policies)


def _software(task: Task) -> Request:
    """The packages that are named, or those of the job profiles of whoever sits there."""
    inventory, named = task.site.wired, texts(task.given, "packages")
    if task.thing not in inventory.workstations:
        raise RequestError(f"the site has no workstation {task.host!r}, so nobody's profile says what belongs there")
    there = people_at(inventory, task.thing)
    profiles = [inventory.profiles[inventory.people[key].profile] for key in there]
    names = named or tuple(dict.fromkeys(name for profile in profiles for name in profile.software))
    if not names:
        raise RequestError(f"nobody sits at {task.thing}, so no profile says what belongs there; name `packages`")
    return install_request(task.site, names, [task.thing], remove=task.given["state"] == "absent")


def _intranet(task: Task) -> Result:
    site, given = task.site, task.given

    def look() -> Asked:
        named = people(site, texts(given, "names"))
        if not named:
            known = site.wired.workstations
            host = task.host.casefold()
            pc = next((key for key, one in known.items() if host in {key.casefold(), one.host.casefold()}), None)
            named = people_at(site.wired, pc) if pc is not None else ()
        if not named:
            raise RequestError(
                f"for whom? Name people or logins in `names`; {task.host} is no workstation at which somebody sits"
            )
        persons = tuple(one for one in named if one in site.wired.people)
        logins = tuple(one for one in named if one not in persons)
        return Asked(IntranetAccess(persons, logins, given["state"] == "present"))

    return fulfil(task, look)


_STATE = {
    "state": option("str", "Whether they are to be there.", choices=["present", "absent"], default="present"),
}

MODULES: dict[str, Definition] = {
    one.name: one
    for one in (
        _of_pc(
            "browser_policy",
            "managed browsers of a PC: home page, start pages, bookmarks, sign-in, proxy",
            "Edge, Chrome, Firefox and Windows' zones, as the site says, for whoever sits there; read back by another "
            "way than the one they are written by.",
            _browsers,
            r"""
- name: Browsers as the site wants them
  workplace.provisioning.browser_policy:

- name: Another home page at the counter, and no guests
  workplace.provisioning.browser_policy:
    pages: [travel, "https://intranet.corp.example/sales/"]
    policies:
      HKLM\SOFTWARE\Policies\Google\Chrome:
        BrowserGuestModeEnabled: {type: REG_DWORD, data: 0}
""",
            options={
                "pages": listed(
                    "Names of the intranet's pages, or addresses; the first is home, all are opened at start. Left "
                    "out, they are those of the job profile of whoever sits there."
                ),
                "policies": option(
                    "dict", "Browser policies beside the site's: registry key → name → C({type: REG_DWORD, data: 0}), "
                    "or C(null) for one that must be absent."
                ),
            },
        ),
        _of_pc(
            "mail_profile",
            "how Outlook and Thunderbird on a PC find their servers",
            "What C(mail: clients) of the site says, for everybody who signs in at the PC. What the programs look for "
            "on the web server is M(workplace.provisioning.publish)'s.",
            _part("mail programs"),
            """
- name: Mail programs set themselves up
  workplace.provisioning.mail_profile:
""",
        ),
        _of_pc(
            "workstation_baseline",
            "what every PC of the site gets: names, time, power, locking, local groups, registry values",
            "What C(workstation_baseline) of the site says.",
            _part("baseline"),
            """
- name: The baseline
  workplace.provisioning.workstation_baseline:
""",
        ),
        _of_pc(
            "room_printers",
            "the printers of the room that a PC stands in",
            "The site's other printers are taken away; printers that it does not list are left alone.",
            _part("printers"),
            """
- name: The printers of this room
  workplace.provisioning.room_printers:
""",
        ),
        _of_pc(
            "approved_software",
            "software of the site's catalogue on a PC",
            "Only what is approved for the job profile of whoever sits there; licence seats are taken and given back.",
            _software,
            """
- name: What belongs to the job of whoever sits there
  workplace.provisioning.approved_software:

- name: The archive tool as well
  workplace.provisioning.approved_software:
    packages: [archive-tool]
""",
            options={
                "packages": listed(
                    "Packages and bundles of the catalogue. Left out, those of the job profile of whoever sits there."
                ),
                **_STATE,
            },
        ),
        Definition(
            "intranet_access",
            "who may open the intranet",
            (
                "Membership of the group that the web server admits, proven by opening a page as the person (and by "
                "one who is refused).",
                "Without O(names) it is about whoever sits at the host, which is a workstation of the site then.",
            ),
            {
                "names": listed("People of the site (number or whole name), or logins."),
                "state": option(
                    "str", "Whether they are admitted.", choices=["present", "absent"], default="present"
                ),
            },
            """
- name: Anna may open the intranet
  workplace.provisioning.intranet_access:
    names: [E1042]
""",
            _intranet,
            RETURNS,
        ),
        Definition(
            "offline_domain_join",
            "a file that makes a bare PC a member of the domain",
            (
                "Makes the PC's account where there is none, gives it a new password, and writes the file, with mode "
                "0600, on the controller. The file is a secret: destroy it once the PC is a member. No result says "
                "what is in it.",
                "A file that is there and was not used yet is left alone, and so is a PC that is a member already: a "
                "new file would cut it off.",
            ),
            {
                "workstation": option("str", "A PC of the site. Left out, it is the host."),
                "path": option("path", "The file on the controller.", required=True),
                "form": option(
                    "str", "C(blob): for C(djoin /requestODJ /loadfile). C(answer_file): C(autounattend.xml), which "
                    "installs Windows as well; the PC's certificate goes beside it (C(.pem)).",
                    choices=["blob", "answer_file"], default="blob",
                ),
                "again": option(
                    "bool", "Whether a new file is made in any case. An earlier one, and the PC that joined by it, are "
                    "worth nothing then. This changes something at each call.", default=False,
                ),
            },
            """
- name: A file for the PC that is still in its box
  workplace.provisioning.offline_domain_join:
    workstation: WS-0090
    path: ~/ws-0090.odj
""",
            offline_domain_join_task,
            {
                "path": option("str", "The file on the controller.", returned="success"),
                "certificate": option("str", "The PC's certificate.", returned="with an answer file"),
            },
        ),
    )
}  # fmt: skip
