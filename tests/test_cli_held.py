"""The optional rules and held leads, for scripts: `stagewise endpoint set` with all its options, `stagewise held`."""

from __future__ import annotations

import json
import uuid

import pytest

from tests.support.installation import Installation

only_sqlite = pytest.mark.parametrize("engine", ["sqlite"])


def hold(installation: Installation, number: int) -> list[str]:
    """Send leads that are held; their ids, newest first."""
    installation.set_endpoint(hold_honeypot=True, max_leads_per_ip=None)
    server = installation.intake()
    answers = [server.post_lead(name=f"Bot {each}", _gotcha="x") for each in range(number)]
    assert [answer.status for answer in answers] == [202] * number
    return [answer.json()["id"] for answer in reversed(answers)]


def test_a_script_can_set_every_rule(installation: Installation) -> None:
    changed = installation.set_endpoint(forwarding=True, server_ceiling=500, over_limit="hold")
    assert (changed["forwarding"], changed["server_ceiling"], changed["over_limit"]) == (True, 500, "hold")
    assert installation.set_endpoint(server_ceiling=None)["server_ceiling"] is None

    options = ("--captcha", "turnstile", "--captcha-site-key", "0x4", "--captcha-secret-stdin", "--captcha-if-down")
    changed = installation.json("endpoint", "set", "My website", *options, "hold", stdin="top-secret\n")
    assert changed["captcha"] == {
        "provider": "turnstile",
        "site_key": "0x4",
        "min_score": 0.5,
        "hostnames": [],
        "action": "",
        "if_failed": "refuse",
        "if_down": "hold",
        "secret_set": True,
    }
    changed = installation.set_endpoint(
        captcha_hostnames=["a.example"], captcha_action="send", captcha_if_failed="hold", captcha_min_score="0.7"
    )
    assert changed["captcha"]["hostnames"] == ["a.example"]
    assert (changed["captcha"]["min_score"], changed["captcha"]["secret_set"]) == (0.7, True)
    assert installation.set_endpoint(captcha="none")["captcha"]["secret_set"] is False

    changed = installation.set_endpoint(
        hold_honeypot=True,
        hold_too_fast=3,
        hold_links=2,
        hold_repeated=4,
        hold_words=["casino", "buy now"],
        hold_domains=["spam.example"],
    )
    assert changed["holding"] == {
        "honeypot": True,
        "min_seconds": 3,
        "max_links": 2,
        "repeated": 4,
        "words": ["casino", "buy now"],
        "domains": ["spam.example"],
    }
    changed = installation.set_endpoint(hold_too_fast=None, hold_links=None, hold_words=[])
    assert (changed["holding"]["min_seconds"], changed["holding"]["words"]) == (None, [])
    changed = installation.set_endpoint(form=True, form_title="Write to us", form_ask_lead_type=True, form_intro="Hi")
    assert (changed["form"]["enabled"], changed["form"]["title"], changed["form"]["intro"]) == (
        True,
        "Write to us",
        "Hi",
    )
    assert "top-secret" not in json.dumps(changed)


def test_held_leads_are_listed_released_and_discarded(installation: Installation) -> None:
    third, second, first = hold(installation, 3)
    listed = installation.json("held", "list")
    assert [each["id"] for each in listed] == [third, second, first]
    assert (listed[0]["name"], listed[0]["reasons"], listed[0]["state"]) == ("Bot 2", ["honeypot"], "waiting")

    released = installation.json("held", "release", first, second)
    assert [(each["id"], each["state"]) for each in released] == [(first, "released"), (second, "released")]
    assert installation.json("held", "release", first)[0]["state"] == "released"
    leads = installation.json("leads", "list")
    assert {each["id"]: each["created_at"] for each in leads} == {
        each["id"]: each["created_at"] for each in listed if each["id"] != third
    }
    assert installation.count("event", "kind = 'lead.created'") == 2

    assert installation.json("held", "discard", third)[0]["state"] == "discarded"
    assert installation.json("held", "list") == []
    assert [each["id"] for each in installation.json("held", "list", "--state", "discarded")] == [third]


def test_of_many_who_release_at_once_one_does_it(installation: Installation) -> None:
    [only] = hold(installation, 1)
    processes = [installation.start("held", "release", only, "--json") for _ in range(4)]
    assert [process.wait(60) for process in processes] == [0] * 4
    assert [json.loads(process.output)[0]["state"] for process in processes] == ["released"] * 4
    assert installation.count("lead") == 1
    assert installation.count("event", "kind = 'lead.created'") == 1


REFUSALS: list[tuple[tuple[str, ...], str]] = [
    (("endpoint", "set", "My website", "--server-ceiling", "0"), "would refuse every lead"),
    (("endpoint", "set", "My website", "--server-ceiling", "many"), "--server-ceiling takes a number or `none`"),
    (("endpoint", "set", "My website", "--over-limit", "ignore"), "'refuse', 'hold'"),
    (("endpoint", "set", "My website", "--captcha", "recapture"), "'recaptcha_v2'"),
    (("endpoint", "set", "My website", "--captcha", "hcaptcha"), "captcha_secret: hCaptcha needs its secret key"),
    (("endpoint", "set", "My website", "--captcha-min-score", "high"), "--captcha-min-score takes a number"),
    (("endpoint", "set", "My website", "--captcha-min-score", "2"), "0 to 1"),
    (("endpoint", "set", "My website", "--hold-repeated", "1"), "2 to 1,000"),
    (("endpoint", "set", "My website", "--hold-domains", "a b"), "no domain"),
    (("endpoint", "set", "My website", "--form-next-url", "javascript:x"), "no address of a page"),
    (("held", "release", "nonsense"), "no id of a held lead"),
    (("held", "release", str(uuid.uuid4())), "there is no held lead"),
    (("held", "discard"), "ID"),
]


@only_sqlite
def test_what_cannot_be_done_is_one_line_and_exit_code_2(installation: Installation) -> None:
    before = installation.json("endpoint", "list")
    for done, (_, says) in zip(installation.each([each for each, _ in REFUSALS]), REFUSALS, strict=True):
        assert (done.returncode, done.stdout) == (2, ""), done
        assert says in done.stderr
        assert done.stderr.count("\n") == 1
    assert installation.json("endpoint", "list") == before


@only_sqlite
def test_what_is_settled_one_way_is_not_settled_the_other_and_nothing_is_done_by_half(
    installation: Installation,
) -> None:
    waiting, released = hold(installation, 2)
    installation.json("held", "release", released)
    done = installation.stagewise("held", "discard", waiting, released, check=False)
    assert done.returncode == 2
    assert f"{released} was released already" in done.stderr
    assert [each["id"] for each in installation.json("held", "list")] == [waiting]


@only_sqlite
def test_people_get_lines_to_read(installation: Installation) -> None:
    hold(installation, 1)
    assert "reasons: honeypot\n" in installation.stagewise("held", "list").stdout
    shown = installation.stagewise("endpoint", "set", "My website", "--captcha", "altcha").stdout
    assert "captcha: provider altcha, site_key (empty), min_score 0.5, hostnames (empty)" in shown
