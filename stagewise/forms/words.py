"""What visitors read when something did not work. They know nothing of endpoints, and it is never their fault."""

from __future__ import annotations

#: Outcome → heading and sentence. ``{when}`` is filled in with words such as "in 3 hours".
WORDS: dict[str, tuple[str, str]] = {
    "not_found": (
        "There is no form here",
        "The address may be incomplete, or the form has moved. Please go back to the website that sent you here.",
    ),
    "endpoint_disabled": (
        "This form is closed",
        "Messages are no longer taken here. Please look on the website for another way to get in touch.",
    ),
    "rate_limited": (
        "Not sent",
        "Too many messages came from your connection. Please try again {when}.",
    ),
    "captcha_failed": (
        "Not sent yet",
        "The check against spam did not succeed. Please send it once more.",
    ),
    "too_large": ("Not sent", "This is too long. Please go back, shorten your message, and send it again."),
    "timeout": (
        "Not sent",
        "Your message did not arrive in time. Please go back and send it again.",
    ),
    "outcome_unknown": (
        "Please send it once more",
        "We cannot tell whether your message has arrived. Sending it again is safe: it arrives only once.",
    ),
    "unavailable": ("Not sent yet", "We could not take your message just now. Please try again {when}."),
    "method_not_allowed": ("There is nothing here", "Please go back to the form and send it from there."),
}
_BLOCKED = (
    "This form cannot be used from here",
    "Nothing was sent. Please get in touch with the people behind the website in another way.",
)
_UNREADABLE = ("Not sent", "What came from your browser could not be read. Please go back and send it again.")

#: Seconds in a minute that people would call a moment.
_MOMENT = 90


def words_for(outcome: str, status: int, retry_after: int | None) -> tuple[str, str]:
    """Heading and sentence for a refusal; ``retry_after`` in seconds, None when waiting does not help."""
    found = WORDS.get(outcome)
    if found is None:
        found = _BLOCKED if status == 403 else WORDS["unavailable"] if status == 503 else _UNREADABLE
    return found[0], found[1].replace("{when}", when(retry_after))


def when(seconds: int | None) -> str:
    """A waiting time as people say it, rounded up."""
    if seconds is None or seconds <= _MOMENT:
        return "in a moment"
    minutes = -(-seconds // 60)
    if minutes < 100:
        return f"in {minutes} minutes"
    return f"in {-(-minutes // 60)} hours"
