"""A line between a browser and the server that a test can hold at a known byte, cut and mend."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

PIECE = b"PATCH "
"""How a request begins whose body is a piece of an upload."""
OTHERS = (b"GET ", b"HEAD ", b"POST ", b"DELETE ")


class Line:
    """Hands connections on to a port of this machine.

    `held` is set when an upload has come to where `hold` wants it; everything else goes on through meanwhile.
    """

    def __init__(self, target: int) -> None:
        self.target = target
        self.held = threading.Event()
        self.passed = 0
        """Bytes of pieces, heads included, that went up."""
        self._room: int | None = None
        self._whole = True
        self._sockets: set[socket.socket] = set()
        self._waiting: set[socket.socket] = set()
        self._change = threading.Condition()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()

    def hold(self, after: int) -> None:
        """Let `after` more bytes of uploads through, then no more."""
        with self._change:
            self.held.clear()
            self._room = after

    def cut(self) -> None:
        """Break every connection, and every new one at once."""
        with self._change:
            self._whole = False
            for each in self._sockets:
                _close(each)
            self._sockets.clear()
            self._change.notify_all()

    def mend(self) -> None:
        """Let everything through from now on. What was held is lost with its connection: nobody may want it any more."""
        with self._change:
            self._whole = True
            self._room = None
            for each in self._waiting:
                _close(each)
            self._waiting.clear()
            self._change.notify_all()

    def close(self) -> None:
        """For good."""
        self._listener.close()
        self.cut()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._connect, args=(client,), daemon=True).start()

    def _connect(self, client: socket.socket) -> None:
        try:
            beyond = socket.create_connection(("127.0.0.1", self.target))
        except OSError:  # the server is away
            _close(client)
            return
        with self._change:
            self._sockets |= {client, beyond}
            if not self._whole:
                _close(client)
                _close(beyond)
        threading.Thread(target=self._down, args=(beyond, client), daemon=True).start()
        self._up(client, beyond)

    def _down(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        _close(source)
        _close(target)

    def _up(self, source: socket.socket, target: socket.socket) -> None:
        piece = False
        with suppress(OSError):
            while data := source.recv(16384):
                piece = data.startswith(PIECE) or (piece and not data.startswith(OTHERS))
                while data:
                    count = self._allowed(len(data), source) if piece else len(data)
                    target.sendall(data[:count])
                    data = data[count:]
        _close(source)
        _close(target)

    def _allowed(self, wanted: int, source: socket.socket) -> int:
        """How many of an upload's bytes may pass now; waits while it is held. Raises `OSError` when the line is cut meanwhile."""
        with self._change:
            while self._room == 0:
                self._waiting.add(source)
                self.held.set()
                self._change.wait()
                if source.fileno() < 0:
                    raise OSError("the line was cut")
            count = wanted if self._room is None else min(wanted, self._room)
            if self._room is not None:
                self._room -= count
            self.passed += count
            return count


def _close(each: socket.socket) -> None:
    with suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
    each.close()
