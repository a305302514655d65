"""Modules for what is in the directory and in the mail system."""

from __future__ import annotations

from provisioning.ansible_door.kind_module import NULL, KindModule

_LOGIN = "The account's login (sAMAccountName)."
_OU = "DN of the organisational unit. An account that is elsewhere is moved there."
_ENABLED = "Whether the account can be used. A new account can, unless this says otherwise."

MODULES = (
    KindModule(
        "domain_user",
        "directory.user",
        "users",
        "login",
        _LOGIN,
        "accounts of people in the domain",
        (
            "Makes user accounts of the directory so, all of them in one session.",
            "A new account needs O(users[].ou) and O(users[].name). It gets an initial password that is nowhere in "
            "playbooks or results: it waits for hand-over as the site's C(handover) says (C(provision handover)), and "
            "must be changed at the first sign-in.",
            "To hire somebody with all that belongs to it, use M(workplace.provisioning.onboard).",
        ),
        {
            "ou": _OU,
            "name": "CN of the entry; needed for a new account. A changed name renames the entry.",
            "user_principal_name": ("What people may type instead of the login (userPrincipalName).", NULL),
            "given_name": ("Given name (givenName).", NULL),
            "family_name": ("Family name (sn).", NULL),
            "display_name": ("Name as people see it (displayName).", NULL),
            "employee_id": ("The person's number (employeeID): by it, the account is known as theirs.", NULL),
            "department": ("Department.", NULL),
            "title": ("Job title.", NULL),
            "manager": ("Login of the manager, who must have an account, or get one by the same task.", NULL),
            "telephone": ("Telephone number (telephoneNumber).", NULL),
            "ip_phone": ("Extension (ipPhone).", NULL),
            "office": ("Room (physicalDeliveryOfficeName).", NULL),
            "company": ("Company.", NULL),
            "home_folder": ("UNC path of the home folder (homeDirectory).", NULL),
            "home_drive": ("Drive letter of the home folder, such as C(H:) (homeDrive).", NULL),
            "enabled": _ENABLED,
        },
        """
- name: Keep two accounts
  workplace.provisioning.domain_user:
    users:
      - login: anna.petrova
        ou: OU=Staff,DC=corp,DC=example
        name: Anna Petrova
        given_name: Anna
        family_name: Petrova
        title: Accountant
        office: null  # must be empty
      - login: old.account
        state: absent
""",
        target="directory",
        refers="manager",
    ),
    KindModule(
        "domain_computer",
        "directory.computer",
        "computers",
        "name",
        "The computer's name, without the C($) of its sAMAccountName.",
        "computer accounts of the domain",
        (
            "Makes computer accounts of the directory so, all of them in one session.",
            "A PC joins the domain by M(workplace.provisioning.join), which makes its account as well.",
        ),
        {
            "ou": _OU,
            "description": ("Description, an asset number for example.", NULL),
            "location": ("Where the PC stands (location).", NULL),
            "dns_host_name": ("Its name in DNS (dNSHostName).", NULL),
            "enabled": _ENABLED,
        },
        """
- name: Keep computer accounts in their unit
  workplace.provisioning.domain_computer:
    computers:
      - name: WS-0042
        ou: OU=Workstations,DC=corp,DC=example
        location: B/204
""",
        target="directory",
    ),
    KindModule(
        "group_membership",
        "directory.membership",
        "memberships",
        "login",
        _LOGIN,
        "which groups accounts belong to",
        (
            "Puts accounts into groups of the directory, and takes them out of groups. Groups that are not named stay "
            "as they are.",
        ),
        {
            "groups": (
                "Group (sAMAccountName) → C(true): a member; C(null) or C(false): not a member.",
                "The groups must exist.",
            ),
        },
        """
- name: Sales in, guests out
  workplace.provisioning.group_membership:
    memberships:
      - login: anna.petrova
        groups:
          Sales: true
          Guests of the house: null
""",
        target="directory",
        absent="emptied",
    ),
    KindModule(
        "mailbox",
        "mail.mailbox",
        "mailboxes",
        "login",
        _LOGIN,
        "mail addresses and quotas of mailboxes",
        ("Says in the directory which mail addresses an account has, and how large its mailbox may become.",),
        {
            "mail": ("The primary address (mail).", NULL),
            "proxy_addresses": (
                "All addresses in Active Directory's form: C(SMTP:) before the primary one, C(smtp:) before aliases.",
                NULL,
            ),
            "quota": ("Size of the mailbox in MiB.", NULL),
        },
        """
- name: Give a mailbox an alias
  workplace.provisioning.mailbox:
    mailboxes:
      - login: anna.petrova
        mail: anna.petrova@corp.example
        proxy_addresses:
          - SMTP:anna.petrova@corp.example
          - smtp:accounting@corp.example
        quota: 2048
""",
        target="directory",
        absent="emptied",
    ),
    KindModule(
        "mail_rules",
        "mail.rules",
        "rules",
        "login",
        "Login of the mailbox's owner.",
        "forwarding and automatic replies of mailboxes",
        (
            "Forwards the mail of a mailbox, or answers it, by a Sieve script on the mail server. Scripts that people "
            "have made themselves are left alone.",
        ),
        {
            "forward_to": ("Mail address that everything goes on to.", NULL),
            "keep_copy": "Whether what is forwarded stays in the mailbox as well. What is left out means V(true).",
            "reply": ("Text of the automatic reply, in any language.", NULL),
            "reply_subject": ("Its subject; left out: the mail server's own.", NULL),
        },
        """
- name: Forward the mail of a colleague who is away
  workplace.provisioning.mail_rules:
    rules:
      - login: anna.petrova
        forward_to: boris.orlov@corp.example
        keep_copy: true
        reply: I am back on Monday.
""",
        target="mail",
    ),
)
