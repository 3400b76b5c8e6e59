"""The optional rules of an endpoint in the form that the ledger uses."""

from __future__ import annotations

import msgspec

from stagewise.options import holding
from stagewise.options.holding import Holding
from stagewise.options.rules import CaptchaRules, FormRules, HoldingRules


class Options(msgspec.Struct, frozen=True):
    """Everything beyond who may call and how often; the defaults are those of a new endpoint."""

    name: str = ""
    forwarding: bool = False
    server_ceiling: int | None = None
    #: Hold what is over the limit, instead of refusing it.
    hold_over_limit: bool = False
    captcha: CaptchaRules | None = None
    holding: Holding | None = None
    form: FormRules = FormRules()

    @property
    def may_hold(self) -> bool:
        """Whether any of the rules can hold a lead."""
        captcha = self.captcha
        return (
            self.holding is not None
            or self.hold_over_limit
            or (captcha is not None and "hold" in {captcha.if_failed, captcha.if_down})
        )


def compile_options(
    name: str,
    *,
    forwarding: bool,
    server_ceiling: int | None,
    over_limit: str,
    documents: tuple[object, object, object],
) -> Options:
    """Compile what is kept; ``documents`` are captcha, holding and form. Raises ``msgspec.ValidationError``."""
    captcha = msgspec.convert(documents[0], CaptchaRules)
    return Options(
        name,
        forwarding,
        server_ceiling,
        over_limit == "hold",
        captcha if captcha.provider else None,
        holding.compiled(msgspec.convert(documents[1], HoldingRules)),
        msgspec.convert(documents[2], FormRules),
    )
