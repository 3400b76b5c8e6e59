"""ALTCHA's proof of work, done by the doctor as a visitor's browser would do it."""

from __future__ import annotations

from stagewise.doctor.visit import Visit

#: Ours takes a second or two; nobody is to keep the doctor busy for longer than this.
LONGEST_S = 30


def token(visit: Visit) -> str:
    """A token for one lead: an answer to the challenge at ``<URL>/challenge``; empty where there is none to be had."""
    import altcha  # needed only where an endpoint or a relay asks for it

    answer = visit.call("GET", f"{visit.target.url.rstrip('/')}/challenge", None, visit.standing)
    if answer.status != 200:
        return ""
    try:
        challenge = altcha.Challenge.from_dict(answer.document)
        solution = altcha.solve_challenge(challenge, timeout=LONGEST_S)
        return "" if solution is None else altcha.Payload(challenge, solution).to_base64()
    except (TypeError, ValueError, KeyError, AttributeError):
        return ""  # something else answers there
