"""A hub on loopback: repositories in memory, with the part of the API that an upload of a dataset uses.

Answers as huggingface.co does: unknown repositories are 404 with ``X-Error-Code: RepoNotFound``, a wrong token is 401,
Parquet files go by LFS (batch, PUT, then the pointer in the commit), all else inside the commit.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

TOKEN = "hf_right"


class FakeHub:
    """The hub; a context manager.

    Attributes:
        repos: For each repository ``{"private": bool, "files": {path: bytes}, "commits": [message]}``.
        refuse_commits: Answer commits with 403.
    """

    def __init__(self) -> None:
        self.repos: dict[str, dict[str, Any]] = {}
        self.refuse_commits = False
        self._blobs: dict[str, bytes] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> FakeHub:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def add(self, name: str, *, private: bool, files: dict[str, bytes] | None = None) -> None:
        self.repos[name] = {"private": private, "files": dict(files or {}), "commits": []}

    def answer(self, method: str, path: str, body: bytes, token: str | None) -> tuple[int, Any, dict[str, str]]:
        """Status, JSON and headers of the reply."""
        parts = path.strip("/").split("/")
        if parts[0] == "blobs" and method == "PUT":
            self._blobs[parts[1]] = body
            return 200, {}, {}
        if token != f"Bearer {TOKEN}":
            return 401, {"error": "Invalid credentials"}, {}
        if path == "/api/validate-yaml":
            return 200, {"errors": [], "warnings": []}, {}
        if path == "/api/repos/create":
            return self._create(json.loads(body))
        if path.endswith("/info/lfs/objects/batch"):
            objects = [
                {
                    "oid": each["oid"],
                    "size": each["size"],
                    "actions": {"upload": {"href": f"{self.url}/blobs/{each['oid']}"}},
                }
                for each in json.loads(body)["objects"]
            ]
            return 200, {"transfer": "basic", "objects": objects}, {}
        name = "/".join(parts[2:4])
        if parts[:2] != ["api", "datasets"] or name not in self.repos:
            return 404, {"error": "Repository not found"}, {"X-Error-Code": "RepoNotFound"}
        repo = self.repos[name]
        actions: dict[str, Callable[[], tuple[int, Any, dict[str, str]]]] = {
            "": lambda: (200, {"id": name, "private": repo["private"], "sha": "0" * 40, "siblings": []}, {}),
            "tree": lambda: (
                200,
                [{"type": "file", "path": p, "size": len(d), "oid": "0" * 40} for p, d in repo["files"].items()],
                {},
            ),
            "preupload": lambda: (200, {"files": [_mode(each) for each in json.loads(body)["files"]]}, {}),
            "commit": lambda: self._commit(name, repo, body),
        }
        return actions[parts[4] if len(parts) > 4 else ""]()

    def _create(self, asked: dict[str, Any]) -> tuple[int, Any, dict[str, str]]:
        name = f"{asked['organization']}/{asked['name']}"
        self.add(name, private=asked.get("visibility") == "private" or asked.get("private") is True)
        return 200, {"url": f"{self.url}/datasets/{name}", "name": name}, {}

    def _commit(self, name: str, repo: dict[str, Any], body: bytes) -> tuple[int, Any, dict[str, str]]:
        if self.refuse_commits:
            return 403, {"error": "You have read access only"}, {}
        for line in body.splitlines():
            entry = json.loads(line)
            value = entry["value"]
            if entry["key"] == "header":
                repo["commits"].append(value["summary"])
            elif entry["key"] == "file":
                repo["files"][value["path"]] = base64.b64decode(value["content"])
            elif entry["key"] == "lfsFile":
                repo["files"][value["path"]] = self._blobs[value["oid"]]
            elif entry["key"] == "deletedFile":
                del repo["files"][value["path"]]
        return 200, {"commitUrl": f"{self.url}/datasets/{name}/commit/{'1' * 40}", "commitOid": "1" * 40}, {}


def _mode(file: dict[str, Any]) -> dict[str, Any]:
    mode = "lfs" if file["path"].endswith(".parquet") else "regular"
    return {"path": file["path"], "uploadMode": mode, "shouldIgnore": False}


def _handler(hub: FakeHub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path = urlsplit(self.path).path
            status, plain, headers = hub.answer(self.command, path, body, self.headers.get("Authorization"))
            data = json.dumps(plain).encode()
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = _serve

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler
