"""A page of a run that grows while the run is written, served to this machine alone.

The server listens on 127.0.0.1 and nowhere else. It answers only under a path that holds a random key, which other
users of the machine do not know, and only to requests that were addressed to this machine by name: a page elsewhere
whose name was pointed at 127.0.0.1 (DNS rebinding) is refused. It reads two kinds of files, the run's logs and the
pictures under ``rollouts/media``, and changes nothing.
"""

from __future__ import annotations

import hmac
import json
import re
import secrets
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from wherewise.reports.build import SCRIPTS, STYLES
from wherewise.reports.curves import CURVES
from wherewise.reports.follow import RunFollower
from wherewise.reports.page import SERVED_POLICY, render_page
from wherewise.reports.provenance import run_provenance
from wherewise.reports.rollouts import picture_file
from wherewise.samples.errors import InputError

ADDRESS = "127.0.0.1"
"""Where the server listens."""

_LOCAL = re.compile(r"(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?", re.IGNORECASE)
"""Hosts that a request may be addressed to. Any port: an SSH tunnel may begin at another one."""

_TYPES = {".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".webp": "image/webp"}


class LiveServer(ThreadingHTTPServer):
    """Serves one run.

    Args:
        run: The run folder.
        port: Port on 127.0.0.1; 0 takes a free one.
        title: Heading of the page.

    Raises:
        InputError: There is no such folder, or the port is taken.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, run: Path, *, port: int = 0, title: str | None = None) -> None:
        if not run.is_dir():
            raise InputError(
                f"{run}: no such folder; give the run folder (`out` of the config) once training has begun"
            )
        self.run = run
        self.title = title or f"{run.name}, live"
        self.follower = RunFollower(run, run.name)
        self.key = secrets.token_urlsafe(16)
        try:
            super().__init__((ADDRESS, port), _Handler)
        except OSError as error:
            raise InputError(f"port {port} of {ADDRESS}: {error.strerror}; try --port 0 for a free one") from error

    @property
    def url(self) -> str:
        """Address of the page."""
        return f"http://{ADDRESS}:{self.server_address[1]}/{self.key}/"

    def page(self) -> str:
        """The HTML of the page."""
        return render_page(
            "live.html.j2",
            title=self.title,
            data={"curves": [list(curve) for curve in CURVES], "run": self.run.name},
            styles=STYLES,
            scripts=[*SCRIPTS, "live.js"],
            served=True,
            made=[run_provenance(self.run.name, self.run)],
        )


class _Handler(BaseHTTPRequestHandler):
    """Answers GET and HEAD."""

    server: LiveServer
    server_version = "wherewise"
    sys_version = ""
    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_GET(self) -> None:
        """Send the page, what is new, or a picture."""
        hosts = self.headers.get_all("Host") or []
        if len(hosts) != 1 or not _LOCAL.fullmatch(hosts[0].strip()):
            self._send(HTTPStatus.FORBIDDEN, "text/plain", b"this server answers to localhost alone\n")
            return
        if self.path == "/favicon.ico":  # asked for by every browser
            self._send(HTTPStatus.NO_CONTENT, "image/x-icon", b"")
            return
        asked, _, query = self.path.partition("?")
        key, *rest = asked.removeprefix("/").split("/")
        if not rest or not hmac.compare_digest(key.encode(), self.server.key.encode()):
            self._send(HTTPStatus.NOT_FOUND, "text/plain", b"use the address that `wherewise view` printed\n")
            return
        path = "/".join(rest)
        if path == "":
            self._send(HTTPStatus.OK, "text/html; charset=utf-8", self.server.page().encode("utf-8", "replace"))
        elif path == "state":
            self._state(parse_qs(query))
        elif path.startswith("media/"):
            self._picture(path)
        else:
            self._send(HTTPStatus.NOT_FOUND, "text/plain", b"there is no such page\n")

    do_HEAD = do_GET

    def _state(self, query: dict[str, list[str]]) -> None:
        asked = {name: query.get(name, ["0"])[-1] for name in ("epoch", "metrics", "groups")}
        if not all(re.fullmatch(r"\d{1,12}", value) for value in asked.values()):
            self._send(HTTPStatus.BAD_REQUEST, "text/plain", b"epoch, metrics and groups are whole numbers\n")
            return
        try:
            content: dict[str, Any] = self.server.follower.state(**{name: int(value) for name, value in asked.items()})
        except (ValueError, FileNotFoundError) as error:  # shown on the page; a resumed run mends it
            content = {"problem": str(error)}
        body = json.dumps(content, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")
        self._send(HTTPStatus.OK, "application/json", body)

    def _picture(self, name: str) -> None:
        path = picture_file(self.server.run / "rollouts", name)
        if path is None:
            self._send(HTTPStatus.NOT_FOUND, "text/plain", b"there is no such picture\n")
            return
        self._send(HTTPStatus.OK, _TYPES[path.suffix], path.read_bytes(), keep=True)

    def _send(self, status: HTTPStatus, kind: str, body: bytes, *, keep: bool = False) -> None:
        self.send_response(status)
        headers = {
            "Content-Type": kind,
            "Content-Length": str(len(body)),
            "Content-Security-Policy": f"{SERVED_POLICY}; frame-ancestors 'none'",
            "X-Content-Type-Options": "nosniff",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "private, max-age=86400, immutable" if keep else "no-store",
        }
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # the base class's name
        """Print nothing: a page asks every second."""
