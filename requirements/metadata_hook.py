"""The wheel's dependencies are the ranges of base.in: one list, not two."""

from pathlib import Path

from hatchling.metadata.plugin.interface import MetadataHookInterface


class CustomMetadataHook(MetadataHookInterface):
    def update(self, metadata: dict) -> None:
        lines = Path(self.root, "requirements", "base.in").read_text().splitlines()
        ranges = [line for line in lines if line and not line.startswith("#")]
        # The client lies beside the server in this repository, so no lock file can name it.
        metadata["dependencies"] = [*ranges, "stagewise-client>=0.1,<0.2"]
