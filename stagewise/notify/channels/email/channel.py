"""Mail as a kind of channel: one mail of its own to each recipient, or many leads in a digest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stagewise.accounts.clock import now_ms
from stagewise.accounts.models import Workspace
from stagewise.leads.models import Lead
from stagewise.notify import outbox
from stagewise.notify.channels import Checked, Outcome
from stagewise.notify.channels.email import digest, gathering, options, views
from stagewise.notify.channels.email.posting import PATIENCE_S, Postman
from stagewise.notify.channels.email.rounds import Case, Round
from stagewise.notify.models import Mail, MailDigest

if TYPE_CHECKING:
    from collections.abc import Callable

    from stagewise.notify.channels import OpenChannel
    from stagewise.notify.channels.email.options import MailOptions
    from stagewise.notify.channels.email.views import View
    from stagewise.notify.models import Delivery


class Email:
    """Sends notifications by mail. ``clock`` and ``patience_s`` are for tests."""

    name = "email"
    label = "E-mail"
    needs_secret = False

    def __init__(self, clock: Callable[[], int] = now_ms, patience_s: float = PATIENCE_S) -> None:
        self._clock = clock
        self._patience_s = patience_s

    def check(self, target: str, given: dict[str, Any]) -> Checked:
        """Addresses and options as they are kept; raises ``ActionError``, see :func:`options.check`."""
        return Checked(*options.check(target, given))

    def deliver(self, channel: OpenChannel, delivery: Delivery, payload: dict[str, Any]) -> Outcome:
        """Write to everybody who has not got the mail of this delivery, and say what came of it."""
        wanted = options.read(channel.options)
        case = Case(Workspace.objects.get(pk=delivery.workspace_id), channel, delivery, self._clock())
        if delivery.kind == outbox.DIGEST:
            return self._deliver_digest(case, wanted)
        to = _recipients(case, wanted)
        if not to:
            return Outcome(problem="Nobody is left to write to: the channel's members are gone.", final=True)
        if not _is_wanted(wanted, delivery):
            return Outcome(answer="No mail: the channel is for leads of other types.")
        view = _view(case, payload)
        if view is None:
            return Outcome(answer="No mail: the lead has been deleted since.")
        with Postman(self._patience_s) as postman:
            this = Round(case, postman)
            if delivery.kind == outbox.TEST:
                this.test(view, to)
            else:
                this.write(view, to, may_gather=delivery.lead_id is not None)
                this.confirm(wanted)
            return this.outcome()

    def _deliver_digest(self, case: Case, wanted: MailOptions) -> Outcome:
        """Send what was gathered for an address, if it is still a recipient. From now on nothing is added to it."""
        found = MailDigest.objects.get(delivery=case.delivery)
        gathering.close(found, case.workspace.pk, case.now)
        to = [each for each in _recipients(case, wanted) if each.lower() == found.address]
        if not to:
            return Outcome(answer=f"No mail: {found.address} is no longer a recipient.")
        view = digest.view(case.workspace, found)
        if view is None:
            return Outcome(answer="No mail: nothing is left of what was gathered.")
        with Postman(self._patience_s) as postman:
            this = Round(case, postman)
            this.write(view, to, may_gather=False)
            return this.outcome()


def _recipients(case: Case, wanted: MailOptions) -> list[str]:
    """Typed addresses and members, each mailbox once."""
    members = options.members_of(case.workspace.pk, wanted.members) if wanted.members else []
    plain = [options.for_header(each) for each in (*options.typed(case.channel.target), *members)]
    return list({each.lower(): each for each in plain if each is not None}.values())


def _is_wanted(wanted: MailOptions, delivery: Delivery) -> bool:
    """Whether the lead is of a type that the channel is for. One that was deleted is if its recipients know of it."""
    if not wanted.lead_types or delivery.lead_id is None:
        return True
    lead_type = Lead.objects.filter(pk=delivery.lead_id).values_list("lead_type_id", flat=True).first()
    if lead_type is not None:
        return lead_type in wanted.lead_types
    return Mail.objects.filter(delivery__channel=delivery.channel_id, delivery__lead_id=delivery.lead_id).exists()


def _view(this: Case, payload: dict[str, Any]) -> View | None:
    """What the mail says; None when its lead is gone: what was erased is not sent any more."""
    workspace, kind, data = this.workspace, this.delivery.kind, payload["data"]
    match kind:
        case outbox.DELETED:
            return views.of_deleted_lead(workspace, data)
        case outbox.ALERT_RAISED | outbox.ALERT_RESOLVED:
            return views.of_alert(workspace, kind, data)
        case outbox.REFUSED:
            return views.of_refused(workspace, data)
        case outbox.TEST:
            return views.of_test(workspace, this.channel.name)
    return None if data.get("deleted") else views.of_lead(workspace, kind, data)
