from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from pytest_django import Settings

from tests.support import mailbox

if TYPE_CHECKING:
    # pytest reads this file before Django is set up.
    from tests.notify.email.post import Post
    from tests.support.cast import Cast


@pytest.fixture(autouse=True)
def _quick_passwords(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def cast(db: None) -> Cast:
    """Everybody, and where they are: see tests/support/cast.py."""
    from tests.support import cast as casting

    return casting.assemble()


@pytest.fixture
def server(settings: Settings) -> Iterator[mailbox.Mailbox]:
    """A mail server that is there, and that all mail goes to."""
    with mailbox.mail_server() as found:
        mailbox.use(settings, found.port)
        yield found


@pytest.fixture
def post(cast: Cast) -> Post:
    """Hands events to a mail channel at a time of its own: see post.py."""
    from tests.notify.email.post import Post

    return Post(cast.acme)
