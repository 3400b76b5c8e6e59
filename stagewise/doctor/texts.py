"""What answers tell: enough for a program and its developer, nothing that helps an attacker."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from stagewise.doctor.report import Check, Finding
from stagewise.doctor.visit import Answer, NoAnswer, Visit

_ERROR_FORMAT = Check("error_format", "Error texts")
_ERROR_SECRETS = Check("error_secrets", "Nothing given away")
_ERROR_PAGES = Check("error_pages", "Pages of the errors")

#: What gives away how a server is made: pattern → what it is.
_INSIDES = (
    (r"Traceback \(most recent call last\)|^\s+File \"[^\"]+\", line \d+", "a Python stack"),
    (r"^\s+at .+[.(:]\w+[:)]\d*", "a stack"),
    (r"Fatal error|<b>(?:Warning|Notice)</b>:|Stack trace:", "a message of PHP"),
    (r"\b(?:SELECT|INSERT INTO|UPDATE) .+ (?:FROM|VALUES|SET)\b|sqlite3\.|psycopg|SQLSTATE", "SQL"),
    (r"(?:/usr/|/home/|/var/www/|/srv/|site-packages/|node_modules/)", "a path of the server"),
)


def gives_away(answer: Answer, secrets: Sequence[str]) -> str:
    """What an answer holds that no stranger should read; empty when nothing."""
    text = answer.text.replace("\\n", "\n").replace('\\"', '"')  # as in the strings of JSON
    told = "\n".join([*(f"{name}: {value}" for name, value in answer.headers.items()), text])
    if any(secret in told for secret in secrets if secret):
        return "the endpoint's URL or key"
    return next((name for pattern, name in _INSIDES if re.search(pattern, told, re.MULTILINE)), "")


def _wrong_with(answer: Answer) -> str:
    """What a refusal lacks to be a problem document as documented (RFC 9457); empty when nothing."""
    if answer.media_type != "application/problem+json":
        return f"is {answer.media_type or 'without a type'}, not application/problem+json"
    document = answer.document
    for name in ("type", "title", "detail", "code", "request_id"):
        if not isinstance(document.get(name), str) or not document[name]:
            return f"has no {name}"
    if document.get("status") != answer.status:
        return "names another status in its body"
    if answer.headers.get("x-request-id") != document["request_id"]:
        return "has another X-Request-Id than its body"
    return ""


def check(visit: Visit) -> Iterator[Finding]:
    """Findings about all refusals that the other checks have met."""
    refusals = [answer for answer in visit.answers if answer.status >= 400]
    wrong = [f"{answer.words} {fault}" for answer in refusals if (fault := _wrong_with(answer))]
    if wrong:
        yield _ERROR_FORMAT.failed(
            f"Of {len(refusals)} refusals: {'; '.join(dict.fromkeys(wrong))}.",
            "Look whether a proxy in front puts its own error pages in place of the answers.",
        )
    elif refusals:
        yield _ERROR_FORMAT.ok(f"All {len(refusals)} refusals are problem documents with a code and a request id.")
    yield secrecy(visit.answers, [visit.target.key])
    if refusals:
        yield from _explained(visit, refusals)


def secrecy(answers: Sequence[Answer], secrets: Sequence[str]) -> Finding:
    """Whether any answer gives away what is inside."""
    found = [f"{answer.words} holds {told}" for answer in answers if (told := gives_away(answer, secrets))]
    if found:
        return _ERROR_SECRETS.failed(
            f"{'; '.join(dict.fromkeys(found))}.", "Show visitors a text of your own, and write the details to the log."
        )
    return _ERROR_SECRETS.ok("No answer holds the endpoint's key, a stack, SQL or a path of the server.")


def _explained(visit: Visit, refusals: Sequence[Answer]) -> Iterator[Finding]:
    """Whether the page that a refusal links to is there."""
    link = next((str(each.document["type"]) for each in refusals if "type" in each.document), "")
    if not link:
        return
    theirs, ours = urlsplit(link), urlsplit(visit.target.base)
    if (theirs.scheme, theirs.netloc) != (ours.scheme, ours.netloc):
        yield _ERROR_PAGES.warning(
            f"Refusals link to {theirs.scheme}://{theirs.netloc}, which is not where you called.",
            f"Set STAGEWISE_PUBLIC_URL to {visit.target.base}.",
        )
        return
    try:
        status = visit.call("GET", link).status
    except NoAnswer:
        status = 0
    if status == 200:
        yield _ERROR_PAGES.ok("Refusals link to a page that explains them.")
    else:
        yield _ERROR_PAGES.warning(
            f"The page that a refusal links to answers {status or 'nothing'}.",
            "Let the proxy in front pass /docs/ on to Stagewise.",
        )
