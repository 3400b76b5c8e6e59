"""From a backup and an empty directory to the first lead, on a machine that knows no secret key."""

from __future__ import annotations

from pathlib import Path

from tests.support.installation import Installation


def test_an_empty_machine_takes_leads_again_with_the_key_of_the_backup(
    empty_installation: Installation, tmp_path: Path
) -> None:
    empty_installation.stagewise("migrate")
    empty_installation.stagewise("endpoint", "add", "Shop")
    empty_installation.set_endpoint("Shop", enabled=True, allowed_ips=["127.0.0.1"])
    path = tmp_path / "one.backup"
    empty_installation.stagewise("backup", str(path))
    restored = Installation(tmp_path / "restored", None, secret_key="")
    restored.stagewise("restore", str(path))
    assert (restored.data_dir / "secret_key").read_text() == (empty_installation.data_dir / "secret_key").read_text()
    assert (restored.data_dir / "secret_key").stat().st_mode & 0o777 == 0o600
    key = str(restored.sql("SELECT k.key FROM endpoint_key k JOIN endpoint e ON e.id = k.endpoint_id"
                           " WHERE e.name = 'Shop'")[0][0])  # fmt: skip
    body = b'{"name": "Ada", "phone": "+44 20 7946 0958", "email": "ada@example.com"}'
    try:
        assert restored.intake().post(body, key=key).status == 201
    finally:
        restored.close()
