"""The pages as text: nothing that was typed is markup, and everything is where assistive technology looks for it."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser

import pytest

from stagewise.forms.page import Form, form_page, note_page, thanks_page
from stagewise.options.rules import FormRules

HOSTILE = "</textarea><script>alert('x')</script>\"'><img src=x onerror=alert(1)>&amp;"
VOID = {"meta", "link", "input", "br"}


class Page(HTMLParser):
    """Collects elements, and insists that tags are balanced and nothing runs or is styled in the page itself."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        assert not any(name == "style" or name.startswith("on") for name, _value in attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def find(self, tag: str, **attributes: str) -> list[dict[str, str | None]]:
        """The elements with these attributes."""
        return [found for name, found in self.elements if name == tag and attributes.items() <= found.items()]


FULL = Form(
    "k" * 32,
    FormRules(True, HOSTILE, HOSTILE, HOSTILE, HOSTILE, ask_lead_type=True, next_url="https://a.example/?a=1&b=2"),
    lead_types=(HOSTILE, "Sales"),
    altcha=True,
    needs_script=True,
    typed=dict.fromkeys(("name", "phone", "email", "message", "lead_type_name", "_key", "utm_source"), HOSTILE),
    errors={"phone": HOSTILE, "lead_type_name": HOSTILE},
)
PAGES = {
    "fresh": form_page(Form("k" * 32, FormRules(True))),
    "full": form_page(FULL),
    "thanks": thanks_page(FULL.rules),
    "note": note_page((HOSTILE, HOSTILE), errors=[HOSTILE], typed=FULL.typed, back=f"https://a.example/?{HOSTILE}"),
}


@pytest.mark.parametrize("name", PAGES)
def test_nothing_that_people_wrote_becomes_markup(name: str) -> None:
    page = Page(PAGES[name])
    assert page.find("img") == []
    assert [script.get("src") for script in page.find("script")] in ([], ["../form.js"])


def test_what_was_typed_comes_back_to_the_letter() -> None:
    page = Page(PAGES["full"])
    assert page.find("input", name="name", value=HOSTILE)
    assert page.find("input", name="_key", value=HOSTILE, type="hidden")
    area = re.search(r"<textarea[^>]*>\n(.*)</textarea>", PAGES["full"])
    assert area
    assert html.unescape(area[1]) == HOSTILE


def test_every_field_has_a_label_and_says_what_to_fill_in() -> None:
    page = Page(PAGES["fresh"])
    labels = {label["for"] for label in page.find("label")}
    for name, fill in (("name", "name"), ("phone", "tel"), ("email", "email")):
        (field,) = page.find("input", name=name)
        assert field["id"] in labels
        assert field["autocomplete"] == fill
        assert "required" in field
    assert "message" in labels


def test_errors_belong_to_their_fields_and_the_first_wrong_field_has_the_focus() -> None:
    page = Page(PAGES["full"])
    (phone,) = page.find("input", name="phone")
    assert (phone["aria-invalid"], phone["aria-describedby"]) == ("true", "phone-error")
    assert page.find("p", id="phone-error")
    assert page.find("select", name="lead_type_name", **{"aria-describedby": "lead_type_name-error"})
    assert [found["name"] for tag, found in page.elements if "autofocus" in found] == ["phone"]
    assert [link["href"] for link in page.find("a")] == ["#phone", "#lead_type_name"]
    assert page.find("div", role="alert")


def test_the_trap_is_hidden_from_readers_and_skipped_by_the_keyboard() -> None:
    page = Page(PAGES["fresh"])
    (trap,) = page.find("input", name="_gotcha")
    assert (trap["tabindex"], trap["autocomplete"]) == ("-1", "off")
    assert page.find("div", **{"class": "extra", "aria-hidden": "true"})


def test_a_lead_type_that_cannot_be_chosen_here_is_not_lost() -> None:
    page = Page(form_page(Form("k" * 32, FormRules(True), typed={"lead_type_name": "Sales"})))
    assert page.find("input", type="hidden", name="lead_type_name", value="Sales")


def test_the_script_is_told_what_it_needs() -> None:
    (form,) = Page(PAGES["full"]).find("form")
    assert form["data-captcha"] == "altcha"
    assert form["data-next"] == "https://a.example/?a=1&b=2"
    assert form["data-text-thanks"] == HOSTILE
    (form,) = Page(PAGES["fresh"]).find("form")
    assert not {"data-captcha", "data-next", "data-text-thanks"} & form.keys()
