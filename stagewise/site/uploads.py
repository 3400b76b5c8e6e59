"""Files that people hand in: none is kept that is larger than any page takes, whoever sends it to whatever path.

Forms are read before anybody is asked who they are, for their secret; so this limit stands at the door.
"""

from __future__ import annotations

from typing import Any

from django.core.files.uploadhandler import SkipFile, TemporaryFileUploadHandler

from stagewise.leads.importing.files import LARGEST


class LimitedHandler(TemporaryFileUploadHandler):
    """Keeps a file on the disk while the request lasts; one that is too large is read to its end and not kept.

    ``request.upload_too_large`` then is true.
    """

    def receive_data_chunk(self, raw_data: bytes, start: int) -> Any:
        """Write a chunk; ``start`` is how much came before it."""
        if start + len(raw_data) > LARGEST:
            if self.request is not None:
                self.request.upload_too_large = True  # type: ignore[attr-defined]
            raise SkipFile
        return super().receive_data_chunk(raw_data, start)
