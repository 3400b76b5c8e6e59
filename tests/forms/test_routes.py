"""The pages and plain form posts of a real lane, on both databases, as browsers without a script see them."""

from __future__ import annotations

import html
import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlencode

import pytest
from psycopg.types.json import Jsonb

from stagewise.core.versions import new_version
from tests.intake import wire
from tests.support import postgres
from tests.support.installation import LEAD, Installation, Server
from tests.support.processes import Answer, request

WEBSITE = "https://www.yoursite.com"


class Lane:
    """A running lane with one endpoint, and how browsers talk to it."""

    def __init__(self, server: Server) -> None:
        self.installation = server.installation
        self.server = server
        self.origin = f"http://127.0.0.1:{server.port}"
        self.path = f"/form/{server.installation.key}"

    def set(self, **documents: dict[str, Any] | bool | int | list[str] | None) -> None:
        """Change the endpoint; the documents ``captcha``, ``holding`` and ``form`` as stagewise/options/rules.py."""
        as_json = Jsonb if self.installation.database_url else json.dumps
        values = [as_json(value) if isinstance(value, (dict, list)) else value for value in documents.values()]
        changes = ", ".join(f"{column} = ?" for column in (*documents, "version"))
        self.installation.sql(f"UPDATE endpoint SET {changes}", *values, new_version())

    def get(self, path: str = "", method: str = "GET", **headers: str) -> Answer:
        return request(self.server.port, method, path or self.path, headers=named(headers))

    def post(self, body: bytes | dict[str, str], origin: str | None = None, **headers: str) -> Answer:
        """Post a form; from the endpoint's own page unless another origin is named."""
        content = body if isinstance(body, bytes) else urlencode(body).encode()
        sent = {"Content-Type": "application/x-www-form-urlencoded", "Origin": origin or self.origin, **named(headers)}
        return request(self.server.port, "POST", self.path, content, {k: v for k, v in sent.items() if v})

    def leads(self) -> list[tuple[Any, ...]]:
        return self.installation.sql("SELECT name, phone, email, message FROM lead ORDER BY id")


def named(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


@pytest.fixture
def lane(shared_installation: Installation) -> Lane:
    made = Lane(shared_installation.running_intake)
    made.set(form={"enabled": True}, allow_all_ips=False, allowed_ips=[])
    return made


def hidden(page: Answer) -> dict[str, str]:
    """The hidden fields of a page, which a browser posts back."""
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page.body.decode())
    return {name: html.unescape(value) for name, value in found}


def text(page: Answer) -> str:
    return html.unescape(re.sub(r"<[^>]+>", " ", page.body.decode()))


def test_the_page_is_there_when_its_owner_has_switched_it_on(lane: Lane) -> None:
    page = lane.get()
    assert page.status == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "<h1>Get in touch</h1>" in page.body.decode()
    lane.set(form={})
    page = lane.get()
    assert page.status == 404
    assert "There is no form here" in text(page)


@pytest.mark.parametrize("engine", ["sqlite"])
def test_the_page_shows_what_the_owner_wrote_and_nothing_of_it_is_markup(lane: Lane) -> None:
    hostile = "<script>alert(1)</script>\"' &"
    lane.set(form={"enabled": True, "title": hostile, "intro": hostile, "button": hostile, "thanks": hostile})
    for path in (lane.path, f"{lane.path}/thanks"):
        page = lane.get(path)
        assert b"<script>alert" not in page.body
        assert hostile in text(page)


@pytest.mark.parametrize("engine", ["sqlite"])
def test_pages_load_nothing_but_our_own_files_and_are_shown_in_no_frame(lane: Lane) -> None:
    page = lane.get()
    policy = page.headers["content-security-policy"]
    assert policy == (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
    assert page.headers["x-frame-options"] == "DENY"
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "same-origin"
    assert re.findall(r'(?:src|href)="([^"]+)"', page.body.decode()) == ["../form.css", "../form.js"]


def test_a_form_from_our_page_makes_a_lead_whatever_the_address(lane: Lane) -> None:
    answer = lane.post({**LEAD, **hidden(lane.get())})
    assert (answer.status, answer.headers["location"]) == (303, f"{lane.installation.key}/thanks")
    assert lane.leads() == [("Ada Lovelace", "+44 20 7946 0958", "ada@example.com", "Hello")]
    assert "Thank you. Your message has arrived." in text(lane.get(f"{lane.path}/thanks"))


def test_the_page_sent_twice_makes_one_lead_and_a_changed_one_another(lane: Lane) -> None:
    fields = {**LEAD, **hidden(lane.get())}
    with ThreadPoolExecutor(2) as both:
        assert {answer.status for answer in both.map(lane.post, [fields, fields])} == {303}
    assert lane.post({**fields, "message": "Something else"}).status == 303
    assert [lead[3] for lead in lane.leads()] == ["Hello", "Something else"]


def test_mistakes_come_back_beside_the_fields_with_everything_that_was_typed(lane: Lane) -> None:
    lane.set(form={"enabled": True, "ask_lead_type": True})
    first = hidden(lane.get())
    typed = {"name": ' <b>"Ada"', "phone": "12", "email": "ada@example", "message": "\nHello\r\n<i>", **first}
    answer = lane.post({**typed, "lead_type_name": "Sales"})
    page = answer.body.decode()
    assert answer.status == 422
    assert 'value=" &lt;b&gt;&quot;Ada&quot;"' in page
    assert "\n\nHello\r\n&lt;i&gt;</textarea>" in page
    assert "<option selected>Sales</option>" in page
    assert 'id="phone" autofocus name="phone" value="12"' in page
    assert 'aria-invalid="true" aria-describedby="phone-error"' in page
    assert '<p class="stagewise-error" id="email-error">This is no valid e-mail address.</p>' in page
    assert hidden(answer) == first
    assert lane.leads() == []


def test_missing_fields_are_named(lane: Lane) -> None:
    answer = lane.post(b"message=Hello")
    assert answer.status == 422
    for said in ("The name is missing.", "The phone number is missing.", "The e-mail address is missing."):
        assert said in text(answer)


def test_a_websites_page_may_post_when_the_endpoint_allows_its_origin(lane: Lane) -> None:
    lane.set(form={"next_url": f"{WEBSITE}/thanks?from=form"}, allow_all_ips=True, allowed_origins=[WEBSITE])
    answer = lane.post(LEAD, WEBSITE)
    assert (answer.status, answer.headers["location"]) == (303, f"{WEBSITE}/thanks?from=form")
    refused = lane.post(LEAD, "https://elsewhere.example")
    assert refused.status == 403
    assert "This form cannot be used from here" in text(refused)
    assert "Ada Lovelace" in text(refused)
    assert len(lane.leads()) == 1


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize("origin", ["null", "http://[", "http://127.0.0.1", "https://127.0.0.1.example", "://"])
def test_what_is_not_our_page_is_taken_for_a_website(lane: Lane, origin: str) -> None:
    assert lane.post(LEAD, origin).status == 403


def test_our_page_is_known_by_the_public_url_whatever_the_proxy_calls_us(installation: Installation) -> None:
    lane = Lane(installation.intake(public_url="https://Leads.Example.com:443"))
    lane.set(form={"enabled": True}, allowed_ips=[])
    assert lane.post(LEAD, "https://leads.example.com", Host="inside:8000").status == 303


def test_our_page_may_not_post_when_it_is_switched_off(lane: Lane) -> None:
    lane.set(form={}, allow_all_ips=True, allowed_origins=[WEBSITE])
    assert lane.post(LEAD).status == 403
    assert lane.leads() == []


def test_a_websites_visitor_without_a_script_is_told_what_to_correct_and_how_to_get_back(lane: Lane) -> None:
    lane.set(form={}, allow_all_ips=True, allowed_origins=[WEBSITE])
    answer = lane.post({**LEAD, "email": "ada@example"}, WEBSITE, Referer=f"{WEBSITE}/contact")
    assert answer.status == 422
    assert "This is no valid e-mail address." in text(answer)
    assert f'href="{WEBSITE}/contact"' in answer.body.decode()
    assert "<form" not in answer.body.decode()
    elsewhere = lane.post({**LEAD, "email": "ada@example"}, WEBSITE, Referer="https://elsewhere.example/")
    assert "elsewhere" not in elsewhere.body.decode()


def test_a_switched_off_endpoint_is_said_kindly(lane: Lane) -> None:
    lane.set(enabled=False)
    for answer in (lane.get(), lane.post(LEAD)):
        assert answer.status == 410
        assert "This form is closed" in text(answer)
    assert "Ada Lovelace" in text(lane.post(LEAD))


def test_a_full_limit_is_said_with_the_time_to_wait_and_the_text_stays(lane: Lane) -> None:
    lane.set(max_leads_per_ip=1)
    assert lane.post(LEAD).status == 303
    answer = lane.post({**LEAD, "message": "Once more"})
    assert answer.status == 429
    assert 86_300 <= int(answer.headers["retry-after"]) <= 86_400
    assert "Please try again in 24 hours." in text(answer)
    assert "Once more</textarea>" in answer.body.decode()


def test_a_held_lead_looks_like_any_other_to_the_visitor(lane: Lane) -> None:
    lane.set(holding={"honeypot": True})
    answer = lane.post({**LEAD, "_gotcha": "https://spam.example"})
    assert (answer.status, answer.headers["location"]) == (303, f"{lane.installation.key}/thanks")
    assert lane.leads() == []
    assert lane.installation.count("held_lead") == 1


def test_somebody_who_is_faster_than_people_can_be_is_held_without_a_script_too(lane: Lane) -> None:
    lane.set(holding={"min_seconds": 5})
    page = hidden(lane.get())
    assert lane.post({**LEAD, **page}).status == 303
    assert lane.leads() == []
    slow = {**page, "_made_at": str(time.time_ns() // 1_000_000 - 60_000)}
    assert lane.post({**LEAD, **slow, "message": "Thought about it"}).status == 303
    assert [lead[3] for lead in lane.leads()] == ["Thought about it"]


@pytest.mark.parametrize("engine", ["sqlite"])
def test_what_brought_the_visitor_here_is_kept_without_a_script(lane: Lane) -> None:
    page = lane.get(f"{lane.path}?utm_source=news%22&gclid=abc&name=Mallory", Referer="https://search.example/")
    assert 'value="Mallory"' not in page.body.decode()
    lane.post({**LEAD, **hidden(page)}, Referer=f"{lane.origin}{lane.path}")
    (kept,) = lane.installation.sql("SELECT page_url, referrer, utm_source, click_ids FROM lead_attribution")
    assert kept[:3] == (f"{lane.origin}{lane.path}", "https://search.example/", 'news"')
    assert json.loads(kept[3]) == {"gclid": "abc"}


@pytest.mark.parametrize("engine", ["sqlite"])
def test_what_cannot_be_read_is_answered_with_a_page(lane: Lane) -> None:
    def shown(answer: Answer) -> tuple[int, bool]:
        return answer.status, "<h1>" in answer.body.decode()

    assert shown(lane.post(b"name=" + b"x" * 65_536)) == (413, True)
    assert shown(lane.post(b"a=1", Content_Type="multipart/form-data; boundary=x")) == (415, True)
    assert shown(lane.post(b"a=1", Content_Encoding="gzip")) == (415, True)
    assert shown(lane.post(b"&".join(b"a=1" for _ in range(300)))) == (400, True)
    assert shown(lane.get("/form/short")) == (404, True)
    assert shown(lane.get(f"/form/{'x' * 32}")) == (404, True)
    assert shown(lane.get(method="PUT")) == (405, True)
    assert shown(request(lane.server.port, "POST", f"{lane.path}/thanks")) == (405, True)
    assert lane.get(method="HEAD").status == 200


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_form_that_never_ends_is_given_ten_seconds(lane: Lane) -> None:
    headers = [("Origin", "http://stagewise.test")]  # where wire.post says that it goes
    sent = wire.post(lane.path, urlencode(LEAD).encode(), "application/x-www-form-urlencoded", headers)
    (answer,) = wire.exchange(lane.server.port, sent[:-1])
    assert answer.status == 408
    assert b"Your message did not arrive in time." in answer.body


@pytest.mark.parametrize("engine", ["sqlite"])
def test_an_old_websites_encoding_is_understood(lane: Lane) -> None:
    lane.post(b"name=J%FCrgen+\x80&phone=%2B44+20+7946+0958&email=j%40example.com")
    assert lane.leads()[0][0] == "Jürgen €"


@pytest.mark.parametrize("engine", ["sqlite"])
def test_our_script_posts_json_and_gets_the_endpoints_answers(lane: Lane) -> None:
    sent = {"Content-Type": "application/json", "Origin": lane.origin}
    good = request(lane.server.port, "POST", lane.path, json.dumps(LEAD).encode(), sent)
    assert (good.status, good.json()["name"]) == (201, "Ada Lovelace")
    bad = request(lane.server.port, "POST", lane.path, b"{}", sent)
    assert (bad.status, bad.json()["code"]) == (422, "missing_fields")
    elsewhere = request(lane.server.port, "POST", lane.path, b"{}", {**sent, "Origin": WEBSITE})
    assert (elsewhere.status, elsewhere.json()["code"]) == (403, "ip_not_allowed")


def test_a_challenge_is_solved_and_its_answer_taken_once(lane: Lane) -> None:
    challenge_path = f"/public/v1/leads/{lane.installation.key}/challenge"
    assert lane.get(challenge_path).status == 404
    lane.set(captcha={"provider": "altcha"}, allowed_origins=[WEBSITE])
    assert lane.post(LEAD).status == 422
    assert "needs it to keep spam out" in lane.get().body.decode()
    answer = lane.get(challenge_path, Origin=WEBSITE)
    assert answer.headers["access-control-allow-origin"] == WEBSITE
    assert "access-control-allow-origin" not in lane.get(challenge_path, Origin="https://elsewhere.example").headers
    token = solved(answer.json())
    assert lane.post({**LEAD, "altcha": token}).status == 303
    assert lane.post({**LEAD, "altcha": token, "message": "Another"}).status == 422
    assert len(lane.leads()) == 1


def solved(challenge: dict[str, Any]) -> str:
    """What the script sends for a challenge, by the library's own solver."""
    import altcha

    given = altcha.Challenge.from_dict(challenge)
    solution = altcha.solve_challenge(given)
    assert solution is not None
    return str(altcha.Payload(given, solution).to_base64())


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_captcha_of_others_closes_our_page_because_it_loads_nothing_of_theirs(lane: Lane) -> None:
    lane.set(captcha={"provider": "turnstile", "secret": "x"})
    assert lane.get().status == 503
    assert lane.get(f"/public/v1/leads/{lane.installation.key}/challenge").status == 404


@pytest.mark.parametrize("engine", ["sqlite"])
def test_script_and_style_sheet_are_kept_by_browsers_and_asked_for_again(lane: Lane) -> None:
    for path in ("/form.js", "/form.css"):
        answer = lane.get(path)
        assert answer.status == 200
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.headers["cache-control"] == "public, max-age=3600"
        again = lane.get(path, If_None_Match=answer.headers["etag"])
        assert (again.status, again.body) == (304, b"")


def test_while_the_database_is_away_the_text_is_not_lost(own_postgres: tuple[postgres.Cluster, Installation]) -> None:
    cluster, installation = own_postgres
    lane = Lane(installation.intake())
    lane.set(form={"enabled": True})
    fields = {**LEAD, **hidden(lane.get())}
    cluster.stop(immediate=True)
    answer = lane.post(fields)
    assert answer.status == 503
    assert "Please try again in a moment." in text(answer)
    assert "Hello</textarea>" in answer.body.decode()
    assert hidden(answer)["_key"] == fields["_key"]
    assert lane.get().status == 503
