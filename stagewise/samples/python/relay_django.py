"""The relay inside a Django project: your form posts to /contact/, and the relay does the rest.

The endpoint's URL stays on your server. Give it in the environment, never in a page or in your repository:
    LEADS_ENDPOINT_URL='https://leads.example.com/public/v1/leads/YOUR_KEY' python relay_django.py runserver 8080
In a project of yours, the relay and its line in `urlpatterns` are all you need; the rest makes this file run alone.
"""

import os
import secrets
import sys

from django.conf import settings
from django.core.management import execute_from_command_line
from django.urls import re_path
from stagewise_client.relay import Relay, RelayConfig

if not settings.configured:
    settings.configure(
        ROOT_URLCONF=__name__,
        SECRET_KEY=secrets.token_hex(32),  # nothing is signed here
        ALLOWED_HOSTS=["localhost", "127.0.0.1"],
    )

relay = Relay(RelayConfig(url=os.environ["LEADS_ENDPOINT_URL"]))
urlpatterns = [re_path("^contact/(.*)$", relay.django_view)]

if __name__ == "__main__":
    execute_from_command_line(sys.argv)
