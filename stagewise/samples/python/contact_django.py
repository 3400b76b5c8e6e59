"""The contact form of your website posts to this server, and this server sends the lead to Stagewise.

The endpoint's URL stays on your server. Give it in the environment, never in a page or in your repository:
    LEADS_ENDPOINT_URL='https://leads.example.com/public/v1/leads/YOUR_KEY' python contact_django.py runserver 8080
In a project of yours, take `contact` with what it uses, and leave the settings and the last lines.
"""

import logging
import os
import re
import secrets
import sys
from html import escape

from django.conf import settings
from django.core.management import execute_from_command_line
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from stagewise_client import Client
from stagewise_client.errors import RateLimited, Refused, StagewiseError

if not settings.configured:
    settings.configure(
        ROOT_URLCONF=__name__,
        SECRET_KEY=secrets.token_hex(32),  # nothing is signed here
        ALLOWED_HOSTS=["localhost", "127.0.0.1"],
        DATA_UPLOAD_MAX_MEMORY_SIZE=65_536,
        LOGGING={
            "version": 1,
            "disable_existing_loggers": False,
            "handlers": {"console": {"class": "logging.StreamHandler"}},
            "root": {"handlers": ["console"]},
        },
    )

SORRY = "Sorry, your message could not be sent. Please try again later, or give us a call."
REQUIRED = {"name": "your name", "phone": "your phone number", "email": "your e-mail address"}

log = logging.getLogger("contact")
# What cannot be sent now waits in this file and is sent later. Keep the file where a restart does not remove it.
client = Client(os.environ["LEADS_ENDPOINT_URL"], spool="leads.sqlite3")


def answer(status: int, *lines: str) -> HttpResponse:
    head = '<!doctype html><meta name="viewport" content="width=device-width"><title>Contact</title>'
    return HttpResponse(head + "".join(f"<p>{escape(line)}</p>" for line in lines), status=status)


def mistakes(form: dict[str, str]) -> list[str]:
    """What a visitor can mend. The endpoint checks once more, and more closely."""
    found = [f"Please tell us {what}." for name, what in REQUIRED.items() if not form.get(name)]
    email = form.get("email", "")
    if email and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", email):
        found.append("Please check your e-mail address.")
    return found


@csrf_exempt  # the form may stand on a static page; and there is no login that another website could abuse
@require_POST
def contact(request: HttpRequest) -> HttpResponse:
    form = {name: value.strip() for name, value in request.POST.items() if isinstance(value, str)}
    if found := mistakes(form):
        return answer(422, *found)
    try:
        client.create_lead(
            form["name"],
            form["phone"],
            form["email"],
            form.get("message"),
            # A field that people do not see: what is in it was written by a machine. Stagewise decides what follows.
            gotcha=form.get("_gotcha"),
            attribution={"page_url": request.headers.get("referer", "")},
            # The limit of the endpoint then counts visitors, not your server. Behind a proxy of yours, take the
            # address from the proxy; anybody else's X-Forwarded-For is not to be believed.
            visitor_ip=request.META["REMOTE_ADDR"],
        )
    except RateLimited:
        return answer(429, "You have sent us several messages already. Please try again tomorrow, or give us a call.")
    except Refused as error:
        log.warning("refused: %s %s (request %s)", error.code, error.detail, error.request_id)
        if error.field_errors:
            return answer(422, *(each.detail for each in error.field_errors))  # written for visitors
        return answer(502, SORRY)
    except StagewiseError:
        log.exception("the lead could not be sent")
        return answer(502, SORRY)
    return answer(200, "Thank you! We have your message and will be in touch soon.")


urlpatterns = [path("contact", contact)]

if __name__ == "__main__":
    execute_from_command_line(sys.argv)
