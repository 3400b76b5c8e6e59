"""One try of a delivery: a mail to each who has not got it yet, and what came of all of them together."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from stagewise.notify import linked
from stagewise.notify.channels import Outcome
from stagewise.notify.channels.email import acknowledgement, gathering, letters
from stagewise.notify.channels.email.letters import Footer
from stagewise.notify.channels.email.posting import Postman, Result
from stagewise.notify.models import MailState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stagewise.accounts.models import Workspace
    from stagewise.notify.channels import OpenChannel
    from stagewise.notify.channels.email.options import MailOptions
    from stagewise.notify.channels.email.views import View
    from stagewise.notify.models import Delivery

#: No mail is begun after so many seconds of a try: those that are left go with the next one, before the lease ends.
_BEGUN_WITHIN_S = 10.0
_SLOW = Result(None, "The mail server is slow: the mails that are left come with the next try.")


class Case(NamedTuple):
    """What a try is about."""

    workspace: Workspace
    channel: OpenChannel
    delivery: Delivery
    #: Milliseconds since 1970: what the limits count by.
    now: int


class Round:
    """Writes the mails of one try, and remembers what became of them."""

    def __init__(self, case: Case, postman: Postman) -> None:
        self._case = case
        self._postman = postman
        self._sent = self._gathered = 0
        self._failed: list[Result] = []
        #: For good, on this try or an earlier one.
        self._refused: list[str] = []
        self._confirmed: Result | None = None

    def write(self, view: View, to: Sequence[str], *, may_gather: bool) -> None:
        """One mail to each who is due one. Whoever is gathered into a digest is settled with that."""
        delivery = self._case.delivery
        begun = time.monotonic()
        due = gathering.still_due(delivery, to)
        for address in due.addresses:
            if time.monotonic() - begun > _BEGUN_WITHIN_S:
                self._failed.append(_SLOW)
                break
            mail = gathering.claim(delivery, address, again=due.again, may_gather=may_gather, now=self._case.now)
            if mail.state == MailState.GATHERED:
                self._gathered += 1
                continue
            result = self._send(view, address, mail.again)
            if not result.problem:
                gathering.note(mail, MailState.SENT)
            elif result.final:
                gathering.note(mail, MailState.REFUSED)
        self._refused = gathering.refused(delivery)

    def test(self, view: View, to: Sequence[str]) -> None:
        """One mail to each, of a channel that may not be saved yet: nothing is kept of it."""
        for address in to:
            self._send(view, address)

    def confirm(self, wanted: MailOptions) -> None:
        """Tell who wrote that it has arrived, where that is wanted."""
        claimed = acknowledgement.claim(self._case.workspace, wanted, self._case.delivery, self._case.now)
        if claimed is None:
            return
        self._confirmed = self._postman.send(claimed.message)
        if not self._confirmed.problem or self._confirmed.final:
            acknowledgement.settle(claimed)

    def outcome(self) -> Outcome:
        """All of it as the outcome of one try.

        Delivered when everybody has the mail; failed for good when the mail server will never take it for somebody, and
        all others have it. That a visitor's own address does not exist is no failure of the channel.
        """
        confirmed, failed = self._confirmed, [each for each in self._failed if not each.final]
        if confirmed is not None and confirmed.problem and not confirmed.final:
            failed.append(confirmed._replace(problem=f"The confirmation to who wrote: {confirmed.problem}"))
        if failed:
            return Outcome(failed[0].status, failed[0].problem, self._counted())
        if self._failed:
            return Outcome(self._failed[0].status, self._failed[0].problem, self._counted(), final=True)
        if self._refused:
            problem = f"The mail server will not take the mail to {', '.join(self._refused)}."
            return Outcome(None, problem, self._counted(), final=True)
        return Outcome(250 if self._sent else None, answer=self._counted())

    def _send(self, view: View, address: str, again: int = 0) -> Result:
        channel = self._case.channel
        message_id = letters.message_id(self._case.delivery, channel.id, address, again)
        result = self._postman.send(letters.letter(view, self._footer(address), address, message_id))
        if result.problem:
            self._failed.append(result._replace(problem=f"{address}: {result.problem}"))
        else:
            self._sent += 1
        return result

    def _footer(self, address: str) -> Footer:
        workspace, channel = self._case.workspace, self._case.channel
        named = f"the channel “{channel.name}”" if channel.name else "a channel"
        page = (
            linked.url("channel", workspace.slug, channel.id) if channel.id else linked.url("channels", workspace.slug)
        )
        return Footer(
            f"You get this mail because {address} is a recipient of {named} of {workspace.name} in Stagewise. Its"
            " owners and admins can change that.",
            page,
        )

    def _counted(self) -> str:
        parts = [f"{self._sent} sent"] if self._sent else []
        parts += [f"{self._gathered} gathered for a digest"] if self._gathered else []
        said = f"Mails: {', '.join(parts)}." if parts else "No mail was sent."
        if self._confirmed is not None:
            said += f" Confirmation to who wrote: {self._confirmed.problem or 'sent.'}"
        return said
