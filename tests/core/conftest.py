"""Property tests here are bounded by their number of examples, never by the clock: the machine may be busy."""

from hypothesis import settings

settings.register_profile("stagewise", deadline=None, database=None)
settings.load_profile("stagewise")
