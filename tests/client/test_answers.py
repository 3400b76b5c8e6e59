"""Every answer of docs/api.md becomes a result or an error that says all there is to know."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime

import pytest
from stagewise_client import Created, Held, Limit, Refused, StagewiseError, UnexpectedAnswer, errors
from stagewise_client.wire import ATTRIBUTION

from stagewise.core.refusal import REFUSALS
from stagewise.options import attribution
from tests.client.conftest import LEAD, MakeClient
from tests.client.double import Answer, Double, created, held, problem

LIMITED = {"RateLimit-Policy": '"leads-per-ip";q=10;w=86400', "RateLimit": '"leads-per-ip";r=3;t=4321'}


def refused(make_client: MakeClient, double: Double, answer: Answer) -> StagewiseError:
    double.script = [answer]
    with pytest.raises(StagewiseError) as caught:
        make_client(double.url, retries=0).create_lead(*LEAD)
    return caught.value


def test_a_created_lead_is_given_back_as_it_is_stored(double: Double, make_client: MakeClient) -> None:
    double.script = [created({**LIMITED, "Idempotency-Replayed": "true"}, duplicate=True, test=True, message="Hello")]
    assert make_client(double.url).create_lead(*LEAD) == Created(
        id="01a207bd-aa3b-7b54-9c3a-5f0e8d2b7a41",
        name="Ada Lovelace",
        phone="+44 20 7946 0018",
        phone_e164="+442079460018",
        email="ada@example.com",
        message="Hello",
        lead_type="Sales",
        test=True,
        created_at=datetime(2026, 11, 23, 9, 30, 0, 123000, UTC),
        duplicate=True,
        replayed=True,
        request_id="f00",
        limit=Limit("leads-per-ip", quota=10, remaining=3, reset=4321, window=86_400),
    )


def test_an_ordinary_lead_is_neither_a_repeat_nor_a_test(double: Double, make_client: MakeClient) -> None:
    lead = make_client(double.url).create_lead(*LEAD)
    assert (lead.duplicate, lead.replayed, lead.test, lead.limit) == (False, False, False, None)


def test_a_held_lead_is_a_result_of_its_own(double: Double, make_client: MakeClient) -> None:
    double.script = [held(LIMITED)]
    answer = make_client(double.url).create_lead(*LEAD)
    assert isinstance(answer, Held)
    assert (answer.id, answer.request_id) == ("01a207bd-aa3b-7b54-9c3a-5f0e8d2b7a42", "f00")
    assert answer.limit is not None


def test_results_show_nothing_of_what_the_visitor_typed(double: Double, make_client: MakeClient) -> None:
    shown = repr(make_client(double.url).create_lead(*LEAD))
    assert "01a207bd" in shown
    assert not any(typed in shown for typed in LEAD)


def test_there_is_one_class_for_each_code() -> None:
    assert set(errors.BY_CODE) == set(REFUSALS)
    assert len(set(errors.BY_CODE.values())) == len(REFUSALS)
    assert all(each.__mro__[1] is Refused for each in errors.BY_CODE.values())


@pytest.mark.parametrize("code", REFUSALS)
def test_each_code_is_raised_as_its_class(double: Double, make_client: MakeClient, code: str) -> None:
    error = refused(make_client, double, problem(REFUSALS[code].status, code))
    assert type(error) is errors.BY_CODE[code]
    assert isinstance(error, Refused)
    assert (error.code, error.status, error.title, error.detail) == (
        code, REFUSALS[code].status, "A title", "A sentence.",
    )  # fmt: skip
    assert error.request_id == "f00"
    assert (errors.BY_CODE[code].__doc__ or "").startswith(str(REFUSALS[code].status))


def test_wrong_fields_are_all_there(double: Double, make_client: MakeClient) -> None:
    sent = {"field": "email", "pointer": "/email", "code": "invalid_email", "detail": "This is no e-mail address."}
    error = refused(make_client, double, problem(422, "invalid_fields", errors=[sent]))
    assert isinstance(error, errors.InvalidFields)
    assert error.field_errors == (errors.FieldError(**sent),)
    assert str(error) == "invalid_fields (422): A sentence. email: This is no e-mail address. (request f00)"


def test_a_used_up_limit_says_whose_it_is_and_how_long_to_wait(double: Double, make_client: MakeClient) -> None:
    figures = {"RateLimit-Policy": '"leads-per-server";q=2000;w=86400', "RateLimit": '"leads-per-server";r=0;t=77'}
    error = refused(make_client, double, problem(429, "rate_limited", {**figures, "Retry-After": "77"}))
    assert isinstance(error, errors.RateLimited)
    assert error.retry_after == 77
    assert error.limit == Limit("leads-per-server", 2000, 0, 77)


def test_a_code_that_is_not_known_yet_is_refused_all_the_same(double: Double, make_client: MakeClient) -> None:
    error = refused(make_client, double, problem(422, "brand_new"))
    assert type(error) is Refused
    assert (error.code, error.temporary) == ("brand_new", False)


@pytest.mark.parametrize(
    ("answer", "temporary", "may_be_stored"),
    [
        (Answer(502, b"<h1>Bad Gateway</h1>"), True, True),
        (Answer(403, b"<h1>Firewall</h1>"), False, False),
        (Answer(404, b'{"message": "no route"}'), False, False),
        (Answer(429, b"slow down", {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}), True, False),
        (Answer(301, b"", {"Location": "https://leads.example.com/"}), False, False),
        (Answer(200, b"<h1>Welcome</h1>"), False, False),
        (Answer(201, b'{"id": 5}'), True, True),
        (Answer(201, b'{"id": "x'), True, True),
        (Answer(202, b'{"id": "x", "held": "yes"}'), True, True),
        (Answer(422, b'{"code": "invalid_fields", "errors": [1]}'), False, False),
        (Answer(500, b"[" * 100_000), True, True),
        (Answer(200, b"x" * 1_100_000), False, False),
    ],
)
def test_what_is_no_answer_of_stagewise_is_said_to_be_none(
    double: Double, make_client: MakeClient, answer: Answer, temporary: bool, may_be_stored: bool
) -> None:
    error = refused(make_client, double, answer)
    assert isinstance(error, UnexpectedAnswer)
    assert (error.status, error.temporary, error.may_be_stored) == (answer.status, temporary, may_be_stored)
    assert len(double.requests) == 1, "a redirect is not followed"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("5", 5), ("Wed, 21 Oct 2015 07:28:00 GMT", 0), ("soon", None), ("-1", None), ("9" * 40, 10**9)],
)
def test_retry_after_is_read_in_both_of_its_forms(
    double: Double, make_client: MakeClient, value: str, seconds: int | None
) -> None:
    error = refused(make_client, double, problem(503, "unavailable", {"Retry-After": value}))
    assert isinstance(error, errors.Unavailable)
    assert error.retry_after == seconds


@pytest.mark.parametrize(
    "figures",
    [
        {"RateLimit": '"leads-per-ip";r=3'},
        {"RateLimit-Policy": "nonsense", "RateLimit": "nonsense"},
        {"RateLimit-Policy": '"a";q=1', "RateLimit": '"b";r=1'},
    ],
)
def test_figures_that_make_no_sense_are_none(double: Double, make_client: MakeClient, figures: dict[str, str]) -> None:
    double.script = [created(figures)]
    assert make_client(double.url).create_lead(*LEAD).limit is None


def test_errors_survive_a_trip_to_another_process() -> None:
    for error in (
        errors.RateLimited(errors.Problem("rate_limited", 429, retry_after=5)),
        errors.ConnectionFailed("no connection", True),
        UnexpectedAnswer(502, "a proxy", 3),
        errors.ConfigError("wrong"),
    ):
        error.earlier_try = True
        again = pickle.loads(pickle.dumps(error))
        assert (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))


def test_the_names_of_attribution_are_those_of_the_server() -> None:
    assert set(ATTRIBUTION) == set(attribution.NAMES)
