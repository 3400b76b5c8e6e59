"""The canary, sent by a real worker through the public URL of a real intake."""

from __future__ import annotations

import pytest

from tests.support.installation import Installation
from tests.support.waiting import eventually


def watch_of(installation: Installation) -> tuple[int | None, str]:
    return installation.sql("SELECT canary_last_at, canary_problem FROM watch")[0]


def send_again(installation: Installation) -> None:
    """Let the canary be due, and wait until it has come and gone."""
    last = watch_of(installation)[0]
    installation.sql("UPDATE watch SET canary_next_at = 0")
    eventually(lambda: watch_of(installation)[0] != last)


@pytest.mark.slow
def test_a_canary_goes_the_way_of_a_lead_and_leaves_nothing_behind(installation: Installation) -> None:
    # Only the website's server may call, which the worker is not.
    installation.save_rules(allow_all_ips=False, allowed_ips=["203.0.113.5"], allowed_origins=["https://yoursite.com"])
    lane = installation.intake()
    installation.stagewise("endpoint", "watch", "My website", "--canary-minutes", "5")
    worker = installation.start("worker", public_url=f"http://127.0.0.1:{lane.port}")
    eventually(lambda: watch_of(installation)[0] is not None)
    assert watch_of(installation)[1] == ""
    assert [installation.count(table) for table in ("lead", "attempt", "event", "hit", "alert")] == [0, 0, 0, 0, 0]
    assert installation.count("attempt_counter", "count > 0") == 0
    # With nobody at the public URL it fails, comes again, and is told of.
    lane.terminate()
    for _ in range(2):
        send_again(installation)
    eventually(lambda: installation.count("alert", "kind = 'canary' AND resolved_at IS NULL") == 1)
    assert "refused the connection" in watch_of(installation)[1]
    eventually(lambda: installation.count("event", "kind = 'alert.raised'") == 1)
    # And when it gets through again, that is told as well.
    again = installation.intake(port=lane.port)
    send_again(installation)
    eventually(lambda: installation.count("event", "kind = 'alert.resolved'") == 1)
    assert watch_of(installation)[1] == ""
    assert again.terminate() == worker.terminate() == 0
