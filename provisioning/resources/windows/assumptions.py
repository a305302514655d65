"""What this program takes for granted of Windows, each with its source and a test that changes nothing.

The lab plays Windows by Wine; where Wine is not enough of a Windows to tell, `not_in_wine` says why. docs/windows.md
lists the same assumptions (a test keeps both alike), and ``provision windows self-check`` tests them on a real PC.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from provisioning.errors import CredentialError, RequestError, TargetError, TrustError, UnreachableError
from provisioning.resources.windows import assumption_tests as tests
from provisioning.resources.windows import domain_assumption_tests as domain_tests
from provisioning.resources.windows import settings_tests as settings
from provisioning.resources.windows import software_tests as software
from provisioning.resources.windows.assumption_tests import Finding

if TYPE_CHECKING:
    from provisioning.connections.windows import WindowsSession

_LEARN = "https://learn.microsoft.com/windows"
_SPEC = "https://learn.microsoft.com/openspecs/windows_protocols"


@dataclass(frozen=True)
class Assumption:
    """One thing that we take for granted. `matters` says what breaks when it does not hold."""

    name: str
    sentence: str
    matters: str
    source: str
    test: Callable[[WindowsSession], Finding]
    not_in_wine: str | None = None


def check(session: WindowsSession, assumption: Assumption) -> Finding:
    """Test one assumption on a PC. Raises :class:`~provisioning.errors.TargetError` when the PC does not answer."""
    try:
        return assumption.test(session)
    except RequestError as exc:
        return Finding("fails", str(exc))
    except TargetError as exc:
        if isinstance(exc, UnreachableError | CredentialError | TrustError):
            raise
        return Finding("fails", exc.message)


def is_wine(session: WindowsSession) -> bool:
    """Whether the PC is one of the lab's."""
    return session.run(["reg", "query", r"HKLM\SOFTWARE\Wine"]).exit_code == 0 or (
        session.tree().entry(r"Windows\System32\winecfg.exe") is not None
    )


ASSUMPTIONS: Sequence[Assumption] = (
    Assumption(
        "utf-8-shell",
        "A shell that WinRM opens with code page 65001 takes and gives UTF-8, whatever the language of the PC.",
        "names with accents or Cyrillic arrive wrong",
        f"[MS-WSMV] 3.1.4.1.13, WINRS_CODEPAGE: {_SPEC}/ms-wsmv",
        tests.utf8,
    ),
    Assumption(
        "exit-codes",
        "WinRM hands over all 32 bits of a command's exit code.",
        "installers that want a restart (3010) look failed",
        f"[MS-WSMV] 2.2.4.7, CommandState and ExitCode: {_SPEC}/ms-wsmv",
        tests.exit_codes,
    ),
    Assumption(
        "percent-in-batch",
        "In a batch file a doubled % is a literal one, and ! is literal while delayed expansion is off.",
        "paths with % or ! lead elsewhere",
        f"cmd and setlocal: {_LEARN}-server/administration/windows-commands/setlocal",
        tests.percent,
    ),
    Assumption(
        "batch-runs-on",
        "A batch file goes on after a command that failed, and %ERRORLEVEL% is that command's exit code.",
        "batches of registry changes report the wrong ones",
        f"cmd: {_LEARN}-server/administration/windows-commands/cmd",
        tests.batch,
    ),
    Assumption(
        "command-line-length",
        "cmd.exe takes command lines of up to 8,191 characters.",
        "long commands are cut",
        "Command prompt line string limitation: https://learn.microsoft.com/troubleshoot/windows-client/shell-experience/"
        "command-line-string-limitation",
        tests.long_line,
    ),
    Assumption(
        "registry-words",
        "reg.exe writes root keys (HKEY_…) and types (REG_…) in no language, and exits with 1 for what is not there.",
        "everything that is read of the registry",
        f"reg query: {_LEARN}-server/administration/windows-commands/reg-query",
        tests.registry_words,
    ),
    Assumption(
        "registry-export",
        "reg export writes UTF-16 with a byte order mark and the line Windows Registry Editor Version 5.00.",
        "no registry key can be read whole",
        f"reg export: {_LEARN}-server/administration/windows-commands/reg-export",
        tests.registry_export,
    ),
    Assumption(
        "both-registry-views",
        "The shell is a 64-bit one; the 32-bit view is below WOW6432Node.",
        "32-bit programs look not installed",
        f"Registry Keys Affected by WOW64: {_LEARN}/win32/winprog64/shared-registry-keys",
        tests.both_views,
    ),
    Assumption(
        "volatile-hardware-hive",
        r"HKLM\HARDWARE has no file: it is built anew at each boot, so a value in it lasts as long as the boot.",
        "a restart cannot be proven",
        f"Registry Hives: {_LEARN}/win32/sysinfo/registry-hives",
        tests.volatile,
        "Wine has no hivelist; that its HARDWARE keys are volatile is shown by the restart itself",
    ),
    Assumption(
        "who-is-signed-in",
        r"An interactive sign-in, disconnected or not, leaves HKU\SID\Volatile Environment\NUMBER; ours does not.",
        "somebody is cut off by a restart, or a PC is never restarted",
        f"Predefined Keys: {_LEARN}/win32/sysinfo/predefined-keys; the key of the session is observed, not documented",
        tests.signed_in,
    ),
    Assumption(
        "profile-list",
        "ProfileList names the folder of every profile (ProfileImagePath), by the person's SID.",
        "data is brought to a folder that is nobody's",
        f"About User Profiles: {_LEARN}/win32/shell/about-user-profiles",
        tests.profile_list,
    ),
    Assumption(
        "hash-on-the-pc",
        "certutil -hashfile prints the hash on a line of its own.",
        "files are read back to check them, which is slower",
        f"certutil: {_LEARN}-server/administration/windows-commands/certutil",
        tests.hash_on_pc,
    ),
    Assumption(
        "curl",
        "curl.exe is part of Windows (10 1803 and later).",
        "windows.pull cannot be used; files go over SMB",
        "Tar and Curl Come to Windows: https://learn.microsoft.com/virtualization/community/team-blog/2017/"
        "20171219-tar-and-curl-come-to-windows",
        tests.curl,
    ),
    Assumption(
        "programs",
        "shutdown, djoin, msiexec, certutil and tzutil are there and not forbidden.",
        "restart, domain join, installers, time zone",
        f"Windows commands: {_LEARN}-server/administration/windows-commands/windows-commands",
        tests.programs("shutdown.exe", "djoin.exe", "msiexec.exe", "certutil.exe", "tzutil.exe"),
        "Wine has no files for what the lab's PCs do for real by other means",
    ),
    Assumption(
        "elevated",
        "The account of windows.credential gets its full rights over the network (high integrity).",
        "nothing can be changed; local accounts need LocalAccountTokenFilterPolicy",
        "UAC remote restrictions: https://learn.microsoft.com/troubleshoot/windows-server/windows-security/"
        "user-account-control-and-remote-restriction",
        tests.admin,
        "Wine knows no integrity levels",
    ),
    Assumption(
        "domain-in-registry",
        r"Tcpip\Parameters\Domain is the domain that is in force; Netlogon\Start is 2 on members, 3 in a workgroup.",
        "members look like strangers, or a PC of a workgroup like a member",
        f"[MS-NRPC] 1.3, started at boot on members only: {_SPEC}/ms-nrpc; the start type is observed, not documented",
        domain_tests.membership,
        "Wine has no Net Logon service; the lab's PCs note its start type when they join",
    ),
    Assumption(
        "computer-name",
        "ActiveComputerName holds the name that is in force, the one that hostname prints.",
        "a PC joins under another name than the site's",
        f"hostname: {_LEARN}-server/administration/windows-commands/hostname; the key is observed, not documented",
        domain_tests.computer_name,
        "hostname is the namespace's in the lab, which no join renames",
    ),
    Assumption(
        "offline-domain-join",
        "djoin takes /requestODJ, /loadfile, /windowspath and /localos.",
        "no PC can be joined",
        f"djoin: {_LEARN}-server/administration/windows-commands/djoin",
        domain_tests.djoin,
        "the lab's djoin does that and explains nothing",
    ),
    Assumption(
        "wmi-methods",
        "WMI methods can be called over the WinRM connection.",
        "no PC can leave a domain, so none can be joined anew",
        f"UnjoinDomainOrWorkgroup: {_LEARN}/win32/cimwin32prov/"
        "unjoindomainorworkgroup-method-in-class-win32-computersystem",
        domain_tests.wmi,
        "the lab's PCs have two WMI methods, and both change the membership",
    ),
    Assumption(
        "admins-only-folder",
        "The profile of SYSTEM lies in System32\\config, which only administrators can read.",
        "the names of people's files could be read by others",
        f"LocalSystem Account: {_LEARN}/win32/services/localsystem-account",
        tests.admin_only_folder,
        "Wine makes that folder only when it is used",
    ),
    Assumption(
        "smb-protected",
        "SMB is version 3 or later, signed, and encrypted where it is offered.",
        "files could be changed on their way",
        f"SMB security enhancements: {_LEARN}-server/storage/file-server/smb-security",
        tests.smb,
    ),
    Assumption(
        "time-zone-name",
        "TimeZoneKeyName holds the time zone's name in no language.",
        "the time zone cannot be read",
        f"DYNAMIC_TIME_ZONE_INFORMATION: {_LEARN}/win32/api/timezoneapi/ns-timezoneapi-dynamic_time_zone_information",
        tests.time_zone,
    ),
    Assumption(
        "local-groups",
        "Windows Script Host runs JScript; WMI finds local groups by SID, and ADSI (WinNT:) tells their members.",
        "local groups cannot be managed",
        f"Win32_Group: {_LEARN}/win32/cimwin32prov/win32-group; IADsGroup: {_LEARN}/win32/api/iads/nn-iads-iadsgroup",
        settings.local_groups,
        "Wine has no local groups: its WMI knows no Win32_Group, and it has no ADSI provider WinNT",
    ),
    Assumption(
        "printer-connections",
        r"Printers for everybody are keys ,,SERVER,QUEUE below Print\Connections of the machine's hive.",
        "printers are not connected, or those of a former room stay",
        "rundll32 printui.dll, /ga and /ge: https://learn.microsoft.com/windows-server/administration/windows-commands/"
        "rundll32-printui; the keys that it writes are observed, not documented",
        settings.printer_connections,
        "nothing but us connects printers in Wine",
    ),
    Assumption(
        "service-exit-codes",
        "sc ends with 0 when a service does what it is asked for, and with something else when it does not.",
        "new printers are there only after the next start of the PC, or a stuck spooler is not noticed",
        f"sc query: {_LEARN}-server/administration/windows-commands/sc-query; "
        "its exit codes are observed, not documented",
        settings.service_exit_codes,
    ),
    Assumption(
        "active-setup",
        "Active Setup notes in each person's hive which components it has set up for them at a sign-in.",
        "Outlook is not told where to look for its settings; it asks",
        f"Predefined Keys: {_LEARN}/win32/sysinfo/predefined-keys; Active Setup itself is observed, not documented",
        settings.active_setup,
        "nobody signs in at the lab's PCs",
    ),
    Assumption(
        "uninstall-keys",
        "Installed programs have a key below Uninstall, 64- or 32-bit, whose DisplayName and DisplayVersion are texts.",
        "packages look not installed, or at no version",
        f"Uninstall Registry Key: {_LEARN}/win32/msi/uninstall-registry-key",
        software.uninstall_keys,
        "nothing is installed on the lab's PCs at first; the tests of packages show it",
    ),
    Assumption(
        "program-versions",
        "A program file can be read over SMB while it runs, and its VS_FIXEDFILEINFO is its version.",
        "packages that are known by a program file look not installed",
        f"VS_FIXEDFILEINFO: {_LEARN}/win32/api/verrsrc/ns-verrsrc-vs_fixedfileinfo",
        software.file_versions,
    ),
    Assumption(
        "ended-with-children",
        "A command that WinRM ends is ended with all that it started: they are in one job object.",
        "a hanging installer stays, and the next one finds another installation under way",
        f"Job Objects: {_LEARN}/win32/procthread/job-objects",
        software.ended_with_children,
    ),
    Assumption(
        "pending-renames",
        r"reg query prints the pairs of PendingFileRenameOperations on one line, with \0 between the files.",
        "a restart that an installer asks for without exit code 3010 is not noticed",
        f"MoveFileEx, MOVEFILE_DELAY_UNTIL_REBOOT: {_LEARN}/win32/api/winbase/nf-winbase-movefileexw",
        software.pending_renames,
        "nothing waits for a restart in Wine",
    ),
    Assumption(
        "winget-for-everybody",
        r"winget has a key below AppxAllUserStore\Applications and lies in C:\Program Files\WindowsApps.",
        "packages of the type winget cannot be installed",
        "winget: https://learn.microsoft.com/windows/package-manager/winget/; the key is observed, not documented",
        software.winget,
        "Wine has no winget",
    ),
    Assumption(
        "chocolatey-place",
        r"Chocolatey is installed for everybody, in C:\ProgramData\chocolatey.",
        "packages of the type chocolatey cannot be installed",
        "Chocolatey setup: https://docs.chocolatey.org/en-us/choco/setup",
        software.chocolatey,
        "Wine has no Chocolatey",
    ),
)
