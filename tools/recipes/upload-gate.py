#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A gate for uploads through nginx: a CGI program, run by fcgiwrap; nginx.conf is beside it.

nginx writes the body of an upload into a file and names it here. If every file in it was checked and
nothing matched, the answer sends nginx on to the application, with that body; else it is 403, and
503 where herken failed.

  UPLOAD_FILE   the body (fastcgi_param); a whole image, or multipart/form-data
  UPLOAD_TYPE   its Content-Type
  UPLOAD_FOLDER where bodies lie: nothing else is looked at
  HERKEN_ASK    whom to ask: "--db /var/lib/herken/lists.db", or "--server URL --key-file F"
"""
import email
import email.policy
import os
import stat
import subprocess
import sys
import tempfile

MOST_PARTS = 1000
PASS = "X-Accel-Redirect: @application"
STATUS = {1: "403 Forbidden", 3: "403 Forbidden"}


def body():
    path = os.environ["UPLOAD_FILE"]
    folder = os.path.realpath(os.environ["UPLOAD_FOLDER"])
    if os.path.commonpath([folder, os.path.realpath(path)]) != folder:
        raise ValueError("it lies elsewhere")
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with open(fd, "rb") as file:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise ValueError("it is no file")
        return file.read()


def files_of(data, kind):
    """The files of a form; fields of text, which name no file, are none."""
    if not kind.lower().startswith("multipart/"):
        return [data]
    form = email.message_from_bytes(b"Content-Type: " + kind.encode("latin-1") + b"\r\n\r\n" + data,
                                    policy=email.policy.compat32)
    parts = list(form.walk())
    if not form.is_multipart() or form.defects or len(parts) > MOST_PARTS:
        raise ValueError("it is no form")
    return [part.get_payload(decode=True) for part in parts
            if not part.is_multipart() and part.get_filename() is not None]


def answer():
    kind = os.environ.get("UPLOAD_TYPE", "").replace("\r", "").replace("\n", "")
    files = files_of(body(), kind)
    if not files:
        return PASS if kind.lower().startswith("multipart/") else "Status: 403 Forbidden"
    with tempfile.TemporaryDirectory() as folder:
        for number, data in enumerate(files):
            with open(os.path.join(folder, str(number)), "wb") as file:
                file.write(data)
        done = subprocess.run(["herken", "check", *os.environ["HERKEN_ASK"].split(), "--quiet", folder],
                              stdout=sys.stderr, check=False)
    return PASS if done.returncode == 0 else "Status: " + STATUS.get(done.returncode, "503 Service Unavailable")


try:
    SAID = answer()
except Exception as error:  # whatever it is: the upload does not pass
    print(f"upload-gate: {error}", file=sys.stderr)
    SAID = "Status: 403 Forbidden"
print(f"{SAID}\nContent-Type: text/plain\n")
