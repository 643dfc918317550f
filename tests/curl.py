"""A stand-in for curl on machines that have none: the options that README.md uses, and no others."""

from __future__ import annotations

import argparse
import shutil
import sys
import urllib.error
import urllib.request
import uuid
from pathlib import Path


def main() -> int:
    """One request; 22 for an error status under `--fail`, as curl does."""
    parser = argparse.ArgumentParser()
    for option in ("-s", "-f", "-N"):
        parser.add_argument(option, action="store_true")
    parser.add_argument("-X", default=None)
    parser.add_argument("-H", action="append", default=[])
    parser.add_argument("-d")
    parser.add_argument("-F")
    parser.add_argument("-o", type=Path)
    parser.add_argument("-w", default="")
    parser.add_argument("url")
    options = parser.parse_args()
    headers = dict(line.split(": ", 1) for line in options.H)
    body = options.d.encode() if options.d else None
    if options.F:
        body, headers["Content-Type"] = _form(options.F)
    request = urllib.request.Request(options.url, body, headers, method=options.X or ("POST" if body else "GET"))
    try:
        response = urllib.request.urlopen(request)
    except urllib.error.HTTPError as error:
        response = error
    if options.f and response.status >= 400:
        return 22
    with response, options.o.open("wb") if options.o else sys.stdout.buffer as target:
        shutil.copyfileobj(response, target, 1 if options.N else 65536)
        if options.w and options.o:
            sys.stdout.write(options.w.replace("\\n", "\n").replace("%{http_code}", str(response.status)))
    return 0


def _form(field: str) -> tuple[bytes, str]:
    name, _, file = field.partition("=@")
    boundary = uuid.uuid4().hex
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{Path(file).name}"\r\n\r\n'
    return head.encode() + Path(file).read_bytes() + f"\r\n--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


sys.exit(main())
