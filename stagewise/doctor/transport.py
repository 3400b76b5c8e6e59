"""The way to the server: is it there, is the connection encrypted, and for how long will the certificate do."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
import warnings
from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

import httpx2

from stagewise.doctor.report import Check, Finding
from stagewise.doctor.target import Target

_CONNECTION = Check("connection", "Connection")
_TLS = Check("tls", "Encryption")
_CERTIFICATE_EXPIRY = Check("certificate_expiry", "Certificate's end")
_OLD_PROTOCOLS = Check("old_protocols", "Old protocols")
_PLAIN_HTTP = Check("plain_http", "Plain HTTP beside")

#: Days before its end at which a certificate that is renewed by itself should have been renewed.
EXPIRES_SOON_DAYS = 14
_DAY_S = 86_400


def check(target: Target) -> Iterator[Finding]:
    """Findings about the connection."""
    try:
        with socket.create_connection((target.host, target.port), target.timeout) as plain:
            peer = plain.getpeername()[0]
            if target.is_https:
                yield from _encrypted(target, plain)
            else:
                yield _plain(peer)
    except socket.gaierror:
        yield _CONNECTION.failed(
            f"The name {target.host} leads to no address.", "Check the host in the URL, and the DNS entry."
        )
        return
    except OSError as error:
        yield _CONNECTION.failed(
            f"Nobody answers at {target.host}, port {target.port}: {error.strerror or error}.",
            "Check that the server runs, that the port is right, and that no firewall is in the way.",
        )
        return
    if target.is_https:
        yield _old_protocols(target)
    if target.plain_port is not None:
        yield _redirect(target, target.plain_port)


def is_usable(target: Target, findings: Iterable[Finding]) -> bool:
    """Whether there is a connection over which something may be sent; plain HTTP is one, if the URL says so."""
    failed = {finding.check for finding in findings if finding.state == "failed"}
    return "connection" not in failed and not ("tls" in failed and target.is_https)


def address_of(target: Target) -> str:
    """The address that the target's host leads to; raises ``OSError``."""
    return str(socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)[0][4][0])


def is_private(address: str) -> bool:
    """Whether an address is of this machine or of a private network (RFC 1918, RFC 4193), where no visitor lives."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return parsed.is_private or parsed.is_loopback or parsed.is_link_local


def _plain(peer: str) -> Finding:
    if is_private(peer):
        return _TLS.ok(f"Plain HTTP to {peer}, which is this machine or a private network.")
    return _TLS.failed(
        "The URL begins with http://: names, phone numbers and mail addresses travel readable for everybody"
        " on the way, and so does the endpoint's key.",
        "Put a proxy with a certificate in front (deploy/ has examples) and use https://.",
    )


def _encrypted(target: Target, plain: socket.socket) -> Iterator[Finding]:
    context = ssl.create_default_context(cafile=target.ca_file)
    try:
        with context.wrap_socket(plain, server_hostname=target.host) as encrypted:
            certificate, protocol = encrypted.getpeercert(), encrypted.version()
    except ssl.SSLCertVerificationError as error:
        yield _TLS.failed(
            f"The certificate is not valid: {error.verify_message}.",
            "Get a certificate for this name from an authority that browsers know, with all its"
            " intermediate certificates. If the authority is your own, name its file with --ca.",
        )
        return
    except ssl.SSLError as error:
        yield _TLS.failed(
            f"There is no encrypted connection: {error.reason or error}.",
            "Check that this port speaks HTTPS, TLS 1.2 or newer.",
        )
        return
    yield _TLS.ok(f"The certificate is valid for {target.host}; the protocol is {protocol}.")
    assert certificate is not None
    yield _expiry(str(certificate["notAfter"]))


def _expiry(not_after: str) -> Finding:
    days = int((ssl.cert_time_to_seconds(not_after) - time.time()) // _DAY_S)
    seen = f"The certificate ends on {not_after}, in {days} days."
    if days >= EXPIRES_SOON_DAYS:
        return _CERTIFICATE_EXPIRY.ok(seen)
    return _CERTIFICATE_EXPIRY.warning(seen, "Renew it now, and check why that did not happen by itself.")


def _old_protocols(target: Target) -> Finding:
    """TLS 1.0 and 1.1 are not to be spoken any more (RFC 8996)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # nothing is sent over this connection
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # deprecated is what is looked for here
        context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    try:
        with (
            socket.create_connection((target.host, target.port), target.timeout) as plain,
            context.wrap_socket(plain, server_hostname=target.host) as encrypted,
        ):
            return _OLD_PROTOCOLS.warning(
                f"The server still speaks {encrypted.version()}.",
                "Switch TLS 1.0 and 1.1 off: RFC 8996 has retired them.",
            )
    except OSError:
        return _OLD_PROTOCOLS.ok("TLS 1.0 and 1.1 are refused.")


def _redirect(target: Target, port: int) -> Finding:
    """What plain HTTP does beside HTTPS. The key is not sent: whoever listens would have it."""
    host = f"[{target.host}]" if ":" in target.host else target.host
    try:
        answer = httpx2.get(f"http://{host}:{port}/", timeout=target.timeout, trust_env=False, follow_redirects=False)
    except httpx2.HTTPError:
        return _PLAIN_HTTP.ok(f"Nobody answers plain HTTP on port {port}.")
    where = answer.headers.get("location", "")
    if 300 <= answer.status_code < 400 and urlsplit(where).scheme == "https":
        return _PLAIN_HTTP.ok(f"Plain HTTP on port {port} sends callers on to HTTPS.")
    return _PLAIN_HTTP.warning(
        f"Plain HTTP on port {port} answers {answer.status_code} instead of sending callers on to HTTPS.",
        "Redirect everything to https://, so that nobody sends leads unencrypted.",
    )
