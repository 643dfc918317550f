"""What a person's program does, and goes on doing while the other side falls over: uploads, asks, waits, takes."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .stack import PATIENCE_SECONDS, Stuck

TUS = "1.0.0"
PIECES = 4
"""Requests that a file is sent in, when none of them fails."""

AGAIN = frozenset({423, 429, 500, 502, 503, 504, 507})


@dataclass(slots=True)
class Answer:
    """What came back; status 0 when nothing did."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass(slots=True)
class Client:
    """One guest. What the server acknowledged is written down here, and must be true afterwards."""

    port: int
    token: str
    uploads: dict[str, str] = field(default_factory=dict)
    """Ready uploads by id, with the SHA-256 of what was sent."""
    jobs: dict[str, str] = field(default_factory=dict)
    """Accepted jobs by id, with their Idempotency-Key."""

    def call(self, method: str, path: str, body: bytes | Mapping[str, Any] | None = None, *, patience: float = 60.0, **headers: str) -> Answer:
        """One request; never raises for a server that is away or breaks off."""
        sent = {"Authorization": f"Bearer {self.token}", **{name.replace("_", "-"): value for name, value in headers.items()}}
        if isinstance(body, Mapping):
            body, sent["Content-Type"] = json.dumps(dict(body)).encode(), "application/json"
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=patience)
        try:
            line.request(method, path, body=body, headers=sent)
            response = line.getresponse()
            return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())
        except (OSError, http.client.HTTPException):
            return Answer(0)
        finally:
            line.close()

    def insist(self, method: str, path: str, body: bytes | Mapping[str, Any] | None = None, **headers: str) -> Answer:
        """The same request until it is answered by something that is no outage. Raises `Stuck`."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            answer = self.call(method, path, body, patience=60.0, **headers)
            if answer.status and answer.status not in AGAIN:
                return answer
            if time.monotonic() > deadline:
                raise Stuck(f"{method} {path.split('?')[0]} was answered by {answer.status} for {PATIENCE_SECONDS:g} s: {answer.body[:200]!r}")
            time.sleep(0.2)

    def upload(self, data: bytes, name: str = "clip.mp4") -> str:
        """Send a file by tus, going on after every break. Returns the id of the ready upload. Raises `Stuck`."""
        metadata = f"filename {base64.b64encode(name.encode()).decode()}"
        made = self.insist("POST", "/api/v1/uploads/tus/", Upload_Length=str(len(data)), Upload_Metadata=metadata, Tus_Resumable=TUS)
        if made.status != 201:
            raise Stuck(f"an upload was refused: {made.status} {made.body[:300]!r}")
        place = "/" + made.headers["location"].split("/", 3)[3]
        upload_id = place.rstrip("/").rpartition("/")[2]
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (status := self.insist("GET", f"/api/v1/uploads/{upload_id}/").json()["status"]) != "ready":
            if status == "rejected" or time.monotonic() > deadline:
                raise Stuck(f"the upload {upload_id} is {status}")
            self._go_on(place, data)
        self.uploads[upload_id] = hashlib.sha256(data).hexdigest()
        return upload_id

    def _go_on(self, place: str, data: bytes) -> None:
        head = self.insist("HEAD", place, Tus_Resumable=TUS)
        offset = int(head.headers.get("upload-offset", 0))
        piece = data[offset : offset + len(data) // PIECES + 1]
        if piece:
            self.call("PATCH", place, piece, Upload_Offset=str(offset), Content_Type="application/offset+octet-stream", Tus_Resumable=TUS)

    def submit(self, upload_id: str, operation: str = "trim", params: dict[str, Any] | None = None) -> str:
        """Ask for a job until it is acknowledged; the key makes it one. Returns its id. Raises `Stuck`."""
        key = uuid.uuid4().hex
        body = {"upload": upload_id, "operation": operation, "params": {"start": 0.2, "duration": 1} if params is None else params}
        answer = self.insist("POST", "/api/v1/jobs/", body, Idempotency_Key=key)
        if answer.status not in (200, 201):
            raise Stuck(f"a job was refused: {answer.status} {answer.body[:300]!r}")
        job_id = str(answer.json()["id"])
        self.jobs[job_id] = key
        return job_id

    def take(self, job_id: str) -> bool:
        """Download what a job made by one-time links, a new one for each that broke; whether the bytes were right. Raises `Stuck`."""
        export = self.insist("GET", f"/api/v1/jobs/{job_id}/").json()["export"]
        told = self.insist("GET", f"/api/v1/exports/{export}/").json()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            link = self.insist("POST", f"/api/v1/exports/{export}/grants/").json()
            answer = self.call("POST", "/" + link["url"].split("/", 3)[3])
            if answer.status == 200:
                return bool(hashlib.sha256(answer.body).hexdigest() == told["sha256"])
            time.sleep(0.2)
        raise Stuck(f"the export {export} could not be downloaded")
