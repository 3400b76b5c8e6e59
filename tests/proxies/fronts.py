"""HAProxy and nginx as real processes in front of nodes, with the files of deploy/.

Only what belongs to a machine is filled in: ports, the nodes' addresses, a certificate. Beside its port with TLS a
proxy gets one without, because the tests' own clients send bytes that no TLS library would.
"""

from __future__ import annotations

import contextlib
import csv
import grp
import os
import pwd
import shutil
import signal
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
import trustme

from tests.support import shared
from tests.support.processes import free_port, members
from tests.support.waiting import eventually

DEPLOY = shared.ROOT / "deploy"
#: How nginx is run in a folder of its own; the file of deploy/ belongs inside its http block.
NGINX = """
user {user};
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/log;
worker_processes 1;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {more}
    include {folder}/deploy.conf;
}}
"""


class Front:
    """A proxy before these nodes, named by the ports of their intake; ``port`` is without TLS, ``tls_port`` with it."""

    name: str
    #: What a test wants otherwise than the file has it.
    changes: dict[str, str] = {}

    def __init__(self, nodes: Sequence[int], folder: Path) -> None:
        self.nodes = list(nodes)
        self.folder = folder
        self.port, self.tls_port = free_port(), free_port()
        folder.mkdir(parents=True)
        self.authority = trustme.CA()
        certificate = self.authority.issue_cert("leads.example.com")
        certificate.private_key_and_cert_chain_pem.write_to_path(folder / "certificate.pem")
        self.popen = self._start()
        try:
            eventually(lambda: self._reached(self.port) and self._reached(self.tls_port))
        except AssertionError:
            self.end()
            raise

    def drain(self, node: int) -> None:
        """Send nothing new to this node (its port); return when that is so."""
        raise NotImplementedError

    def undrain(self, node: int) -> None:
        """Send to this node again."""
        raise NotImplementedError

    def end(self) -> None:
        """End it with all its processes."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait()

    def _start(self) -> subprocess.Popen[bytes]:
        raise NotImplementedError

    def _run(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        with (self.folder / "output").open("wb") as output:
            return subprocess.Popen(
                [path_of(program), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def _reached(self, port: int) -> bool:
        if self.popen.poll() is not None:
            raise AssertionError(f"{self.name} ended: {(self.folder / 'output').read_text()}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return True
        return False


class Nginx(Front):
    """nginx with deploy/nginx.conf."""

    name = "nginx"
    #: Beside that file, inside the http block; ``{folder}`` is ours.
    more = ""

    def drain(self, node: int) -> None:
        """Write ``down`` behind the node and reload, as the documentation says."""
        self._reload(f"server 127.0.0.1:{node} ", f"server 127.0.0.1:{node} down ")

    def undrain(self, node: int) -> None:
        """Take the word out again and reload."""
        self._reload(f"server 127.0.0.1:{node} down ", f"server 127.0.0.1:{node} ")

    def _start(self) -> subprocess.Popen[bytes]:
        certificate = f"{self.folder}/certificate.pem"
        text = filled(
            DEPLOY / "nginx.conf",
            {
                "    server 127.0.0.1:8000 max_fails=0;\n    # server 10.0.0.12:8000 max_fails=0;\n": "".join(
                    f"    server 127.0.0.1:{node} max_fails=0;\n" for node in self.nodes
                ),
                "    listen 80;\n    listen [::]:80;\n": f"    listen 127.0.0.1:{free_port()};\n",
                "    listen 443 ssl;\n    listen [::]:443 ssl;\n": (
                    f"    listen 127.0.0.1:{self.tls_port} ssl;\n    listen 127.0.0.1:{self.port};\n"
                ),
                "/etc/ssl/leads.example.com/fullchain.pem": certificate,
                "/etc/ssl/leads.example.com/privkey.pem": certificate,
                "/etc/ssl/console.example.com/fullchain.pem": certificate,
                "/etc/ssl/console.example.com/privkey.pem": certificate,
            },
        )
        (self.folder / "deploy.conf").write_text(text)
        (self.folder / "nginx.conf").write_text(
            NGINX.format(
                # Whoever runs this, so that the workers may write into our folder.
                user=f"{pwd.getpwuid(os.getuid()).pw_name} {grp.getgrgid(os.getgid()).gr_name}",
                folder=self.folder,
                more=self.more.format(folder=self.folder),
            )
        )
        return self._run("nginx", "-p", str(self.folder), "-c", str(self.folder / "nginx.conf"))

    def _reload(self, old: str, new: str) -> None:
        file = self.folder / "deploy.conf"
        file.write_text(filled(file, {old: new}))
        before = self._workers()
        os.kill(self.popen.pid, signal.SIGHUP)
        # The workers with the old configuration finish what they have begun, and end.
        eventually(lambda: (now := self._workers()) and not now & before)

    def _workers(self) -> set[int]:
        return {pid for pid, command in members(self.popen.pid).items() if "worker process" in command}


class HAProxy(Front):
    """HAProxy with deploy/haproxy.cfg."""

    name = "haproxy"

    def drain(self, node: int) -> None:
        """Tell HAProxy through its socket, and wait for its last call, as the documentation says."""
        self._tell(f"set server stagewise_intake/node{node} state drain")
        eventually(lambda: self._calls(node) == 0)

    def undrain(self, node: int) -> None:
        """The same, back."""
        self._tell(f"set server stagewise_intake/node{node} state ready")

    def _start(self) -> subprocess.Popen[bytes]:
        # Not in our own folder: the path of a socket has at most 107 characters.
        self._socket = str(shared.folder() / f"{self.port}.sock")
        text = filled(
            DEPLOY / "haproxy.cfg",
            {
                "log /dev/log local0": "log stderr format raw local0",
                "stats socket /run/haproxy/admin.sock": f"stats socket {self._socket}",
                "    server first 127.0.0.1:8000\n    # server second 10.0.0.12:8000\n": "".join(
                    f"    server node{node} 127.0.0.1:{node}\n" for node in self.nodes
                ),
                **self.changes,
                "bind :80": f"bind 127.0.0.1:{free_port()}",
                "bind :443 ssl crt /etc/haproxy/certs/": (
                    f"bind 127.0.0.1:{self.port}\n"
                    f"    bind 127.0.0.1:{self.tls_port} ssl crt {self.folder}/certificate.pem"
                ),
            },
        )
        (self.folder / "haproxy.cfg").write_text(text)
        return self._run("haproxy", "-db", "-f", str(self.folder / "haproxy.cfg"))

    def _calls(self, node: int) -> int:
        """How many calls are under way to this node."""
        lines = self._ask("show stat stagewise_intake 4 -1").removeprefix("# ").splitlines()
        return next(int(row["scur"]) for row in csv.DictReader(lines) if row["svname"] == f"node{node}")

    def _tell(self, command: str) -> None:
        said = self._ask(command).strip()
        assert not said, said

    def _ask(self, command: str) -> str:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(self._socket)
            connection.sendall(command.encode() + b"\n")
            return b"".join(iter(lambda: connection.recv(65_536), b"")).decode()


FRONTS: dict[str, type[Front]] = {"nginx": Nginx, "haproxy": HAProxy}


def filled(file: Path, changes: dict[str, str]) -> str:
    """The file's text with each of these replaced; all of them must be in it."""
    text = file.read_text()
    for old, new in changes.items():
        assert old in text, f"{file.name} has no {old!r}"
        text = text.replace(old, new)
    return text


def path_of(program: str, step: str = "proxies") -> str:
    """Where it is installed; a test that needs it is skipped where it is not. ``step`` of make installs it."""
    # Debian keeps servers where an ordinary user's PATH does not look.
    found = shutil.which(program, path=f"{os.environ.get('PATH', os.defpath)}:/usr/local/sbin:/usr/sbin")
    if found is None:
        pytest.skip(f"{program} is not installed: make {step}")
    return found
