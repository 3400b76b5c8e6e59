"""What goes in and comes out, as the OpenAPI document describes it. Times are ``2026-01-01T12:00:00.123Z``, UTC."""

from __future__ import annotations

from typing import Annotated, Literal

from ninja import Field, Schema
from pydantic import ConfigDict

#: Objects on a page.
LARGEST_PAGE = 200
USUAL_PAGE = 50

_Text = Annotated[str, Field(max_length=200)]


class LeadTypeName(Schema):
    """A lead type by its name."""

    name: str


class Lead(Schema):
    """A lead: what was sent, and where it stands."""

    id: str = Field(description="UUIDv7; the same that the website was told.")
    name: str
    phone: str = Field(description="As it was typed.")
    phone_e164: str | None = Field(description="The number in E.164, where it is known.")
    email: str
    message: str | None
    lead_type: LeadTypeName
    test: bool = Field(description="A test lead; it goes after 7 days.")
    created_at: str
    changed_at: str | None = Field(description="When somebody last changed something; null: nobody has touched it.")
    stage: str
    stage_kind: Literal["open", "won", "lost"]
    reason: str | None = Field(description="Why it was won or lost.")
    endpoint: str | None = Field(description="The endpoint that took it; null: added by hand or from a file.")
    owner: str | None = Field(description="E-mail address of the member whose lead it is.")
    tags: list[str]
    forwarded_by: str | None = Field(description="The server that named the visitor's address.")
    attribution: dict[str, str] = Field(description="Page, referrer, campaign and click ids, as far as they are known.")


class LeadPage(Schema):
    """A page of leads. ``next_cursor`` goes into the next call; null: this is the last page."""

    leads: list[Lead]
    next_cursor: str | None


class LeadQuery(Schema):
    """What to choose leads by; what is not given leaves nothing out."""

    search: _Text = Field("", description="Words in name, e-mail and message, or a phone number in any spelling.")
    lead_type: _Text = Field("", description="The name of a lead type.")
    stage: list[_Text] = Field([], max_length=50, description="Any of these stages, by name.")
    stage_kind: Literal["open", "won", "lost"] | None = None
    owner: _Text = Field("", description="A member's e-mail address; or me, nobody, anybody.")
    endpoint: _Text = Field("", description="The name of an endpoint; - for leads added by hand or from a file.")
    tag: list[_Text] = Field([], max_length=50, description="All of these tags, by name.")
    created_since: _Text = Field("", description="Came at this time or later: an RFC 3339 time, or a date in UTC.")
    created_until: _Text = Field("", description="Came before this time; likewise.")
    test: bool | None = Field(None, description="Only test leads, or none of them.")
    sort: Literal["newest", "oldest", "changed", "name", "due"] = "newest"
    cursor: str = Field("", max_length=600, description="next_cursor of the page before; the filters must be the same.")
    limit: int = Field(USUAL_PAGE, ge=1, le=LARGEST_PAGE, description="Leads on a page at most.")


class LeadChange(Schema):
    """What to change; what is left out stays as it is."""

    model_config = ConfigDict(extra="forbid")

    stage: str = Field("", max_length=100, description="The name of a stage of the lead's type.")
    reason: str | None = Field(None, max_length=500, description="Why it is won or lost, with such a stage.")
    owner: str | None = Field(None, max_length=254, description="A member's e-mail address; null: nobody.")
    tags: list[Annotated[str, Field(max_length=60)]] = Field(
        [], max_length=30, description="All tags of the lead from now on; those that do not exist are made."
    )
    changed_at: str | None = Field(
        None, max_length=40, description="changed_at as you read it: if the lead has changed since, the answer is 409."
    )


class NewNote(Schema):
    """A note to be written down."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(max_length=20_000, description="At most 5,000 characters; @ and a name mentions a member.")


class Note(Schema):
    """What a member wrote down about a lead."""

    id: int
    text: str
    author: str | None = Field(description="E-mail address of who wrote it; null: that person is gone.")
    created_at: str
    edited_at: str | None


class NotePage(Schema):
    """A page of notes, newest first."""

    notes: list[Note]
    next_cursor: str | None


class NoteQuery(Schema):
    """Which page of the notes."""

    cursor: str = Field("", max_length=20, pattern="^[0-9]*$", description="next_cursor of the page before.")
    limit: int = Field(USUAL_PAGE, ge=1, le=LARGEST_PAGE, description="Notes on a page at most.")


class Stage(Schema):
    """A step of a lead type's pipeline."""

    name: str
    kind: Literal["open", "won", "lost"]


class LeadType(Schema):
    """A kind of lead with its stages in their order; ``default`` is the one for leads that name none."""

    name: str
    position: int
    default: bool
    archived: bool
    stages: list[Stage]


class LeadTypeList(Schema):
    """The lead types in their order."""

    lead_types: list[LeadType]


class LeadTypeQuery(Schema):
    """Which lead types."""

    archived: bool = Field(False, description="Those that are archived as well.")


class FieldProblem(Schema):
    """What is wrong with one field or parameter."""

    field: str
    code: str
    detail: str
    pointer: str = Field("", description="Where in the body (RFC 6901); absent for parameters of the query.")


class ProblemDocument(Schema):
    """Why the answer is no (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    errors: list[FieldProblem] = []
