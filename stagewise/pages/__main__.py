"""``python -m stagewise.pages``: write ``stagewise/public_files/`` anew, from the source tree."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

from stagewise.pages import documents, errors, openapi
from stagewise.pages.minify import minify

_PACKAGE = Path(__file__).resolve().parent.parent
_SOURCE = _PACKAGE.parent / "docs"
_BUILT = _PACKAGE / "public_files"


def build(source: Path = _SOURCE) -> dict[str, bytes]:
    """Every public file as path → content; they are served under these paths, HTML without its ending."""
    rendered = documents.render([*documents.found(source), *errors.documents(source / "errors")])
    files = {f"{path}.html": page.encode() for path, page in rendered.items()}
    files |= {f"docs/images/{picture.name}": picture.read_bytes() for picture in (source / "images").glob("*.png")}
    files["docs/style.css"] = (Path(__file__).parent / "style.css").read_bytes()
    files["form.css"] = (_PACKAGE / "forms" / "form.css").read_bytes()
    files["form.js"] = minify((_PACKAGE / "forms" / "form.js").read_text(encoding="utf-8")).encode()
    files["openapi.json"] = json.dumps(openapi.document(), indent=1, ensure_ascii=False).encode() + b"\n"
    return files


def write(files: dict[str, bytes], folder: Path) -> None:
    """Replace ``folder`` by these files."""
    if folder.exists():
        shutil.rmtree(folder)
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def main() -> int:
    """Build and write; 1 with one line on stderr when a page is missing."""
    try:
        files = build()
    except errors.MissingPage as error:
        sys.stderr.write(f"{error}\n")
        return 1
    write(files, _BUILT)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
