"""The relay inside a FastAPI or Starlette application: your form posts to /contact/, and the relay does the rest.

The endpoint's URL stays on your server. Give it in the environment, never in a page or in your repository:
    LEADS_ENDPOINT_URL='https://leads.example.com/public/v1/leads/YOUR_KEY' \
        granian --interface asgi --port 8080 relay_fastapi:app
"""

import os

from fastapi import FastAPI
from stagewise_client.relay import Relay, RelayConfig

app = FastAPI()
app.mount("/contact", Relay(RelayConfig(url=os.environ["LEADS_ENDPOINT_URL"])).asgi)
