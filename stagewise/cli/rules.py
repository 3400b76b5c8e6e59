"""The options of ``stagewise endpoint set``, and the changes that they stand for."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from stagewise.cli.base import Refused

if TYPE_CHECKING:
    from stagewise.endpoints.actions import RuleChanges

_Command = TypeVar("_Command", bound=Callable[..., Any])

_SWITCH = click.Choice(["on", "off"])
_PROVIDERS = ["altcha", "recaptcha_v2", "recaptcha_v3", "hcaptcha", "turnstile"]


def _is_on(text: str) -> bool:
    return text == "on"


def _entries(text: str) -> list[str]:
    return [entry.strip() for entry in text.split(",") if entry.strip()]


def _number(text: str) -> int | None:
    if text.strip().lower() == "none":
        return None
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"takes a number or `none`, not {text!r}") from None


def _provider(text: str) -> str:
    return "" if text == "none" else text


class _Option(NamedTuple):
    """An option: the rule that it sets (``captcha.provider``: a field of a document), and how its text is read."""

    flag: str
    rule: str
    read: Callable[[str], Any] = str
    metavar: str = ""
    help: str = ""
    choices: tuple[str, ...] = ()


_OPTIONS = (
    _Option("--enabled", "enabled", _is_on),
    _Option("--allow-all-ips", "allow_all_ips", _is_on),
    _Option("--allowed-ips", "allowed_ips", _entries, "A,B", "Addresses and CIDR blocks; '' empties the list."),
    _Option("--allowed-origins", "allowed_origins", _entries, "A,B", "Such as https://yoursite.com; '' empties it."),
    _Option("--max-leads-per-ip", "max_leads_per_ip", _number, "N|none", "Leads per address in 24 hours."),
    _Option("--forwarding", "forwarding", _is_on, help="Allowed servers may name the visitor's address."),
    _Option("--server-ceiling", "server_ceiling", _number, "N|none", "Leads through one such server in 24 hours."),
    _Option("--over-limit", "over_limit", choices=("refuse", "hold"), help="What becomes of a lead over the limit."),
    _Option("--captcha", "captcha.provider", _provider, help="Which CAPTCHA is asked for.",
            choices=(*_PROVIDERS, "none")),
    _Option("--captcha-site-key", "captcha.site_key", metavar="KEY", help="Public; not for altcha."),
    _Option("--captcha-min-score", "captcha.min_score", float, "0..1", "recaptcha_v3: below it, it has failed."),
    _Option("--captcha-hostnames", "captcha.hostnames", _entries, "A,B", "Where it may be solved; '': anywhere."),
    _Option("--captcha-action", "captcha.action", metavar="NAME", help="recaptcha_v3, turnstile; '': any."),
    _Option("--captcha-if-failed", "captcha.if_failed", choices=("refuse", "hold")),
    _Option("--captcha-if-down", "captcha.if_down", choices=("refuse", "hold", "admit")),
    _Option("--hold-honeypot", "holding.honeypot", _is_on, help="Hold what filled in the field _gotcha."),
    _Option("--hold-too-fast", "holding.min_seconds", _number, "SECONDS|none", "Hold what was written this quickly."),
    _Option("--hold-links", "holding.max_links", _number, "N|none", "Hold what has more links."),
    _Option("--hold-repeated", "holding.repeated", _number, "N|none", "Hold the same message from the Nth time a day."),
    _Option("--hold-words", "holding.words", _entries, "A,B", "Hold what has one of these; '' empties the list."),
    _Option("--hold-domains", "holding.domains", _entries, "A,B", "Of e-mail addresses and links; '' empties it."),
    _Option("--form", "form.enabled", _is_on, help="Serve a page with a form."),
    _Option("--form-title", "form.title", metavar="TEXT"),
    _Option("--form-intro", "form.intro", metavar="TEXT"),
    _Option("--form-button", "form.button", metavar="TEXT"),
    _Option("--form-thanks", "form.thanks", metavar="TEXT"),
    _Option("--form-ask-lead-type", "form.ask_lead_type", _is_on),
    _Option("--form-next-url", "form.next_url", metavar="URL", help="Where to go after sending; '': stay."),
)  # fmt: skip


def with_rules(command: _Command) -> _Command:
    """Add an option for every rule of an endpoint; those that are not given are None."""
    for option in reversed(_OPTIONS):
        kind = click.Choice(option.choices) if option.choices else _SWITCH if option.read is _is_on else str
        command = click.option(
            option.flag, _parameter(option), type=kind, metavar=option.metavar or None, help=option.help or None
        )(command)
    about = "Read the CAPTCHA's secret key from standard input, one line."
    return click.option("--captcha-secret-stdin", is_flag=True, help=about)(command)


def changes_of(given: dict[str, Any]) -> RuleChanges:
    """What the given options ask for. Raises :class:`Refused` for one that cannot be read."""
    from stagewise.endpoints.actions import RuleChanges

    documents: dict[str, dict[str, Any]] = {}
    changes = RuleChanges()
    for option in _OPTIONS:
        text = given[_parameter(option)]
        if text is None:
            continue
        try:
            value = option.read(text)
        except ValueError as error:
            said = f"takes a number, not {text!r}" if option.read is float else str(error)
            raise Refused(f"{option.flag} {said}") from None
        document, _, field = option.rule.rpartition(".")
        if document:
            documents.setdefault(document, {})[field] = value
        else:
            setattr(changes, field, value)
    if given["captcha_secret_stdin"]:
        documents.setdefault("captcha", {})["secret"] = sys.stdin.readline().strip()
    for document, fields in documents.items():
        setattr(changes, document, fields)
    return changes


def _parameter(option: _Option) -> str:
    return option.flag.lstrip("-").replace("-", "_")
