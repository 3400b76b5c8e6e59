"""The connection: certificates of the tests' own, on the loopback."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
import warnings
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from stagewise.doctor import Report, Target, WrongUse, examine
from tests.doctor.test_endpoint import found, states
from tests.support.double import Call, plain, serving
from tests.support.processes import Answer


def certificate(folder: Path, *, days: float = 90, name: str = "127.0.0.1") -> Path:
    """A self-signed certificate that ends in so many days, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Stagewise tests")])
    now = datetime.datetime.now(datetime.UTC)
    alternative = x509.IPAddress(ipaddress.ip_address(name)) if name[0].isdigit() else x509.DNSName(name)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=100))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "certificate.pem"
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


def context(path: Path) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(path)
    return made


def nothing_here(_call: Call) -> Answer:
    return plain(404)


def look(path: Path, *, trusted: bool = True, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> Report:
    with serving(nothing_here, tls or context(path)) as port:
        return examine(Target(f"https://{host}:{port}/public/v1/leads/x", ca_file=str(path) if trusted else None))


def test_a_valid_certificate_is_in_order(tmp_path: Path) -> None:
    report = look(certificate(tmp_path))
    assert states(report) | {"tls": "ok", "certificate_expiry": "ok", "old_protocols": "ok"} == states(report)
    assert "TLSv1.3" in found(report, "tls").seen


def test_a_certificate_that_ends_soon_is_a_warning(tmp_path: Path) -> None:
    finding = found(look(certificate(tmp_path, days=5.5)), "certificate_expiry")
    assert finding.state == "warning"
    assert "in 5 days" in finding.seen


@pytest.mark.parametrize(
    ("options", "trusted", "reason"),
    [
        ({}, False, "self-signed"),
        ({"days": -1.0}, True, "expired"),
        ({"name": "other.example"}, True, "not valid for"),
    ],
)
def test_a_certificate_that_browsers_refuse_stops_everything(
    tmp_path: Path, options: dict[str, float], trusted: bool, reason: str
) -> None:
    calls: list[Call] = []
    path = certificate(tmp_path, **options)  # type: ignore[arg-type] # days or name

    def remember(call: Call) -> Answer:
        calls.append(call)
        return plain(404)

    with serving(remember, context(path)) as port:
        report = examine(Target(f"https://127.0.0.1:{port}/x", ca_file=str(path) if trusted else None))
    assert found(report, "tls").state == "failed"
    assert reason in found(report, "tls").seen.replace(" certificate", "")
    assert calls == []


def test_a_server_that_still_speaks_old_protocols_is_a_warning(tmp_path: Path) -> None:
    path = certificate(tmp_path)
    old = context(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        old.minimum_version = ssl.TLSVersion.TLSv1
    old.set_ciphers("ALL:@SECLEVEL=0")
    finding = found(look(path, tls=old), "old_protocols")
    assert finding.state == "warning"
    assert "TLSv1.1" in finding.seen


def test_a_port_without_encryption_is_no_https() -> None:
    with serving(nothing_here) as port:
        report = examine(Target(f"https://127.0.0.1:{port}/x", timeout=5))
    assert states(report)["tls"] == "failed"


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (plain(301, location="https://127.0.0.1/"), "ok"),
        (plain(301, location="http://127.0.0.1/"), "warning"),
        (plain(200, "Welcome"), "warning"),
    ],
)
def test_plain_http_beside_https_is_to_send_callers_on(tmp_path: Path, answer: Answer, state: str) -> None:
    calls: list[Call] = []

    def plainly(call: Call) -> Answer:
        calls.append(call)
        return answer

    path = certificate(tmp_path)
    with serving(nothing_here, context(path)) as port, serving(plainly) as plain_port:
        target = Target(f"https://127.0.0.1:{port}/public/v1/leads/secret", ca_file=str(path), plain_port=plain_port)
        report = examine(target)
        assert states(report)["plain_http"] == state
        assert [call.path for call in calls] == ["/"], "the key never goes over the wire unencrypted"
    assert states(examine_at(target))["plain_http"] == "ok"


def examine_at(target: Target) -> Report:
    """The same target, with HTTPS served again and nobody at its plain port."""
    path = Path(target.ca_file or "")
    with serving(nothing_here, context(path)) as port:
        return examine(replace(target, url=f"https://127.0.0.1:{port}/x"))


def test_plain_http_is_looked_for_only_beside_the_usual_port() -> None:
    assert Target("https://leads.example.com/x").plain_port == 80
    assert Target("https://leads.example.com:8443/x").plain_port is None
    assert Target("http://leads.example.com/x").plain_port is None


@pytest.mark.parametrize(
    "url", ["leads.example.com/x", "ftp://leads.example.com", "https://", "https://a:b@x.example/", "https://[::1/", ""]
)
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(WrongUse):
        Target(url)


@pytest.mark.parametrize(
    "origin", ["www.example.com", "https://www.example.com/", "https://www.example.com/contact", "*"]
)
def test_what_is_no_origin_is_refused(origin: str) -> None:
    with pytest.raises(WrongUse, match="origin"):
        Target("https://leads.example.com/x", (origin,))
