"""The routes of a workspace, one file for each part of the console; every one begins with :data:`W`."""

from typing import Final

#: Each route of a workspace names it by its slug.
W: Final = "w/<slug:slug>/"
