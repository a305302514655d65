"""Compare the site with reality at night, and mail what somebody should look at.

python nightly_audit_mail.py SITE --from audit@corp.example --to it@corp.example     (in cron: 30 5 * * *)

The site says which mail server (mail: smtp). Nothing found, no mail, unless --always. Exit codes: 0 clean, 2 findings,
3 something could not be judged, 1 an error.
"""

from __future__ import annotations

import argparse
import smtplib
import ssl
import sys
from collections.abc import Sequence
from email.message import EmailMessage

from provisioning import ProvisioningError, Site


def audit_by_mail(folder: str, sender: str, to: Sequence[str], *, always: bool) -> int:
    """The exit code after auditing and mailing."""
    site = Site.load(folder)
    report = site.audit()
    if report.is_clean and report.is_whole and not always:
        return 0
    mail = EmailMessage()
    mail["From"], mail["To"] = sender, ", ".join(to)
    mail["Subject"] = f"Audit of {report.site}: {len(report.findings)} findings, {len(report.unread)} not judged"
    lines = [f"{one.severity}: {one.sentence}\n    {one.repair}".rstrip() for one in report.findings]
    lines += [f"not judged: {one.what}: {one.reason}" for one in report.unread]
    mail.set_content("\n".join([*lines, "", f"{report.at:%Y-%m-%d %H:%M %Z}. Nothing was changed.", ""]))
    settings = site.inventory.mail
    with smtplib.SMTP(settings.smtp.host, settings.smtp.port, timeout=30) as server:
        if server.ehlo() and server.has_extn("starttls"):
            server.starttls(context=ssl.create_default_context(cafile=settings.trust))
        server.send_message(mail)
    return 3 if not report.is_whole else 0 if report.is_clean else 2


def main(words: Sequence[str] | None = None) -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("site")
    parser.add_argument("--from", dest="sender", required=True)
    parser.add_argument("--to", action="append", required=True)
    parser.add_argument("--always", action="store_true", help="mail also when nothing was found")
    chosen = parser.parse_args(words)
    try:
        return audit_by_mail(chosen.site, chosen.sender, chosen.to, always=chosen.always)
    except (ProvisioningError, OSError, smtplib.SMTPException) as exc:
        print(exc, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
