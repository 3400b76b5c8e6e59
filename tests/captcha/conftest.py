"""A stand-in for the providers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.captcha import double


@pytest.fixture
def service() -> Iterator[double.SiteVerifyDouble]:
    """A provider's siteverify service that says yes until it is told otherwise."""
    with double.running() as running:
        yield running
