"""The optional rules of an endpoint as an owner sets them: checked field by field, with what to do in clear words.

They are kept as three documents (:mod:`stagewise.options.rules`); what has its default is left out, so that an empty
document means that everything is off.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

import msgspec

from stagewise.core import text
from stagewise.endpoints import entries
from stagewise.options.rules import CaptchaRules, FormRules, HoldingRules

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: The three documents, and what they are.
Document = Literal["captcha", "holding", "form"]
RULES: dict[Document, type[msgspec.Struct]] = {"captcha": CaptchaRules, "holding": HoldingRules, "form": FormRules}

#: What people call the providers.
PROVIDERS = {
    "altcha": "ALTCHA",
    "recaptcha_v2": "reCAPTCHA v2",
    "recaptcha_v3": "reCAPTCHA v3",
    "hcaptcha": "hCaptcha",
    "turnstile": "Turnstile",
}
#: Stands in place of a secret wherever one would be shown.
HIDDEN = "(hidden)"
#: A website has few names; a list longer than this is a mistake.
MOST_HOSTNAMES = 50
LARGEST_CEILING = 1_000_000

#: document.field → (smallest, largest); None: the rule is off.
_NUMBERS = {"holding.min_seconds": (1, 3_600), "holding.max_links": (0, 100), "holding.repeated": (2, 1_000)}
#: document.field → most characters.
_LINES = {"form.title": 200, "form.button": 60, "captcha.site_key": 200, "captcha.secret": 200, "captcha.action": 100}
_TEXTS = {"form.intro": 2_000, "form.thanks": 1_000}
_LISTS: dict[str, Callable[[list[str]], entries.Checked]] = {
    "captcha.hostnames": entries.check_domains,
    "holding.words": entries.check_words,
    "holding.domains": entries.check_domains,
}
_KEY = re.compile(r"[!-~]*")
_ACTION = re.compile(r"[A-Za-z0-9_/-]*")
_WRONG_KIND = {
    "captcha.provider": f"Choose one of {', '.join(PROVIDERS)}, or none.",
    "captcha.min_score": "Choose a score from 0 to 1, such as 0.5.",
    "captcha.if_failed": "Choose refuse or hold.",
    "captcha.if_down": "Choose refuse, hold or admit.",
}


class _Bad(Exception):
    """Sentences about one field."""

    def __init__(self, *sentences: str) -> None:
        self.sentences = list(sentences)


def check(document: Document, changes: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """Check the fields that are to change, each for itself: the values to keep, and the problems.

    Problems are named ``document_field``, as the fields of the page and the options of the command line are.
    """
    kinds = {field.name: field.type for field in msgspec.structs.fields(RULES[document])}
    values: dict[str, Any] = {}
    problems: dict[str, list[str]] = {}
    for name, value in changes.items():
        where = f"{document}.{name}"
        try:
            kept = msgspec.convert(value, kinds[name])
            values[name] = _checked(where, kept)
        except msgspec.ValidationError:
            problems[f"{document}_{name}"] = [_WRONG_KIND.get(where, _out_of_bounds(where))]
        except _Bad as error:
            problems[f"{document}_{name}"] = error.sentences
    return values, problems


def merged(document: Document, saved: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """The saved document with the checked ``values`` in it, without what has its default.

    Raises :class:`msgspec.ValidationError` for a saved document that this version does not know.
    """
    together = {**saved, **values}
    if document == "captcha":
        together |= _keys(saved, values)
    rules = msgspec.convert(together, RULES[document])
    defaults = RULES[document]()
    names = (field.name for field in msgspec.structs.fields(RULES[document]))
    return {name: _plain(getattr(rules, name)) for name in names if getattr(rules, name) != getattr(defaults, name)}


def _keys(saved: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, str]:
    """The two keys of a CAPTCHA. They belong to their provider, so another one does not inherit them.

    An empty secret keeps the saved one while the provider stays: pages never show it, so they send it empty.
    """
    provider = values.get("provider", saved.get("provider", ""))
    if provider in {"", "altcha"}:
        return {"site_key": "", "secret": ""}
    known = saved if provider == saved.get("provider") else {}
    return {
        "site_key": values.get("site_key", known.get("site_key", "")),
        "secret": values.get("secret") or known.get("secret", ""),
    }


def missing_keys(captcha: Mapping[str, Any]) -> dict[str, list[str]]:
    """What a whole CAPTCHA document lacks; all providers but ALTCHA give their customers two keys."""
    provider = captcha.get("provider", "")
    if provider in {"", "altcha"}:
        return {}
    name = PROVIDERS[provider]
    sentences = {
        "site_key": f"{name} needs its site key: {name} shows it beside your website's name.",
        "secret": f"{name} needs its secret key: {name} shows it beside the site key.",
    }
    return {f"captcha_{field}": [text] for field, text in sentences.items() if not captcha.get(field)}


def ceiling_problems(ceiling: int | None) -> list[str]:
    """What is wrong with a server's ceiling."""
    if ceiling is None or 1 <= ceiling <= LARGEST_CEILING:
        return []
    if ceiling == 0:
        return ["0 would refuse every lead of your server. Leave it empty for no ceiling."]
    return [f"Choose a number from 1 to {LARGEST_CEILING:,}, or leave it empty for no ceiling."]


def for_audit(document: Document, old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, list[Any]]:
    """What changed of a document, as ``document.field`` → [old, new]; a secret is never shown."""
    found = {}
    for name in dict.fromkeys([*old, *new]):
        before, after = old.get(name), new.get(name)
        if before != after:
            pair = [before, after]
            found[f"{document}.{name}"] = [HIDDEN if each else each for each in pair] if name == "secret" else pair
    return found


def shown(document: Document, saved: Mapping[str, Any]) -> dict[str, Any]:
    """A saved document with all its fields, for scripts; of a secret only whether there is one."""
    known = msgspec.structs.asdict(msgspec.convert(saved, RULES[document]))
    rules = {name: _plain(value) for name, value in known.items()}
    if document == "captcha":
        rules["secret_set"] = bool(rules.pop("secret"))
    return rules


def _plain(value: Any) -> Any:
    """As JSON gives it back, so that the two are equal."""
    return list(value) if isinstance(value, tuple) else value


def _checked(where: str, value: Any) -> Any:
    if where in _NUMBERS and value is not None:
        smallest, largest = _NUMBERS[where]
        if not smallest <= value <= largest:
            raise _Bad(_out_of_bounds(where))
    if where == "captcha.min_score" and not (math.isfinite(value) and 0 <= value <= 1):
        raise _Bad(_WRONG_KIND[where])
    if where in _LISTS:
        checked = _LISTS[where](list(value))
        most = MOST_HOSTNAMES if where == "captcha.hostnames" else len(checked.values)
        if checked.problems or len(checked.values) > most:
            raise _Bad(*(checked.problems or [f"At most {most} host names fit."]))
        return checked.values
    if where in _LINES:
        return _line(where, value)
    if where in _TEXTS:
        found = text.message(value, _TEXTS[where])
        if isinstance(found, text.Bad):
            raise _Bad(f"This text has at most {_TEXTS[where]:,} characters.")
        return found or ""
    return _web_address(value) if where == "form.next_url" else value


def _line(where: str, value: str) -> str:
    found = text.line(value, _LINES[where], without=text.BIDI_CONTROLS)
    if found == text.BLANK:
        return ""
    if found == text.TOO_LONG:
        raise _Bad(f"This has at most {_LINES[where]} characters.")
    if not isinstance(found, str):
        raise _Bad("This is one line and holds no control characters.")
    if where in {"captcha.site_key", "captcha.secret"} and not _KEY.fullmatch(found):
        raise _Bad("A key holds letters, digits and signs, and no spaces. Copy it again.")
    if where == "captcha.action" and not _ACTION.fullmatch(found):
        raise _Bad("An action holds letters, digits, and the signs _ - /.")
    return found


def _web_address(typed: str) -> str:
    """The address of a page; anything but http and https could run as a script in the visitor's browser."""
    address = typed.strip()
    if not address:
        return ""
    try:
        parts = urlsplit(address)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        usable = False
    if not usable or re.search(r"[\x00-\x20\x7f-\xa0\\<>\"\u2028\u2029\ud800-\udfff]", address) or len(address) > 1_000:
        raise _Bad("This is no address of a page, such as https://yoursite.com/thanks.")
    return address


def _out_of_bounds(where: str) -> str:
    if where in _NUMBERS:
        smallest, largest = _NUMBERS[where]
        return f"Choose a whole number from {smallest} to {largest:,}, or leave it empty to switch this rule off."
    return "This value cannot be used here."
