"""Builds what the public may read and nobody has to compute at run time: error pages and the OpenAPI document.

``python -m stagewise.pages`` writes them to ``stagewise/public_files/``, which is not kept in git but goes into the
wheel; the intake process reads that folder into memory when it starts. Everything is made from the table of refusals
(:mod:`stagewise.core.refusal`) and from ``docs/errors/``, so that a refusal without a page stops the build.
"""
