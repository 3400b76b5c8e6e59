"""Alerts: what somebody should know before a customer says it.

``detect_*`` look at counted figures and say what is wrong, without a database or a clock. ``reading`` counts, cheaply.
``watching`` brings both together once a minute, ``raising`` keeps what was found: raised once, resolved by itself.
``canary`` sends a test lead through the public URL now and then. ``rules`` has the figures that owners may change.
"""
