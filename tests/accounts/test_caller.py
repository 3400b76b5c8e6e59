"""The console reads a client's address by the lane's rule and the same settings."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import RequestFactory
from pytest_django import Settings

from stagewise import settings as stagewise_settings
from stagewise.accounts import caller


@pytest.fixture(autouse=True)
def _fresh_reader() -> Iterator[None]:
    caller._reader.cache_clear()
    yield
    caller._reader.cache_clear()


def address(settings: Settings, trusted: str = "", header: str = "", peer: str = "10.0.0.1", **sent: str) -> str:
    chosen = {"STAGEWISE_TRUSTED_PROXIES": trusted, "STAGEWISE_CLIENT_IP_HEADER": header}
    environ = {"STAGEWISE_DATA_DIR": str(settings.OURS.data_dir)} | {key: text for key, text in chosen.items() if text}
    settings.OURS = stagewise_settings.load(environ)
    request = RequestFactory().get("/")
    request.META |= {"REMOTE_ADDR": peer} | {f"HTTP_{name}": text for name, text in sent.items()}
    return caller.address_of(request)


def test_without_trusted_proxies_it_is_the_peer_whatever_is_sent(settings: Settings) -> None:
    assert address(settings, X_FORWARDED_FOR="203.0.113.7") == "10.0.0.1"


def test_behind_a_trusted_proxy_it_is_what_the_proxy_says(settings: Settings) -> None:
    assert address(settings, "10.0.0.0/8", X_FORWARDED_FOR="1.1.1.1, 203.0.113.7") == "203.0.113.7"


def test_another_header_is_read_where_it_is_configured(settings: Settings) -> None:
    sent = {"X_REAL_IP": "203.0.113.7", "X_FORWARDED_FOR": "1.1.1.1"}
    assert address(settings, "10.0.0.1", "X-Real-IP", **sent) == "203.0.113.7"


@pytest.mark.parametrize(("peer", "sent"), [("10.0.0.1", "unknown"), ("", "203.0.113.7")])
def test_what_cannot_be_read_is_empty(settings: Settings, peer: str, sent: str) -> None:
    assert address(settings, "10.0.0.1", peer=peer, X_FORWARDED_FOR=sent) == ""


def test_an_ipv4_mapped_peer_is_the_ipv4_address(settings: Settings) -> None:
    assert address(settings, peer="::ffff:203.0.113.7") == "203.0.113.7"
