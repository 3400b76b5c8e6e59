"""The relay: takes a website's form, checks it, and passes it on to Stagewise, from your server.

    from stagewise_client.relay import Relay, RelayConfig

    relay = Relay(RelayConfig(url="https://leads.example.com/public/v1/leads/<key>"))

    app.mount("/contact", relay.asgi)                       # Starlette, FastAPI
    relay.flask(app, "/contact")                            # Flask
    re_path("^contact/(.*)$", relay.django_view)            # Django
    await relay.handle(RelayRequest("POST", "/", headers, body, peer))    # anything else

Or without any program of your own: ``stagewise-relay``. docs/relay.md of the project tells the rest.
"""

from stagewise_client.relay.answers import RelayRequest, RelayResponse
from stagewise_client.relay.config import RelayConfig
from stagewise_client.relay.core import Relay

__all__ = ["Relay", "RelayConfig", "RelayRequest", "RelayResponse"]
