"""Send leads to Stagewise: two lines, typed results and errors, and no lead twice.

>>> from stagewise_client import Client
>>> client = Client("https://leads.example.com/public/v1/leads/Zm9yLXRoZS1kb2NzLW9ubHk")
>>> client
<Client of leads.example.com>

See ``Client`` and ``AsyncClient``; the errors are in ``stagewise_client.errors``.
"""

__version__ = "0.1.0"

from stagewise_client.client import AsyncClient, Client
from stagewise_client.errors import ConfigError, ConnectionFailed, Refused, StagewiseError, UnexpectedAnswer
from stagewise_client.results import Created, Flushed, Held, Limit, Result, Spooled
from stagewise_client.spool import SetAside, Spool

__all__ = [
    "AsyncClient",
    "Client",
    "ConfigError",
    "ConnectionFailed",
    "Created",
    "Flushed",
    "Held",
    "Limit",
    "Refused",
    "Result",
    "SetAside",
    "Spool",
    "Spooled",
    "StagewiseError",
    "UnexpectedAnswer",
]
