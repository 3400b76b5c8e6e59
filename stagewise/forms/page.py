"""The pages as HTML. Everything that is not written here goes through :func:`html.escape`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape as _

import msgspec

from stagewise.options import attribution
from stagewise.options.rules import FormRules

TITLE, BUTTON, THANKS = "Get in touch", "Send", "Thank you. Your message has arrived."
#: Hidden fields of our page: what the Idempotency-Key is made of, and when the page was made (ms since 1970).
KEY, MADE_AT = "_key", "_made_at"
HIDDEN = (KEY, MADE_AT, *attribution.NAMES)

#: name, label, type, autocomplete (HTML, section 4.10.18.7)
_INPUTS = (
    ("name", "Name", "text", "name"),
    ("phone", "Phone", "tel", "tel"),
    ("email", "E-mail", "email", "email"),
)
_LABELS = {name: label for name, label, *_rest in _INPUTS} | {"lead_type_name": "Subject", "message": "Message"}

_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{title}</title>
<link rel="stylesheet" href="{up}form.css">
{script}</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""
_WITHOUT_SCRIPT = """\
<noscript><p class="notice">Please switch JavaScript on: this form needs it to keep spam out.</p></noscript>
"""


class Form(msgspec.Struct, frozen=True):
    """What a form page shows: the endpoint's settings, and what became of an earlier try."""

    key: str
    rules: FormRules
    #: Names of the lead types to choose from; empty: nothing to choose.
    lead_types: tuple[str, ...] = ()
    altcha: bool = False
    #: Without a script nothing can be sent, because ALTCHA is asked for.
    needs_script: bool = False
    #: By name of the field, hidden ones too: what it holds.
    typed: Mapping[str, str] = {}
    #: By name of the field: what is wrong with it, and in general.
    errors: Mapping[str, str] = {}
    notice: tuple[str, str] | None = None

    def has(self, field: str) -> bool:
        """Whether visitors see this field."""
        return field in _LABELS and (field != "lead_type_name" or bool(self.lead_types))


def form_page(form: Form) -> str:
    """The form of an endpoint."""
    rules = form.rules
    title = rules.title or TITLE
    heading = f"<h1>{_(title)}</h1>\n"
    intro = f'<p class="intro">{_(rules.intro)}</p>\n' if rules.intro else ""
    body = heading + intro + _notice(form) + _form(form)
    shown = f"{form.notice[0]}: {title}" if form.notice else f"Error: {title}" if form.errors else title
    return _page(shown, body, script=True)


def thanks_page(rules: FormRules) -> str:
    """What people see when their lead has been taken."""
    return _page(rules.title or TITLE, f'<h1 class="done">{_(rules.thanks or THANKS)}</h1>', up="../../")


def note_page(
    words: tuple[str, str], *, errors: Iterable[str] = (), typed: Mapping[str, str] | None = None, back: str = ""
) -> str:
    """A page without a form: why nothing was sent, what was typed, and the way back, where there is one."""
    heading, sentence = words
    found = "".join(f"<li>{_(error)}</li>\n" for error in errors)
    written = "".join(
        f"<dt>{_LABELS[name]}</dt>\n<dd>{_(value)}</dd>\n"
        for name, value in (typed or {}).items()
        if name in _LABELS and value.strip()
    )
    body = f"<h1>{_(heading)}</h1>\n<p>{_(sentence)}</p>\n"
    if found:
        body += f"<ul>\n{found}</ul>\n"
    if back:
        body += f'<p><a class="button" href="{_(back)}">Back to the form</a></p>\n'
    if written:
        body += f"<h2>What you wrote</h2>\n<dl>\n{written}</dl>\n"
    return _page(heading, body)


def _page(title: str, body: str, *, up: str = "../", script: bool = False) -> str:
    loaded = f'<script src="{up}form.js" defer></script>\n' if script else ""
    return _PAGE.format(title=_(title), up=up, script=loaded, body=body)


def _notice(form: Form) -> str:
    """Why the form is here again; ``role=alert`` says it at once."""
    if form.notice:
        heading, sentence = form.notice
        return f'<div class="notice" role="alert"><strong>{_(heading)}</strong> {_(sentence)}</div>\n'
    if not form.errors:
        return ""
    links = "".join(f'<li><a href="#{name}">{_(error)}</a></li>\n' for name, error in form.errors.items())
    return f'<div class="notice" role="alert"><strong>Not sent yet</strong>\n<ul>\n{links}</ul></div>\n'


def _form(form: Form) -> str:
    rules = form.rules
    first_wrong = next(iter(form.errors), "")
    rows = "".join(_row(form, name, _input(form, name, kind, fill), first_wrong) for name, _l, kind, fill in _INPUTS)
    if form.lead_types:
        rows += _row(form, "lead_type_name", _select(form), first_wrong)
    rows += _row(form, "message", _textarea(form), first_wrong)
    carried = HIDDEN if form.lead_types else (*HIDDEN, "lead_type_name")
    hidden = "".join(
        f'<input type="hidden" name="{name}" value="{_(form.typed[name])}">\n' for name in carried if name in form.typed
    )
    attributes = {
        "data-endpoint": form.key,
        "data-challenge": f"../public/v1/leads/{form.key}/challenge",
        "data-captcha": "altcha" if form.altcha else "",
        "data-next": rules.next_url,
        "data-text-thanks": rules.thanks,
    }
    told = "".join(f' {name}="{_(value)}"' for name, value in attributes.items() if value)
    return (
        f'<form method="post" action="{form.key}" accept-charset="utf-8" data-stagewise-form{told}>\n'
        f"{_WITHOUT_SCRIPT if form.needs_script else ''}{rows}{hidden}"
        # Not displayed (by the style sheet): whoever fills it in is no person.
        '<div class="extra" aria-hidden="true"><label for="extra">Leave this empty</label>'
        '<input id="extra" name="_gotcha" tabindex="-1" autocomplete="off"></div>\n'
        f'<p class="send"><button>{_(rules.button or BUTTON)}</button></p>\n'
        "</form>\n"
    )


def _row(form: Form, name: str, field: str, first_wrong: str) -> str:
    optional = ' <span class="optional">(optional)</span>' if name == "message" else ""
    error = form.errors.get(name)
    said = f'<p class="stagewise-error" id="{name}-error">{_(error)}</p>\n' if error else ""
    if name == first_wrong:
        field = field.replace(f' id="{name}"', f' id="{name}" autofocus', 1)
    return f'<div class="row {name}">\n<label for="{name}">{_LABELS[name]}{optional}</label>\n{field}\n{said}</div>\n'


def _wrong(form: Form, name: str) -> str:
    return f' aria-invalid="true" aria-describedby="{name}-error"' if name in form.errors else ""


def _input(form: Form, name: str, kind: str, fill: str) -> str:
    value = _(form.typed.get(name, ""))
    return (
        f'<input type="{kind}" id="{name}" name="{name}" value="{value}" autocomplete="{fill}" required'
        f"{_wrong(form, name)}>"
    )


def _textarea(form: Form) -> str:
    # The line break after the tag is not part of the value (HTML, section 13.1.2.5); without it a first one is lost.
    value = _(form.typed.get("message", ""))
    return f'<textarea id="message" name="message" rows="6"{_wrong(form, "message")}>\n{value}</textarea>'


def _select(form: Form) -> str:
    chosen = form.typed.get("lead_type_name")
    options = "".join(f"<option{' selected' if name == chosen else ''}>{_(name)}</option>" for name in form.lead_types)
    return f'<select id="lead_type_name" name="lead_type_name"{_wrong(form, "lead_type_name")}>{options}</select>'
