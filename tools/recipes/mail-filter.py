#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A content filter for Postfix, without a milter: checks the parts of a mail and sends it on.

usage: mail-filter.py -f SENDER -- RECIPIENT...      the mail on stdin
  HERKEN_ASK   whom to ask: "--db /var/lib/herken/lists.db", or "--server URL --key-file F"
  HERKEN_HELD  the folder that mails with a hit, and those that cannot be checked, are kept in
  SENDMAIL     what sends a mail on; default /usr/sbin/sendmail

In master.cf (and -o content_filter=herken: behind smtp inet):

  herken unix - n n - 4 pipe flags=Rq user=herken null_sender=
    argv=/usr/local/share/herken/recipes/mail-filter.py -f ${sender} -- ${recipient}

A part that is no image passes by its digest alone; an image that cannot be checked is held, like a
hit. Where anything fails the mail waits in Postfix's queue (exit code 75). What lies in archives and
documents is not looked at.
"""
import email
import email.policy
import json
import os
import subprocess
import sys
import tempfile

TRY_LATER = 75
MOST_PARTS = 1000


def unpack(mail, folder):
    """Writes the parts into numbered files; a mail's own names are not used."""
    count = 0
    for part in email.message_from_bytes(mail, policy=email.policy.compat32).walk():
        content = None if part.is_multipart() else part.get_payload(decode=True)
        if not content or (part.get_content_type() in ("text/plain", "text/html") and not part.get_filename()):
            continue
        count += 1
        if count > MOST_PARTS:
            raise ValueError("too many parts")
        with open(os.path.join(folder, f"part{count}"), "wb") as file:
            file.write(content)
    return count


def may_pass(folder):
    """None: herken gave no verdict."""
    ask = ["herken", "check", *os.environ["HERKEN_ASK"].split(), "--quiet", "--json", folder]
    done = subprocess.run(ask, stdout=subprocess.PIPE, check=False)
    if done.returncode not in (0, 1, 3):
        return None
    results = [json.loads(line) for line in done.stdout.splitlines()]
    files = [result for result in results if "path" in result]
    if not files or "account" not in results[-1] or results[-1]["account"]["found"] != len(files):
        return None
    if any(result.get("reason", "") in ("server_away", "refused", "server_untrusted", "no_answer", "bad_answer")
           for result in files):
        return None
    return all(result["verdict"] == "none"
               or (result["verdict"] == "not_checked" and result["status"] == "not_an_image") for result in files)


def hold(mail):
    with tempfile.NamedTemporaryFile(dir=os.environ["HERKEN_HELD"], suffix=".eml", delete=False) as file:
        file.write(mail)
        file.flush()
        os.fsync(file.fileno())


def main():
    mail = sys.stdin.buffer.read()
    with tempfile.TemporaryDirectory() as folder:
        passes = True if not unpack(mail, folder) else may_pass(folder)
    if passes is None:
        return TRY_LATER
    if not passes:
        hold(mail)
        return 0
    send = [os.environ.get("SENDMAIL", "/usr/sbin/sendmail"), "-G", "-i", *sys.argv[1:]]
    return 0 if subprocess.run(send, input=mail, check=False).returncode == 0 else TRY_LATER


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Exception as error:  # whatever it is: the mail waits
        print(f"mail-filter: {error}", file=sys.stderr)
        sys.exit(TRY_LATER)
