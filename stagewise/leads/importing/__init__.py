"""Leads from a file: looked at, mapped, previewed, then taken in by the worker, slice by slice, and undone if need be.

files.py reads what people hand in, columns.py guesses what its columns hold, mapping.py is what they chose, judging.py
says what would become of a row, acts.py is what people do with an import, taking.py what the worker does.
"""
