"""``stagewise relay``: the same as ``stagewise-relay``, which comes with the client and needs no installation."""

from stagewise_client.relay.command import relay

__all__ = ["relay"]
