"""The doctor: tries a live endpoint, or a website's relay, from outside, and says what to mend.

It goes through the guide's checklist for the people who integrate Stagewise, with test leads only. Nothing here needs
an installation: it runs from any machine that can reach the URL.
"""

from __future__ import annotations

from collections.abc import Iterator

from stagewise.doctor import endpoint, relay, transport
from stagewise.doctor.report import Check, Finding, Report
from stagewise.doctor.target import Target, WrongUse
from stagewise.doctor.visit import NoAnswer, RealLead, Visit

__all__ = ["Finding", "Report", "Target", "WrongUse", "examine"]

_ANSWERS = Check("answers", "Answers")
_REAL_LEAD = Check("real_lead", "A real lead")
_RECOGNISED = Check("recognised", "What it is")


def examine(target: Target) -> Report:
    """Try everything that can be tried, and report. Never raises for what the server does."""
    report = Report(target.shown)
    report.findings.extend(transport.check(target))
    if not transport.is_usable(target, report.findings):
        return report
    with Visit(target) as visit:
        try:
            for finding in _content(visit, report):
                report.findings.append(finding)  # one by one: what was found stays when a call breaks off
        except NoAnswer as error:
            todo = "Try again; then look at the log of the server, and of the proxy in front."
            report.findings.append(_ANSWERS.failed(f"A call was not answered: {error}.", todo))
        except RealLead as made:
            seen = (
                f"A test lead was asked for, and a real one was made, it seems: {str(made) or 'its id is not known'}."
            )
            todo = "Delete it in the console. Nothing was sent after it."
            report.findings.append(_REAL_LEAD.failed(seen, todo))
        report.test_leads = visit.test_leads
    return report


def _content(visit: Visit, report: Report) -> Iterator[Finding]:
    probed = endpoint.probe(visit)
    if endpoint.is_endpoint(probed):
        report.kind = "endpoint"
        yield from endpoint.check(visit, probed)
    elif relay.is_relay(visit, probed):
        report.kind = "relay"
        yield from relay.check(visit, probed)
    else:
        yield _RECOGNISED.failed(
            f"Neither an endpoint nor a relay answers there: {probed.words}.",
            "Check the URL: an endpoint's looks like https://leads.example.com/public/v1/leads/…, a relay's is where"
            " your website's form posts to.",
        )
