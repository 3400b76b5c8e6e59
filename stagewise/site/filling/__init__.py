"""Fill a workspace with made up leads: filler.py begins, rows.py and people.py make them, tables.py writes them.

Nothing is imported here: the helpers that make rows import this package and know no Django.
"""
