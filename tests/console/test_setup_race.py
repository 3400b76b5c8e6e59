"""The printed set-up link, redeemed by many at once over real sockets."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import pytest

from tests.support.installation import Installation
from tests.support.processes import request

pytestmark = pytest.mark.slow

#: Django takes any secret of this shape that cookie and form agree on.
SECRET = "a" * 32


def test_of_many_who_redeem_one_link_at_once_one_becomes_the_owner(installation: Installation) -> None:
    server = installation.serve()
    server.wait_for_output("Try it:")
    found = re.search(r"/setup/\S+", server.output)
    assert found, server.output

    def redeem(number: int) -> int:
        words = "correct horse battery staple"
        form = {"csrfmiddlewaretoken": SECRET, "email": f"p{number}@example.com", "password": words, "again": words}
        headers = {"Cookie": f"csrf={SECRET}", "Content-Type": "application/x-www-form-urlencoded"}
        return request(server.console_port, "POST", found[0], urlencode(form).encode(), headers, 60).status

    with ThreadPoolExecutor(8) as people:
        statuses = sorted(people.map(redeem, range(8)))
    assert statuses.count(302) == 1
    assert set(statuses) <= {302, 410, 422}
    assert installation.count("user_account") == 1
    assert installation.count("member", "role = ?", "owner") == 1
