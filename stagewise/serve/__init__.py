"""``stagewise serve``: intake, console and worker under one supervisor."""

from stagewise.serve.start import Plan, run

__all__ = ["Plan", "run"]
