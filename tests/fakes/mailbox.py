"""A mail server on this machine."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Mailbox(socketserver.ThreadingTCPServer):
    """Enough of SMTP (RFC 5321) to take mail; `letters` holds what came. While `full`, it refuses letters."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        self.letters: list[str] = []
        self.refused = 0
        self.full = False
        super().__init__(("127.0.0.1", 0), _Smtp)

    @property
    def url(self) -> str:
        """An Apprise address that mails here."""
        return f"mailto://127.0.0.1:{self.server_address[1]}?from=assay@example.com&to=ops@example.com&smtp=127.0.0.1"


class _Smtp(socketserver.StreamRequestHandler):
    server: Mailbox

    def handle(self) -> None:
        self._say("220 test")
        while line := self.rfile.readline().decode().strip():
            verb = line[:4].upper()
            if verb == "DATA" and self.server.full:
                self.server.refused += 1
                self._say("452 no room")
                continue
            if verb == "DATA":
                self._say("354 go on")
                self._take()
            self._say("221 bye" if verb == "QUIT" else "250 ok")
            if verb == "QUIT":
                return

    def _take(self) -> None:
        lines = []
        while (line := self.rfile.readline().decode()) not in {".\r\n", ""}:
            lines.append(line)
        self.server.letters.append("".join(lines))

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@contextmanager
def receiving() -> Iterator[Mailbox]:
    """A mailbox that takes letters until the block ends."""
    box = Mailbox()
    threading.Thread(target=box.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield box
    finally:
        box.shutdown()
        box.server_close()
