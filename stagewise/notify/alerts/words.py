"""Alerts in words: what was seen, and what to do. Made of an alert's figures, so that they say the same everywhere."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from stagewise.core.refusal import REFUSALS
from stagewise.notify.alerts import rules

if TYPE_CHECKING:
    import zoneinfo
    from collections.abc import Mapping

    from django.utils.functional import _StrPromise


class Words(NamedTuple):
    """``title`` is a headline, ``text`` says what was seen, ``advice`` what to do."""

    title: str
    text: str
    advice: str


#: What people call the settings of an endpoint.
SETTINGS: Final[dict[str, _StrPromise]] = {
    "name": gettext_lazy("name"),
    "enabled": gettext_lazy("taking leads"),
    "allow_all_ips": gettext_lazy("allowing all IPs"),
    "allowed_ips": gettext_lazy("allowed IPs"),
    "allowed_origins": gettext_lazy("allowed CORS origins"),
    "max_leads_per_ip": gettext_lazy("leads per IP"),
    "forwarding": gettext_lazy("visitors' addresses from your server"),
    "server_ceiling": gettext_lazy("ceiling of a server"),
    "over_limit": gettext_lazy("what becomes of leads over the limit"),
    "captcha": gettext_lazy("CAPTCHA"),
    "holding": gettext_lazy("holding rules"),
    "form": gettext_lazy("form"),
}


def describe(kind: str, data: Mapping[str, Any], name: str, zone: zoneinfo.ZoneInfo) -> Words:
    """The words of an alert; ``name`` is that of its endpoint or channel, empty for the installation."""
    what = str(rules.KINDS.get(kind, kind))
    about = f"{what}: {name}" if name else what
    text, advice = _TEXTS[kind](data, zone) if kind in _TEXTS else ("", "")
    return Words(about, text, advice)


def moment(at: int, zone: zoneinfo.ZoneInfo) -> str:
    """A moment (milliseconds since 1970) as people of the workspace say it."""
    local = datetime.datetime.fromtimestamp(at / 1000, zone)
    # Translators: a moment to the minute; the letters are those of Django's template filter "date".
    return f"{date_format(local, pgettext('moment', 'D j M, H:i'))} ({zone.key})"


def setting(field: str) -> str:
    """A setting by the name that people read beside it."""
    return str(SETTINGS.get(field.partition(".")[0], field))


def _no_leads(data: Mapping[str, Any], zone: zoneinfo.ZoneInfo) -> tuple[str, str]:
    text = _("The last lead came on %s.") % moment(data["last_lead_at"], zone)
    if data["rule"] == "usual":
        more = _("Since then there are usually about %s; no silence of the past weeks was as long.")
        more %= _n(data["usually"])
    else:
        more = _("You asked to be told after %s hours without one.") % _n(data["hours"])
    advice = _("Send the form of your website yourself, and look at Logs: a call that is refused is there, with why.")
    return f"{text} {more}", advice


def _refusals(data: Mapping[str, Any], zone: zoneinfo.ZoneInfo) -> tuple[str, str]:
    del zone
    refused = _n(data["refused"])
    if data["rule"] == "all":
        text = _("In the last hour %s calls were refused and none was taken.") % refused
    else:
        text = _("In 15 minutes %(refused)s calls were refused; usually it is about %(usually)s.")
        text %= {"refused": refused, "usually": _n(data["usually"])}
    return f"{text} {_reasons(data)}", _("Logs shows them; if these are your visitors, it says what to mend.")


def _after_change(data: Mapping[str, Any], zone: zoneinfo.ZoneInfo) -> tuple[str, str]:
    change = data["change"]
    text = _(
        "On %(when)s %(who)s changed: %(what)s. Since then %(refused)s calls were refused for a reason that this"
        " explains, %(percent)s%% of all; before it were %(before)s%%."
    ) % {
        "when": moment(change["at"], zone),
        "who": change["by"] or _("The command line"),
        "what": ", ".join(dict.fromkeys(map(setting, change["fields"]))),
        "refused": _n(data["refused"]),
        "percent": data["percent"],
        "before": data["percent_before"],
    }
    return f"{text} {_reasons(data)}", _("If that was not meant, take the change back on the Alerts page.")


def _share(data: Mapping[str, Any]) -> str:
    return _("%(who)s made %(calls)s of the %(of)s calls of an hour (%(percent)s%%).") % {
        "who": data["value"],
        "calls": _n(data["calls"]),
        "of": _n(data["of"]),
        "percent": data["percent"],
    }


def _one_address(data: Mapping[str, Any], zone: zoneinfo.ZoneInfo) -> tuple[str, str]:
    del zone
    return _share(data), _(
        "If it is your website's server, put it on the list of allowed IPs; if it is a proxy of yours, set"
        " STAGEWISE_TRUSTED_PROXIES. If it is a stranger, a limit or a CAPTCHA keeps its leads out."
    )


def _one_origin(data: Mapping[str, Any], zone: zoneinfo.ZoneInfo) -> tuple[str, str]:
    del zone
    return _share(data), _(
        "If it is your website, put it on the list of allowed CORS origins; if not, fill in that list."
    )


def _limit(data: Mapping[str, Any], zone: zoneinfo.ZoneInfo) -> tuple[str, str]:
    del zone
    text = _("%s addresses wanted to send more leads within an hour than the limit allows.") % _n(data["addresses"])
    return text, _("Logs shows them. If these are people, raise the limit; if they are robots, ask for a CAPTCHA.")


def _held(data: Mapping[str, Any], zone: zoneinfo.ZoneInfo) -> tuple[str, str]:
    del zone
    text = _("%(waiting)s held leads wait; when there are %(room)s, further ones are refused.")
    counts = {"waiting": _n(data["waiting"]), "room": _n(data["room"])}
    return text % counts, _("Release or discard them under Held leads.")


def _canary(data: Mapping[str, Any], zone: zoneinfo.ZoneInfo) -> tuple[str, str]:
    del zone
    return str(data.get("problem", "")), _("Your visitors may meet the same. Try the form of your website.")


def _failing(data: Mapping[str, Any], zone: zoneinfo.ZoneInfo) -> tuple[str, str]:
    text = _("Every try has failed since %s. Nothing is lost: what waits is tried again.")
    return text % moment(data["since"], zone), _("The channel's page shows what the receiver says, and sends a test.")


def _paused(data: Mapping[str, Any], zone: zoneinfo.ZoneInfo) -> tuple[str, str]:
    text = _("It was paused on %(when)s. %(why)s Nothing is lost: what waits, waits.")
    said = text % {"when": moment(data["since"], zone), "why": data["because"]}
    return said, _("When the receiver works again, resume the channel on its page.")


def _queue(data: Mapping[str, Any], zone: zoneinfo.ZoneInfo) -> tuple[str, str]:
    what, waiting = data["what"], _n(data["waiting"])
    if what == "intake":
        text = _("%(waiting)s calls waited at once in a process of intake that has room for %(room)s.")
        advice = _("Look at the database's disk, and consider more processes (`stagewise serve --workers`).")
        return text % {"waiting": waiting, "room": _n(data["room"])}, advice
    if what == "events":
        text = _("%(waiting)s events wait to be handed to the channels, the first since %(when)s.")
    else:
        text = _("%(waiting)s deliveries are due and not tried, the first since %(when)s.")
    said = text % {"waiting": waiting, "when": moment(data["since"], zone)}
    return said, _("Look at the log of the worker, and whether the machine is busy.")


def _disk(data: Mapping[str, Any], zone: zoneinfo.ZoneInfo) -> tuple[str, str]:
    del zone
    text = _("%(free)s of %(total)s MiB are free where %(host)s keeps its data.")
    said = text % {"free": _n(data["free_mib"]), "total": _n(data["total_mib"]), "host": data["host"]}
    return said, _("Make room, or keep less (`stagewise retention set`). On a full disk no lead can be stored.")


def _damaged(data: Mapping[str, Any], zone: zoneinfo.ZoneInfo) -> tuple[str, str]:
    del zone
    text = _("The file of the database on %(host)s was read through and is damaged: %(problem)s")
    advice = _(
        "Stop Stagewise and copy its data directory before anything else. Then restore the last backup from before the"
        " damage, and look at the disk: docs/backup.md goes through it step by step."
    )
    return text % {"host": data["host"], "problem": data["problem"]}, advice


def _n(number: int) -> str:
    return number_format(number, use_l10n=True, force_grouping=True)


def _reasons(data: Mapping[str, Any]) -> str:
    named = (
        f"{REFUSALS[code].in_words.rstrip('.')} ({_n(count)})" if code in REFUSALS else f"{code} ({_n(count)})"
        for code, count in data["by_code"].items()
    )
    return " · ".join(named)


_TEXTS = {
    rules.NO_LEADS: _no_leads,
    rules.REFUSALS: _refusals,
    rules.AFTER_CHANGE: _after_change,
    rules.ONE_ADDRESS: _one_address,
    rules.ONE_ORIGIN: _one_origin,
    rules.LIMIT_REACHED: _limit,
    rules.HELD_FULL: _held,
    rules.CANARY: _canary,
    rules.CHANNEL_FAILING: _failing,
    rules.CHANNEL_PAUSED: _paused,
    rules.QUEUE: _queue,
    rules.DISK: _disk,
    rules.DAMAGED: _damaged,
}
