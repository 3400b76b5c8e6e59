"""etcd, Patroni with its PostgreSQL, and HAProxy as real processes on loopback, with the files of deploy/patroni.

Only what belongs to a machine is filled in: addresses, ports, paths, passwords. Whoever has the files of a database
must not be root, so all but HAProxy run as an unprivileged user.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

import psycopg
import pytest

from tests.proxies.fronts import DEPLOY, filled, path_of
from tests.support import postgres
from tests.support.processes import free_port, request
from tests.support.waiting import eventually

FILES = DEPLOY / "patroni"
#: What can happen to a machine: its PostgreSQL dies, its Patroni, both, or both just after it could not reach the
#: standbys for a while. Or it hands over because somebody says so; or both of its synchronous standby die.
Mishap = Literal["postgres", "patroni", "member", "stalled", "switchover", "standby"]
#: The step of make that installs what is needed.
STEP = "databases"
#: What makes the cluster one that promises nothing, and elects whoever is there.
ASYNCHRONOUS = {
    "synchronous_mode: true": "synchronous_mode: false",
    "synchronous_mode_strict: true": "synchronous_mode_strict: false",
    "maximum_lag_on_failover: 1048576": "maximum_lag_on_failover: 104857600",
}

_M = TypeVar("_M", bound="Machine")


class Machine:
    """A process in a folder of its own, as the unprivileged user."""

    def __init__(self, folder: Path, owner: dict[str, Any]) -> None:
        self.folder = folder
        self._owner = owner
        self.popen: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, mode=0o700)
        self._give(folder)

    def close(self) -> None:
        """End it at once."""
        if self.popen is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.popen.pid, signal.SIGKILL)
            self.popen.wait()

    def _write(self, name: str, text: str) -> Path:
        file = self.folder / name
        file.write_text(text)
        file.chmod(0o600)
        self._give(file)
        return file

    def _give(self, path: Path) -> None:
        if self._owner:
            os.chown(path, self._owner["user"], self._owner["group"])

    def _run(self, command: Sequence[str], **environment: str) -> None:
        ours = {name: value for name, value in os.environ.items() if name.startswith("TESTS_")}
        path = {"PATH": f"{os.defpath}:/usr/sbin:/sbin", "LC_ALL": "C.UTF-8", "HOME": str(self.folder)}
        with (self.folder / "output").open("ab") as output:
            self.popen = subprocess.Popen(
                list(command),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**path, **environment, **ours},
                start_new_session=True,
                **self._owner,
            )


class Etcd(Machine):
    """One etcd with deploy/patroni/etcd.env; a cluster of one."""

    def __init__(self, folder: Path, owner: dict[str, Any]) -> None:
        super().__init__(folder, owner)
        self.port = free_port()
        peer = f"http://127.0.0.1:{free_port()}"
        text = filled(
            FILES / "etcd.env",
            {
                ",db2=http://10.0.0.22:2380,db3=http://10.0.0.23:2380": "",
                "http://10.0.0.21:2380": peer,
                "http://10.0.0.21:2379": f"http://127.0.0.1:{self.port}",
                "/var/lib/etcd/stagewise": str(folder / "data"),
            },
        )
        lines = (line.partition("=") for line in text.splitlines() if line and not line.startswith("#"))
        self._run([path_of("etcd", STEP)], **{name: value for name, _, value in lines})
        eventually(lambda: look(self.port, "/health"))


class Member(Machine):
    """One Patroni with its PostgreSQL, with deploy/patroni/patroni.yml. It can be killed and started again."""

    def __init__(self, name: str, folder: Path, owner: dict[str, Any], etcd: int, changes: dict[str, str]) -> None:
        super().__init__(folder, owner)
        self.name = name
        self.data = folder / "data"
        self.port, self.rest_port = free_port(), free_port()
        self._changes = changes
        self.configuration = self._write("patroni.yml", self._filled(etcd))

    def _filled(self, etcd: int) -> str:
        return filled(
            FILES / "patroni.yml",
            {
                **self._changes,
                "name: db1": f"name: {self.name}",
                "10.0.0.21:8008": f"127.0.0.1:{self.rest_port}",
                "    - 10.0.0.21:2379\n    - 10.0.0.22:2379\n    - 10.0.0.23:2379\n": f"    - 127.0.0.1:{etcd}\n",
                "10.0.0.21:5432": f"127.0.0.1:{self.port}",
                "10.0.0.0/24": "127.0.0.0/8",
                "/var/lib/postgresql/15/stagewise": str(self.data),
                "/usr/lib/postgresql/15/bin": str(postgres.binaries()),
                "/var/lib/postgresql/.patroni.pgpass": str(self.folder / "pgpass"),
                "/var/run/postgresql": str(self.folder),
                "CHANGE-ME-": "for-tests-only-",
            },
        )

    def start(self) -> None:
        """Start Patroni, which starts PostgreSQL."""
        self._run([path_of("patroni", STEP), str(self.configuration)])

    @property
    def leads(self) -> bool:
        """What HAProxy asks."""
        return look(self.rest_port, "/primary") is not None

    def suffer(self, mishap: Mishap) -> None:
        """Let this happen to it; ``kill -9`` in each case. What "stalled" stalls is stalled already."""
        if mishap != "postgres":
            super().close()
        if mishap != "patroni":
            for pid in self._postgres():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def hand_over(self) -> None:
        """Let it hand over to its synchronous standby, as ``patronictl switchover`` asks for it.

        While Patroni chooses another standby there is none for a moment, and it says no.
        """
        secret = base64.b64encode(b"patroni:for-tests-only-REST").decode()
        headers = {"Authorization": f"Basic {secret}", "Content-Type": "application/json"}
        body = json.dumps({"leader": self.name}).encode()
        eventually(lambda: request(self.rest_port, "POST", "/switchover", body, headers, timeout=60).status == 200)

    @property
    def is_running(self) -> bool:
        """Whether its Patroni runs."""
        return self.popen is not None and self.popen.poll() is None

    def stall(self) -> None:
        """Let nothing more reach the standbys: the processes that send to them stand still."""
        for pid in self._postgres():
            with contextlib.suppress(OSError):
                if b"walsender" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    os.kill(pid, signal.SIGSTOP)

    def close(self) -> None:
        """End both."""
        self.suffer("member")

    def _postgres(self) -> list[int]:
        """The server's processes, the first of them first."""
        try:
            first = int((self.data / "postmaster.pid").read_text().split()[0])
        except (OSError, ValueError, IndexError):
            return []
        return [first, *children(first)]


class Balancer(Machine):
    """HAProxy with deploy/patroni/haproxy-postgres.cfg."""

    def __init__(self, folder: Path, owner: dict[str, Any], members: Sequence[Member]) -> None:
        super().__init__(folder, owner)
        self.port = free_port()
        servers = {
            f"10.0.0.2{number}:5432 check port 8008": f"127.0.0.1:{member.port} check port {member.rest_port}"
            for number, member in enumerate(members, 1)
        }
        text = filled(
            FILES / "haproxy-postgres.cfg",
            {
                "log /dev/log local0": "log stderr format raw local0",
                "127.0.0.1:5000": f"127.0.0.1:{self.port}",
                **servers,
            },
        )
        self._run([path_of("haproxy", STEP), "-db", "-f", str(self._write("haproxy.cfg", text))])


class Databases:
    """Three members, their etcd, HAProxy before them, and a database for Stagewise.

    Without ``synchronous`` a leader acknowledges what no standby has: the mistake that a checker must find.
    """

    def __init__(self, *, synchronous: bool = True) -> None:
        for program in ("pg_rewind", "pg_basebackup"):
            if not (postgres.binaries() / program).exists():
                pytest.skip(f"{program} is not installed: make {STEP}")
        owner = postgres.owner()
        self.folder = postgres.temporary_folder("stagewise-patroni-", owner)
        self._machines: list[Machine] = []
        self._roles = ["leader", "replica", "sync_standby" if synchronous else "replica"]
        try:
            etcd = self._add(Etcd(self.folder / "etcd", owner))
            changes = {} if synchronous else ASYNCHRONOUS
            self.members = [
                self._add(Member(f"db{number}", self.folder / f"db{number}", owner, etcd.port, changes))
                for number in (1, 2, 3)
            ]
            for member in self.members:
                member.start()
            self.balancer = self._add(Balancer(self.folder / "haproxy", owner, self.members))
            self.wait_until_settled()
            self._create()
        except BaseException:
            self.close()
            raise

    @property
    def url(self) -> str:
        """The database, through HAProxy."""
        return f"postgresql://stagewise:for-tests-only@127.0.0.1:{self.balancer.port}/stagewise"

    @property
    def leader(self) -> Member | None:
        """Who leads, by the one word that HAProxy asks for."""
        leading = [member for member in self.members if member.leads]
        assert len(leading) < 2, "two lead"
        return leading[0] if leading else None

    @property
    def standby(self) -> Member:
        """The synchronous one; the cluster must be settled."""
        assert self.leader is not None
        seen = look(self.leader.rest_port, "/cluster")["members"]
        [name] = [each["name"] for each in seen if each["role"] == "sync_standby"]
        return next(member for member in self.members if member.name == name)

    def wait_until_settled(self) -> None:
        """Wait until one leads and the others follow it, one of them synchronously if that is wanted."""
        eventually(self._is_settled, within=180)

    def _is_settled(self) -> bool:
        leader = self.leader
        seen = look(leader.rest_port, "/cluster") if leader else None
        if seen is None:
            return False
        running = [each for each in seen["members"] if each["state"] in {"running", "streaming"}]
        return (
            sorted(str(each["role"]) for each in running) == self._roles
            and len({each.get("timeline") for each in running}) == 1
            and all(each.get("lag", 0) == 0 for each in running)
        )

    def _create(self) -> None:
        superuser = f"postgresql://postgres:for-tests-only-SUPERUSER@127.0.0.1:{self.balancer.port}/postgres"
        # HAProxy finds the first leader a second after Patroni does.
        eventually(lambda: is_reached(superuser))
        postgres.execute(superuser, "CREATE ROLE stagewise LOGIN PASSWORD 'for-tests-only'")
        postgres.execute(superuser, "CREATE DATABASE stagewise OWNER stagewise ENCODING 'UTF8' TEMPLATE template0")

    def close(self) -> None:
        """End everything, and remove its files."""
        for machine in reversed(self._machines):
            machine.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _add(self, machine: _M) -> _M:
        self._machines.append(machine)
        return machine


def look(port: int, path: str) -> Any:
    """What a REST API says there, decoded; None if it says nothing or no."""
    with contextlib.suppress(OSError, http.client.HTTPException):
        answer = request(port, "GET", path, timeout=5)
        return answer.json() if answer.status == 200 else None
    return None


def is_reached(url: str) -> bool:
    """Whether this database can be connected to."""
    with contextlib.suppress(psycopg.OperationalError):
        psycopg.connect(url, connect_timeout=2).close()
        return True
    return False


def children(pid: int) -> list[int]:
    """Processes that it started itself."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if int((entry / "stat").read_text().rpartition(")")[2].split()[1]) == pid:
                    found.append(int(entry.name))
    return found
