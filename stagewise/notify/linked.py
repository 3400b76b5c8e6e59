"""Where the pages are that mails and chats lead to, in a console that people reach by its configured address.

They are not looked up among the console's routes: that would load every view there is into the worker, some 25 MB that
it does not need. A test holds them to the routes.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from django.conf import settings

#: By the route's name: its path, with a place for each argument.
PATHS: Final = {
    "alerts": "/w/{}/alerts/",
    "channel": "/w/{}/channels/{}/",
    "channels": "/w/{}/channels/",
    "lead": "/w/{}/leads/{}/",
    "leads": "/w/{}/leads/",
    "logs": "/w/{}/logs/",
}


def url(route: str, *args: str | int) -> str:
    """The address of a page; the first argument is the workspace's slug. A forged Host header never gets into it."""
    return f"{settings.CONSOLE_URL}{PATHS[route].format(*(quote(str(each), safe='') for each in args))}"
