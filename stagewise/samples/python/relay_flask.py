"""The relay inside a Flask application: your form posts to /contact/, and the relay does the rest.

The endpoint's URL stays on your server. Give it in the environment, never in a page or in your repository:
    LEADS_ENDPOINT_URL='https://leads.example.com/public/v1/leads/YOUR_KEY' flask --app relay_flask run --port 8080
"""

import os

from flask import Flask
from stagewise_client.relay import Relay, RelayConfig

app = Flask(__name__)
Relay(RelayConfig(url=os.environ["LEADS_ENDPOINT_URL"])).flask(app, "/contact")
