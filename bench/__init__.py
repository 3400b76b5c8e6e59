"""The benchmark: our endpoint beside a do-nothing one and an ordinary one. Run it with ``make bench``."""
