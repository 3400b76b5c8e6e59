"""A lane that ends in order answers everybody first. Killed without warning: tests/proof/test_kills.py."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest

from tests.support.crowd import Post, check_stored, post_all
from tests.support.installation import Installation


@pytest.mark.slow
def test_a_lane_that_is_told_to_stop_answers_everybody_first(installation: Installation) -> None:
    installation.save_rules(allow_all_ips=True, max_leads_per_ip=None)
    server = installation.intake()
    stopping = threading.Timer(0.5, lambda: os.kill(server.pid, signal.SIGTERM))
    stopping.start()
    posts = [Post(server.port, installation.key, str(number), {}) for number in range(100_000)]
    begun = time.monotonic()
    replies = post_all(posts, connections=16, stop=lambda: time.monotonic() - begun > 2)
    server.popen.wait(10)
    check_stored(installation, replies)
    # A call that met a closed door was not taken; none that was taken is without an answer.
    assert sum(reply.status == 201 for reply in replies) == installation.count("lead")
