"""What needs attention, for one person: each with why, and what mends it as a button or a link."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from stagewise.console import alert_links, numbers
from stagewise.console.mends import Mend, Mender
from stagewise.leads import aliases, attention, held_queries
from stagewise.notify import queries as channels
from stagewise.notify.alerts import queries as alerts
from stagewise.notify.alerts import raising, rules
from stagewise.notify.alerts.words import describe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stagewise.console.access import Seat
    from stagewise.endpoints.state import EndpointState
    from stagewise.notify.models import Alert

#: So many of a kind are listed; the page that the last one links has the others.
_OF_A_KIND: Final = 3
#: Alerts about calls that are refused: what else there is to say of their endpoint, they say.
_ABOUT_REFUSALS: Final = frozenset({rules.REFUSALS, rules.AFTER_CHANGE})


@dataclass(frozen=True)
class Matter:
    """Something to look at: ``look`` is the class of its shape (``bad``, ``warn``, ``wait`` or ``new``)."""

    look: str
    title: str
    text: str = ""
    #: A moment that belongs to it, milliseconds since 1970.
    at: int | None = None
    mends: list[Mend] = field(default_factory=list)


def matters(seat: Seat, states: list[EndpointState], now: int, until: int) -> list[Matter]:
    """All that waits for this person, the worst first. Tasks count that are due before ``until``."""
    opened = list(alerts.needing_a_look(seat.workspace, now))
    found = [
        *_of_alerts(seat, opened),
        *_of_endpoints(seat, states, opened),
        *_of_channels(seat, opened),
        *_of_tasks(seat, now, until),
        *_of_mentions(seat),
        *_of_held(seat),
        *_of_names(seat),
    ]
    return [_for(seat, each) for each in found]


def _for(seat: Seat, matter: Matter) -> Matter:
    """Without the buttons that this person may not press."""
    allowed = [each for each in matter.mends if each.for_all or not each.fields or seat.runs_settings]
    return Matter(matter.look, matter.title, matter.text, matter.at, allowed)


def _of_alerts(seat: Seat, opened: list[Alert]) -> Iterator[Matter]:
    slug = seat.workspace.slug
    for each in opened[:_OF_A_KIND]:
        words = describe(each.kind, each.data, raising.name_of(each), seat.zone)
        mends = []
        if each.kind == rules.AFTER_CHANGE:
            mends.append(Mend(_("Take the change back"), reverse("alert_revert", args=[slug, each.pk]), {"back": "1"}))
        look = alert_links.look_at(slug, each)
        if look is not None:
            mends.append(Mend(look.label, look.url, for_all=True))
        yield Matter("bad", words.title, words.text, each.raised_at, mends)
    more = len(opened) - _OF_A_KIND
    if more > 0:
        title = ngettext("%d more alert", "%d more alerts", more) % more
        yield Matter("warn", title, mends=[Mend(_("Look at alerts"), reverse("alerts", args=[slug]), for_all=True)])


def _of_endpoints(seat: Seat, states: list[EndpointState], opened: list[Alert]) -> Iterator[Matter]:
    """Endpoints that take nothing. One that is switched off on purpose is no matter while another one takes leads."""
    told = {each.endpoint_id for each in opened if each.kind in _ABOUT_REFUSALS}
    one_takes = any(each.ok for each in states)
    for each in states:
        pk = each.endpoint.pk
        if each.ok or pk in told or (each.code == "off" and one_takes):
            continue
        page = reverse("endpoint", args=[seat.workspace.slug, pk])
        match each.code:
            case "off":
                url = reverse("endpoint_switch", args=[seat.workspace.slug, pk])
                mends = [Mend(_("Switch it on"), url, {"enabled": "on"})]
            case "nobody":
                mends = [Mend(_("Say who may call"), page, for_all=True)]
            case _:
                logs = reverse("logs", args=[seat.workspace.slug])
                mends = [Mend(_("Look at refused calls"), f"{logs}?endpoint={pk}&outcome=refused", for_all=True)]
        yield Matter("bad", each.endpoint.name, _sentence(each.words), mends=mends)


def _of_channels(seat: Seat, opened: list[Alert]) -> Iterator[Matter]:
    """Channels that fail or were paused by us, and of which no alert tells."""
    told = {each.channel_id for each in opened}
    for channel in channels.of_workspace(seat.workspace):
        failing = channel.failing_since is not None or bool(channel.paused_because)
        if not channel.enabled or not failing or channel.pk in told:
            continue
        text = channel.paused_because or _("Every try fails. What waits is tried again; nothing is lost.")
        url = reverse("channel", args=[seat.workspace.slug, channel.pk])
        at = channel.failing_since or channel.paused_at
        yield Matter("bad", channel.name, text, at, [Mend(_("Open the channel"), url, for_all=True)])


def _of_tasks(seat: Seat, now: int, until: int) -> Iterator[Matter]:
    due = attention.tasks_due(seat.member, until, _OF_A_KIND + 1)
    for task in due[:_OF_A_KIND]:
        url = reverse("lead", args=[seat.workspace.slug, task.lead.public_id])
        look = "warn" if task.due_at <= now else "wait"
        yield Matter(look, task.text, task.lead.name, task.due_at, [Mend(_("Open the lead"), url, for_all=True)])
    if len(due) > _OF_A_KIND:
        yield Matter("wait", _("More tasks are due"))


def _of_mentions(seat: Seat) -> Iterator[Matter]:
    for each in attention.mentions(seat.member, _OF_A_KIND):
        url = reverse("lead", args=[seat.workspace.slug, each.lead.public_id])
        writer = each.note.member
        who = (writer.user.name or writer.user.email) if writer else _("Somebody")
        title = _("%(who)s named you at %(lead)s") % {"who": who, "lead": each.lead.name}
        yield Matter("new", title, each.note.text, each.at, [Mend(_("Read it"), url, for_all=True)])


def _of_held(seat: Seat) -> Iterator[Matter]:
    count = held_queries.waiting(seat.workspace)
    if count:
        title = ngettext("%s held lead waits", "%s held leads wait", count) % numbers.count(count)
        text = _("They looked suspicious. Release what is real, discard the rest.")
        mends = [Mend(_("Look at held leads"), reverse("held", args=[seat.workspace.slug]), for_all=True)]
        yield Matter("wait", title, text, mends=mends)


def _of_names(seat: Seat) -> Iterator[Matter]:
    mender = Mender(seat, [])
    page = Mend(_("Open lead types"), reverse("lead_types", args=[seat.workspace.slug]), for_all=True)
    for name in aliases.unmatched(seat.workspace, _OF_A_KIND):
        text = ngettext(
            "It came %s time as lead_type_name and is no lead type: the lead was refused.",
            "It came %s times as lead_type_name and is no lead type: the leads were refused.",
            name.count,
        )
        mends = [mender.add_lead_type(name), page]
        yield Matter("warn", f"“{name.name}”", text % numbers.count(name.count), name.last_at, mends)


def _sentence(words: str) -> str:
    """Words that go on after a name, as a sentence of their own."""
    return f"{words[:1].upper()}{words[1:]}."
