"""Small complete programs that send leads, for the people who build websites.

The programs lie beside this module as plain files, so that they can be read, run and tested as they are. Console, docs
and tests take them from :func:`all`. The placeholder URL stands in each of them where the developer has to put the
endpoint's own; :func:`fill` does that.

Programs that run on a server take the URL from the environment variable ``LEADS_ENDPOINT_URL``. The name does not begin
with ``STAGEWISE_``: those belong to Stagewise itself, which refuses to start with one that it does not know.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

#: Stands in the files in place of an endpoint's URL.
PLACEHOLDER = "https://leads.example.com/public/v1/leads/YOUR_KEY"
#: From where programs on a server read the endpoint's URL.
VARIABLE = "LEADS_ENDPOINT_URL"

_FOLDER = Path(__file__).parent


class Sample(NamedTuple):
    """One program. ``file`` is its path below this folder, ``text`` its content as pasted."""

    #: Short and stable, fit for an anchor or a tab: ``php``, ``flask-relay``.
    name: str
    #: For people: ``Python with Flask``.
    title: str
    #: For a highlighter: ``php``, ``js``, ``python``, ``sh`` or ``html``.
    language: str
    file: str
    #: One or two sentences: what it needs, and what it does.
    about: str
    #: Commands that start it, below each other; empty where there is nothing to start.
    run: str
    text: str

    @property
    def file_name(self) -> str:
        """The name under which a developer saves it."""
        return Path(self.file).name


_TABLE = (
    ("php", "PHP", "php", "php/contact.php",
     "PHP 8.1 or newer without any library. Your form posts to this file.",
     "php -S localhost:8080 contact.php"),
    ("node", "Node.js", "js", "node/contact.mjs",
     "Node.js 18 or newer without any package. Your form posts to /contact.",
     "node contact.mjs"),
    ("fastapi", "Python with FastAPI", "python", "python/contact_fastapi.py",
     "FastAPI and our client, which repeats and keeps what could not be sent. Your form posts to /contact.",
     "pip install stagewise-client fastapi granian\ngranian --interface asgi --port 8080 contact_fastapi:app"),
    ("flask", "Python with Flask", "python", "python/contact_flask.py",
     "Flask and our client, which repeats and keeps what could not be sent. Your form posts to /contact.",
     "pip install stagewise-client flask\nflask --app contact_flask run --port 8080"),
    ("django", "Python with Django", "python", "python/contact_django.py",
     "Django and our client, which repeats and keeps what could not be sent. Your form posts to /contact.",
     "pip install stagewise-client django\npython contact_django.py runserver 8080"),
    ("form", "The form for these", "html", "browser/form.html",
     "A plain form without scripts. Put it on your page and let it post to one of the programs above.", ""),
    ("fastapi-relay", "The relay in FastAPI", "python", "python/relay_fastapi.py",
     "All of the above and more in one line: ALTCHA, a limit for each visitor, leads that wait for a better moment.",
     "pip install stagewise-client fastapi granian\ngranian --interface asgi --port 8080 relay_fastapi:app"),
    ("flask-relay", "The relay in Flask", "python", "python/relay_flask.py",
     "The same in one line of a Flask application.",
     "pip install stagewise-client flask\nflask --app relay_flask run --port 8080"),
    ("django-relay", "The relay in Django", "python", "python/relay_django.py",
     "The same in one line of a Django project.",
     "pip install stagewise-client django\npython relay_django.py runserver 8080"),
    ("form-relay", "The form for the relay", "html", "browser/form_relay.html",
     "The relay serves the script. Without it the relay refuses the form, because ALTCHA needs it.", ""),
    ("curl", "curl", "sh", "curl/send_lead.sh",
     "For trying things out, and for scripts. Makes one lead; nothing but curl is needed.", "sh send_lead.sh"),
    ("browser", "From the page itself", "html", "browser/fetch.html",
     "Not recommended: everybody can read the endpoint's URL in the page. Allow your website's origin only.", ""),
)  # fmt: skip


@cache
def all() -> tuple[Sample, ...]:  # noqa: A001 - read as samples.all()
    """Every program, in the order in which they are shown."""
    return tuple(
        Sample(name, title, language, file, about, run, (_FOLDER / file).read_text(encoding="utf-8"))
        for name, title, language, file, about, run in _TABLE
    )


def named(name: str) -> Sample:
    """The program of this name; raises ``KeyError``."""
    for sample in all():
        if sample.name == name:
            return sample
    raise KeyError(name)


def fill(text: str, url: str) -> str:
    """The text with the endpoint's own URL in it. It is plain text still: escape it where it is shown."""
    return text.replace(PLACEHOLDER, url)
