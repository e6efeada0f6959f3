"""Starts and asks the S3 server in memory."""

import http.client
import json
import os
import subprocess
from pathlib import Path
from urllib.parse import quote, urlencode

from .peers import Missing

BUCKET = "bench"
PREFIX = "p"

MALLOC = "glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=262144"
"""Large pages for large parts, or the server would spend more time on page faults
than its clients on transfers. The fixed threshold gives memory back at each reset,
so that the second tool of a run does not find warmer memory than the first."""


class Server:
    """The server; ends with the `with` block, or with this process."""

    def __init__(self, program: Path) -> None:
        self.process = subprocess.Popen(
            [str(program), "--until-stdin-ends"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "GLIBC_TUNABLES": MALLOC},
            # Ctrl-C is for the script, which ends the server last.
            start_new_session=True,
        )
        assert self.process.stdout is not None
        self.endpoint = self.process.stdout.readline().strip()
        if not self.endpoint:
            raise Missing("the server did not start")
        self.address = self.endpoint.removeprefix("http://")

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_problem: object) -> None:
        self.process.kill()
        self.process.wait()

    def ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        """Sends one request on a connection of its own."""
        connection = http.client.HTTPConnection(self.address)
        try:
            connection.request(method, path, body)
            reply = connection.getresponse()
            content = reply.read()
        finally:
            connection.close()
        if reply.status >= 300:
            raise Missing(f"{method} {path} was answered with {reply.status}: {content[:200]!r}")
        return content

    def control(self, **settings: int) -> None:
        """Takes all settings back and makes these."""
        self.ask("POST", "/_ctl?" + urlencode({"clear": 1, **settings}))

    def empty(self) -> None:
        """Empties the store and makes an empty bucket."""
        self.ask("POST", "/_reset?store=1")
        self.ask("PUT", f"/{BUCKET}")

    def seed(self, folders: int, files: int) -> None:
        """Puts empty objects without transferring them."""
        query = {"bucket": BUCKET, "prefix": PREFIX + "/", "folders": folders, "files": files}
        self.ask("POST", "/_seed?" + urlencode(query))

    def reset_statistics(self) -> None:
        """Starts counting anew."""
        self.ask("POST", "/_reset")

    def statistics(self) -> dict:
        """What was asked since."""
        return json.loads(self.ask("GET", "/_stats"))

    def totals(self) -> tuple[int, int]:
        """Number of objects in the bucket, and of their bytes."""
        found = json.loads(self.ask("GET", "/_totals?" + urlencode({"bucket": BUCKET})))
        return found["objects"], found["bytes"]

    def put_files(self, folder: Path, keys: list[str]) -> None:
        """Puts files as objects, for what another writer changed meanwhile."""
        for key in keys:
            self.ask("PUT", f"/{BUCKET}/{PREFIX}/{quote(key)}", (folder / key).read_bytes())

    def get(self, key: str) -> bytes:
        """The content of an object."""
        return self.ask("GET", f"/{BUCKET}/{PREFIX}/{quote(key)}")
