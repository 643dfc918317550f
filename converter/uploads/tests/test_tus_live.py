"""Other people's tus clients against the real web server, over a line that breaks again and again."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tusclient.client import TusClient

from converter.uploads.models import Upload, UploadStatus
from converter.uploads.tests.test_live import Server, server, wav  # noqa: F401 - the server is a fixture
from tests.running import PATIENCE, until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

MB = 1024 * 1024
TUS_JS_CLIENT = "4.3.1"
SCRIPT = """
const tus = require("tus-js-client"), fs = require("fs");
const [endpoint, token, path, chunk] = process.argv.slice(2);
const upload = new tus.Upload(fs.createReadStream(path), {
  endpoint, headers: { Authorization: `Bearer ${token}` }, metadata: { filename: "späte.wav" }, uploadSize: fs.statSync(path).size,
  chunkSize: Number(chunk), retryDelays: Array(60).fill(50),
  onError: (error) => { console.error(String(error)); process.exit(1); },
  onSuccess: () => console.log(JSON.stringify({ url: upload.url })),
});
upload.start();
"""


class BreakingLine:
    """A way to the server that breaks each of the first `breaks` connections after a random number of bytes."""

    def __init__(self, port: int, seed: int, breaks: int) -> None:
        self.target, self.left = port, breaks
        self.random = random.Random(seed)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            most = self.random.randrange(1000, MB) if self.left > 0 else None
            self.left -= 1
            threading.Thread(target=self._connect, args=(client, most), daemon=True).start()

    def _connect(self, client: socket.socket, most: int | None) -> None:
        with client, socket.create_connection(("127.0.0.1", self.target)) as beyond:
            threading.Thread(target=_pump, args=(beyond, client, None), daemon=True).start()
            _pump(client, beyond, most)

    def close(self) -> None:
        self.listener.close()


def _pump(source: socket.socket, target: socket.socket, most: int | None) -> None:
    passed = 0
    try:
        while (most is None or passed < most) and (data := source.recv(16384)):
            target.sendall(data)
            passed += len(data)
        if most is not None:
            source.shutdown(socket.SHUT_RDWR)
        target.shutdown(socket.SHUT_RDWR)
    except OSError:
        return


@pytest.fixture(params=[1, 2, 3])
def line(request: pytest.FixtureRequest, server: Server) -> Iterator[BreakingLine]:  # noqa: F811
    breaking = BreakingLine(server.port, request.param, breaks=12)
    yield breaking
    breaking.close()


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    """Some megabytes of noise as a sound."""
    size = 4 * MB
    path = tmp_path / "noise.wav"
    path.write_bytes(wav(size) + random.Random(0).randbytes(size))
    return path


def _arrived(sound: Path, name: str) -> None:
    upload = Upload.objects.get()
    until(lambda: Upload.objects.get().status == UploadStatus.READY, "the check")  # the check goes on after the client has left
    upload.refresh_from_db()
    assert (upload.status, upload.name) == (UploadStatus.READY, name)
    assert upload.sha256 == hashlib.sha256(sound.read_bytes()).hexdigest() == hashlib.sha256(upload.file.read_bytes()).hexdigest()


def test_tuspy_goes_on_after_each_break(server: Server, line: BreakingLine, sound: Path) -> None:  # noqa: F811
    client = TusClient(f"http://127.0.0.1:{line.port}/api/v1/uploads/tus/", headers={"Authorization": f"Bearer {server.token}"})
    uploader = client.uploader(str(sound), chunk_size=300_000, metadata={"filename": "noise.wav"}, retries=60, retry_delay=0, upload_checksum=True)
    uploader.upload()
    _arrived(sound, "noise.wav")


def test_tus_js_client_goes_on_after_each_break(server: Server, line: BreakingLine, sound: Path, tmp_path_factory: pytest.TempPathFactory) -> None:  # noqa: F811
    script = _javascript(tmp_path_factory)
    arguments = [f"http://127.0.0.1:{line.port}/api/v1/uploads/tus/", server.token, str(sound), str(700_000)]
    done = subprocess.run(["node", str(script), *arguments], capture_output=True, text=True, timeout=2 * PATIENCE, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["url"].rstrip("/").endswith(str(Upload.objects.get().pk))
    _arrived(sound, "späte.wav")


def test_a_half_dead_request_gives_way_to_the_next(server: Server, sound: Path) -> None:  # noqa: F811
    """A client whose network died comes back while the server still waits for its last request."""
    data = sound.read_bytes()
    headers = {"Authorization": f"Bearer {server.token}", "Tus-Resumable": "1.0.0"}
    line = server.connect()
    line.request("POST", "/api/v1/uploads/tus/", headers={**headers, "Upload-Length": str(len(data))})
    address = line.getresponse().headers["Location"].partition(f":{server.port}")[2]
    piece = {**headers, "Content-Type": "application/offset+octet-stream"}
    dead = server.connect()
    dead.putrequest("PATCH", address)
    for key, value in {**piece, "Upload-Offset": "0", "Content-Length": str(len(data))}.items():
        dead.putheader(key, value)
    dead.endheaders(data[:MB])
    upload = Upload.objects.get()

    def arrived() -> int:
        again = server.connect()
        try:
            again.request("HEAD", address, headers=headers)
            return int(again.getresponse().headers["Upload-Offset"])
        finally:
            again.close()

    until(lambda: arrived() == MB, "the first piece")

    def sent() -> int:
        fresh = server.connect()
        try:
            fresh.request("PATCH", address, body=data[MB:], headers={**piece, "Upload-Offset": str(MB)})
            return fresh.getresponse().status
        finally:
            fresh.close()

    # A slow machine may need longer to let go than a newcomer waits, who is then told to try again in a moment, and does.
    while (status := sent()) == 423:
        continue
    assert status == 204
    upload.refresh_from_db()
    assert upload.status == UploadStatus.READY
    dead.close()


def _javascript(factory: pytest.TempPathFactory) -> Path:
    """The JavaScript client, fetched once per session; skipped, loudly, where there is no Node."""
    folder = factory.getbasetemp() / "tus-js"
    script, failed = folder / "send.js", folder / "failed"
    if script.exists():
        return script
    if failed.exists():  # and is not waited for again
        pytest.skip(failed.read_text())
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("no Node.js: tus-js-client was not tried")
    folder.mkdir(exist_ok=True)
    argv = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), f"tus-js-client@{TUS_JS_CLIENT}"]
    try:
        subprocess.run(argv, capture_output=True, text=True, timeout=180, check=True)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        failed.write_text(f"tus-js-client could not be fetched: {error} {str(error.stderr)[-200:]}")
        pytest.skip(failed.read_text())
    script.write_text(SCRIPT)
    return script
