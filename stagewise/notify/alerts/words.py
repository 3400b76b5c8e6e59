"""Alerts in words: what was seen, and what to do. Made of an alert's figures, so that they say the same everywhere."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from stagewise.core.refusal import REFUSALS
from stagewise.notify.alerts import rules

if TYPE_CHECKING:
    import zoneinfo
    from collections.abc import Mapping


class Words(NamedTuple):
    """``title`` is a headline, ``text`` says what was seen, ``advice`` what to do."""

    title: str
    text: str
    advice: str


#: What people call the settings of an endpoint.
SETTINGS = {
    "name": "name",
    "enabled": "taking leads",
    "allow_all_ips": "allowing all IPs",
    "allowed_ips": "allowed IPs",
    "allowed_origins": "allowed CORS origins",
    "max_leads_per_ip": "leads per IP",
    "forwarding": "visitors' addresses from your server",
    "server_ceiling": "ceiling of a server",
    "over_limit": "what becomes of leads over the limit",
    "captcha": "CAPTCHA",
    "holding": "holding rules",
    "form": "form",
}


def describe(kind: str, data: Mapping[str, Any], name: str, zone: zoneinfo.ZoneInfo) -> Words:
    """The words of an alert; ``name`` is that of its endpoint or channel, empty for the installation."""
    about = f"{rules.KINDS.get(kind, kind)}: {name}" if name else rules.KINDS.get(kind, kind)
    text, advice = _TEXTS[kind](data, zone) if kind in _TEXTS else ("", "")
    return Words(about, text, advice)


def moment(at: int, zone: zoneinfo.ZoneInfo) -> str:
    """A moment (milliseconds since 1970) as people of the workspace say it."""
    local = datetime.datetime.fromtimestamp(at / 1000, zone)
    return f"{local:%a %-d %b, %H:%M} ({zone.key})"


def setting(field: str) -> str:
    """A setting by the name that people read beside it."""
    return SETTINGS.get(field.partition(".")[0], field)


def _no_leads(data: Mapping[str, Any], zone: zoneinfo.ZoneInfo) -> tuple[str, str]:
    text = f"The last lead came on {moment(data['last_lead_at'], zone)}."
    if data["rule"] == "usual":
        text += f" Since then there are usually about {data['usually']:,}; no silence of the past weeks was as long."
    else:
        text += f" You asked to be told after {data['hours']:,} hours without one."
    return text, "Send the form of your website yourself, and look at Logs: a call that is refused is there, with why."


def _refusals(data: Mapping[str, Any], zone: zoneinfo.ZoneInfo) -> tuple[str, str]:
    del zone
    if data["rule"] == "all":
        text = f"In the last hour {data['refused']:,} calls were refused and none was taken."
    else:
        text = f"In 15 minutes {data['refused']:,} calls were refused; usually it is about {data['usually']:,}."
    return f"{text} {_reasons(data)}", "Logs shows them; if these are your visitors, it says what to mend."


def _after_change(data: Mapping[str, Any], zone: zoneinfo.ZoneInfo) -> tuple[str, str]:
    change = data["change"]
    by, what = change["by"] or "The command line", ", ".join(dict.fromkeys(map(setting, change["fields"])))
    text = (
        f"On {moment(change['at'], zone)} {by} changed: {what}. Since then {data['refused']:,} calls were refused for"
        f" a reason that this explains, {data['percent']}% of all; before it were {data['percent_before']}%."
    )
    return f"{text} {_reasons(data)}", "If that was not meant, take the change back on the Alerts page."


def _one_address(data: Mapping[str, Any], zone: zoneinfo.ZoneInfo) -> tuple[str, str]:
    del zone
    text = f"{data['value']} made {data['calls']:,} of the {data['of']:,} calls of an hour ({data['percent']}%)."
    return text, (
        "If it is your website's server, put it on the list of allowed IPs; if it is a proxy of yours, set"
        " STAGEWISE_TRUSTED_PROXIES. If it is a stranger, a limit or a CAPTCHA keeps its leads out."
    )


def _one_origin(data: Mapping[str, Any], zone: zoneinfo.ZoneInfo) -> tuple[str, str]:
    del zone
    text = f"{data['value']} made {data['calls']:,} of the {data['of']:,} calls of an hour ({data['percent']}%)."
    return text, "If it is your website, put it on the list of allowed CORS origins; if not, fill in that list."


def _limit(data: Mapping[str, Any], zone: zoneinfo.ZoneInfo) -> tuple[str, str]:
    del zone
    text = f"{data['addresses']:,} addresses wanted to send more leads within an hour than the limit allows."
    return text, "Logs shows them. If these are people, raise the limit; if they are robots, ask for a CAPTCHA."


def _held(data: Mapping[str, Any], zone: zoneinfo.ZoneInfo) -> tuple[str, str]:
    del zone
    text = f"{data['waiting']:,} held leads wait; when there are {data['room']:,}, further ones are refused."
    return text, "Release or discard them under Held leads."


def _canary(data: Mapping[str, Any], zone: zoneinfo.ZoneInfo) -> tuple[str, str]:
    del zone
    return str(data.get("problem", "")), "Your visitors may meet the same. Try the form of your website."


def _failing(data: Mapping[str, Any], zone: zoneinfo.ZoneInfo) -> tuple[str, str]:
    text = f"Every try has failed since {moment(data['since'], zone)}. Nothing is lost: what waits is tried again."
    return text, "The channel's page shows what the receiver says, and sends a test."


def _paused(data: Mapping[str, Any], zone: zoneinfo.ZoneInfo) -> tuple[str, str]:
    text = f"It was paused on {moment(data['since'], zone)}. {data['because']} Nothing is lost: what waits, waits."
    return text, "When the receiver works again, resume the channel on its page."


def _queue(data: Mapping[str, Any], zone: zoneinfo.ZoneInfo) -> tuple[str, str]:
    what = data["what"]
    if what == "intake":
        text = f"{data['waiting']:,} calls waited at once in a process of intake that has room for {data['room']:,}."
        return text, "Look at the database's disk, and consider more processes (`stagewise serve --workers`)."
    if what == "events":
        text = f"{data['waiting']:,} events wait to be handed to the channels, the first since"
    else:
        text = f"{data['waiting']:,} deliveries are due and not tried, the first since"
    return f"{text} {moment(data['since'], zone)}.", "Look at the log of the worker, and whether the machine is busy."


def _disk(data: Mapping[str, Any], zone: zoneinfo.ZoneInfo) -> tuple[str, str]:
    del zone
    text = f"{data['free_mib']:,} of {data['total_mib']:,} MiB are free where {data['host']} keeps its data."
    return text, "Make room, or keep less (`stagewise retention set`). On a full disk no lead can be stored."


def _reasons(data: Mapping[str, Any]) -> str:
    named = (
        f"{REFUSALS[code].in_words.rstrip('.')} ({count:,})" if code in REFUSALS else f"{code} ({count:,})"
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
}
