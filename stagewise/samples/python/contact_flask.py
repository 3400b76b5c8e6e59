"""The contact form of your website posts to this server, and this server sends the lead to Stagewise.

The endpoint's URL stays on your server. Give it in the environment, never in a page or in your repository:
    LEADS_ENDPOINT_URL='https://leads.example.com/public/v1/leads/YOUR_KEY' flask --app contact_flask run --port 8080
"""

import os
import re
from html import escape

from flask import Flask, request
from stagewise_client import Client
from stagewise_client.errors import RateLimited, Refused, StagewiseError

SORRY = "Sorry, your message could not be sent. Please try again later, or give us a call."
REQUIRED = {"name": "your name", "phone": "your phone number", "email": "your e-mail address"}

app = Flask(__name__)
app.config["MAX_CONTENT_LENGTH"] = 65_536
# What cannot be sent now waits in this file and is sent later. Keep the file where a restart does not remove it.
client = Client(os.environ["LEADS_ENDPOINT_URL"], spool="leads.sqlite3")


def answer(status: int, *lines: str) -> tuple[str, int]:
    head = '<!doctype html><meta name="viewport" content="width=device-width"><title>Contact</title>'
    return head + "".join(f"<p>{escape(line)}</p>" for line in lines), status


def mistakes(form: dict[str, str]) -> list[str]:
    """What a visitor can mend. The endpoint checks once more, and more closely."""
    found = [f"Please tell us {what}." for name, what in REQUIRED.items() if not form.get(name)]
    email = form.get("email", "")
    if email and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", email):
        found.append("Please check your e-mail address.")
    return found


@app.post("/contact")
def contact() -> tuple[str, int]:
    form = {name: value.strip() for name, value in request.form.items()}
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
            attribution={"page_url": request.referrer or ""},
            # The limit of the endpoint then counts visitors, not your server. Behind a proxy of yours, see Werkzeug's
            # ProxyFix; anybody else's X-Forwarded-For is not to be believed.
            visitor_ip=request.remote_addr,
        )
    except RateLimited:
        return answer(429, "You have sent us several messages already. Please try again tomorrow, or give us a call.")
    except Refused as error:
        app.logger.warning("refused: %s %s (request %s)", error.code, error.detail, error.request_id)
        if error.field_errors:
            return answer(422, *(each.detail for each in error.field_errors))  # written for visitors
        return answer(502, SORRY)
    except StagewiseError:
        app.logger.exception("the lead could not be sent")
        return answer(502, SORRY)
    return answer(200, "Thank you! We have your message and will be in touch soon.")
