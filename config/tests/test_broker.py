"""A worker whose places are all taken while Redis goes away listens again once it is back: with a real server of its own."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from kombu import Connection

from config import broker, celery, redis_server, redis_url


class Server:
    """A Redis-protocol server that can be killed and started."""

    def __init__(self, directory: Path) -> None:
        self.directory, self.path = directory / "redis", redis_url.socket_path(directory)  # never too long for the kernel
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        binary = redis_server.find_server()
        assert binary is not None
        self.process = subprocess.Popen(redis_server.command(binary, self.directory, self.path))
        deadline = time.monotonic() + 240
        while not redis_server.answers(self.path):
            assert time.monotonic() < deadline, "the server did not start"
            time.sleep(0.02)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(tmp_path)
    made.start()
    yield made
    made.kill()


@pytest.mark.parametrize("end", ["ack", "reject"])
def test_a_lost_answer_still_frees_the_place(server: Server, end: str) -> None:
    assert celery.app, "it installs what is tried here"
    with Connection(f"redis+socket://{server.path}", transport_options={"socket_connect_timeout": 2, "max_retries": 0}) as connection:
        queue = connection.SimpleQueue("work", no_ack=False)
        queue.put({"job": 1})
        message = queue.get(timeout=240)
        assert isinstance(message.channel.qos, broker.Credit)
        message.channel.qos.prefetch_count = 1
        assert not message.channel.qos.can_consume(), "its only place is taken"
        server.kill()
        with pytest.raises(connection.connection_errors):
            getattr(message, end)()
        assert message.channel.qos.can_consume(), "it would listen, and so notice that the line is dead"
