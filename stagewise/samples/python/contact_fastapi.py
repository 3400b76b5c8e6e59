"""The contact form of your website posts to this server, and this server sends the lead to Stagewise.

The endpoint's URL stays on your server. Give it in the environment, never in a page or in your repository:
    LEADS_ENDPOINT_URL='https://leads.example.com/public/v1/leads/YOUR_KEY' \
        granian --interface asgi --port 8080 contact_fastapi:app
"""

import logging
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import escape
from urllib.parse import parse_qs

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse
from stagewise_client import AsyncClient
from stagewise_client.errors import RateLimited, Refused, StagewiseError

LARGEST_BODY = 65_536
SORRY = "Sorry, your message could not be sent. Please try again later, or give us a call."
REQUIRED = {"name": "your name", "phone": "your phone number", "email": "your e-mail address"}

log = logging.getLogger("contact")
# What cannot be sent now waits in this file and is sent later. Keep the file where a restart does not remove it.
client = AsyncClient(os.environ["LEADS_ENDPOINT_URL"], spool="leads.sqlite3")


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    async with client:
        yield


app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)


def answer(status: int, *lines: str) -> HTMLResponse:
    head = '<!doctype html><meta name="viewport" content="width=device-width"><title>Contact</title>'
    return HTMLResponse(head + "".join(f"<p>{escape(line)}</p>" for line in lines), status)


async def read_form(request: Request) -> dict[str, str] | None:
    """The fields of the posted form; None when it is too large to be one."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            return None
    text = body.decode("utf-8", "replace")
    return {name: values[0].strip() for name, values in parse_qs(text, max_num_fields=100).items()}


def mistakes(form: dict[str, str]) -> list[str]:
    """What a visitor can mend. The endpoint checks once more, and more closely."""
    found = [f"Please tell us {what}." for name, what in REQUIRED.items() if not form.get(name)]
    email = form.get("email", "")
    if email and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", email):
        found.append("Please check your e-mail address.")
    return found


@app.post("/contact")
async def contact(request: Request) -> HTMLResponse:
    form = await read_form(request)
    if form is None:
        return answer(413, "That was too long. Please shorten your message.")
    if found := mistakes(form):
        return answer(422, *found)
    try:
        await client.create_lead(
            form["name"],
            form["phone"],
            form["email"],
            form.get("message"),
            # A field that people do not see: what is in it was written by a machine. Stagewise decides what follows.
            gotcha=form.get("_gotcha"),
            attribution={"page_url": request.headers.get("referer", "")},
            # The limit of the endpoint then counts visitors, not your server. Behind a proxy of yours, let the server
            # take the address from the proxy; anybody else's X-Forwarded-For is not to be believed.
            visitor_ip=request.client.host if request.client else None,
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
