"""Mails and chats lead to pages that are there."""

from __future__ import annotations

import pytest
from django.test import override_settings
from django.urls import reverse

from stagewise.notify import linked

_ARGUMENTS: dict[str, list[str | int]] = {
    "alerts": ["acme"],
    "channel": ["acme", 7],
    "channels": ["acme"],
    "lead": ["acme", "01a208c6-ad46-71fc-ae05-3539e7980de9"],
    "leads": ["acme"],
    "logs": ["acme"],
}


@override_settings(CONSOLE_URL="https://leads.example.com")
@pytest.mark.parametrize("route", linked.PATHS)
def test_a_page_is_linked_where_the_console_has_it(route: str) -> None:
    arguments = _ARGUMENTS[route]
    assert linked.url(route, *arguments) == "https://leads.example.com" + reverse(route, args=arguments)


def test_what_comes_from_a_payload_stays_one_part_of_the_path() -> None:
    assert linked.url("lead", "acme", "../x?y#z").endswith("/w/acme/leads/..%2Fx%3Fy%23z/")
