"""Starts that must be refused: one clear line, an exit code, no traceback, and no port opened."""

from __future__ import annotations

import os
import shlex
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from stagewise import settings
from stagewise.serve import alone
from tests.support import shared
from tests.support.installation import Installation
from tests.support.processes import free_port

only_sqlite = pytest.mark.parametrize("engine", ["sqlite"])


def refusal(installation: Installation, *arguments: str, **settings: str) -> str:
    """A start that must be refused: not 0, one line, no traceback."""
    process = installation.start("serve", *arguments, **settings)
    assert process.wait(20) != 0
    assert process.output.count("\n") == 1, process.output
    assert process.output.startswith("stagewise: ")
    return process.output


@pytest.mark.slow
@only_sqlite
def test_a_second_start_on_the_same_directory_is_refused(installation: Installation) -> None:
    installation.serve()
    ports = ("--port", str(free_port()), "--console-port", str(free_port()))
    assert "another `stagewise serve` is running" in refusal(installation, *ports)


def test_the_lock_is_held_until_the_last_process_of_a_generation_is_gone(tmp_path: Path) -> None:
    chosen = settings.load({"STAGEWISE_DATA_DIR": str(tmp_path)})
    lock = alone.lock_data_dir(chosen)
    left_over = subprocess.Popen(["sleep", "60"], pass_fds=(lock,))
    os.close(lock)
    try:
        with pytest.raises(settings.SettingsError, match="another `stagewise serve` is running"):
            alone.lock_data_dir(chosen)
    finally:
        left_over.kill()
        left_over.wait()
    os.close(alone.lock_data_dir(chosen))


@only_sqlite
def test_a_used_port_is_named(installation: Installation) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        said = refusal(installation, "--port", port, "--console-port", str(free_port()))
        assert f"port {port}" in said
        assert "--port" in said
        said = refusal(installation, "--port", str(free_port()), "--console-port", port)
        assert "--console-port" in said
        for alone_too in ("intake", "console", "worker"):
            done = installation.stagewise(alone_too, "--port", port, check=False)
            assert done.returncode == 2
            assert f"port {port}" in done.stderr
            assert done.stderr.count("\n") == 1, done.stderr


@only_sqlite
def test_an_address_that_is_not_ours_is_named(installation: Installation) -> None:
    assert "192.0.2.1" in refusal(installation, "--host", "192.0.2.1", "--port", str(free_port()))


@only_sqlite
def test_a_bad_setting_is_named(installation: Installation) -> None:
    assert "STAGEWISE_TRUSTED_PROXIES" in refusal(installation, trusted_proxies="everybody")


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path, empty_installation: Installation) -> None:
    (tmp_path / "file").write_text("")
    assert "Not a directory" in refusal(empty_installation, data_dir=str(tmp_path / "file" / "data"))


def test_a_database_that_is_away_is_named(empty_installation: Installation) -> None:
    url = f"postgresql://nobody@127.0.0.1:{free_port()}/leads"
    ports = ("--port", str(free_port()), "--console-port", str(free_port()))
    assert "database cannot be used" in refusal(empty_installation, *ports, database_url=url)


def _mount(tmp_path: Path, options: str) -> list[str]:
    """A shell command that runs what follows with a small file system on ``tmp_path/small``; skips where it may not."""
    small = tmp_path / "small"
    small.mkdir()
    script = f'mount -t tmpfs -o {options} tmpfs {shlex.quote(str(small))} && exec "$@"'
    command = ["unshare", "--mount", "sh", "-c", script, "sh"]
    if subprocess.run([*command, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine does not let us mount a file system")
    return command


@pytest.mark.parametrize(
    ("options", "says"),
    [("size=1m", "No space left on device"), ("size=8m,ro", "Read-only file system")],
    ids=["full", "read-only"],
)
def test_a_disk_that_takes_nothing_is_named(
    tmp_path: Path, empty_installation: Installation, options: str, says: str
) -> None:
    command = _mount(tmp_path, options)
    small = tmp_path / "small"
    fill = f'(head -c 2000000 /dev/zero > {shlex.quote(str(small / "filler"))}) 2>/dev/null; exec "$@"'
    done = subprocess.run(
        [*command, "sh", "-c", fill, "sh", *_serve(), "--port", str(free_port())],
        cwd=shared.ROOT,
        env=empty_installation.environment(data_dir=str(small / "data")),
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode != 0
    assert done.stderr.count("\n") == 1, done.stderr
    assert says in done.stderr


def test_a_disk_that_fills_up_while_the_database_is_made_is_named(
    tmp_path: Path, empty_installation: Installation
) -> None:
    command = _mount(tmp_path, "size=300k")
    done = subprocess.run(
        [*command, *_serve(), "--port", str(free_port()), "--console-port", str(free_port())],
        cwd=shared.ROOT,
        env=empty_installation.environment(data_dir=str(tmp_path / "small" / "data")),
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode != 0
    assert done.stderr.count("\n") == 1, done.stderr
    assert "full" in done.stderr


def _serve() -> list[str]:
    return [sys.executable, "-m", "stagewise", "serve"]
