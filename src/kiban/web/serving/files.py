"""The page's own files, read once, compressed, and known by a hash of what is in them."""

import gzip
import hashlib
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
}
# Below it compression costs more than it saves.
COMPRESSED_FROM = 512


@dataclass(frozen=True, slots=True)
class PageFile:
    type: str
    tag: str
    plain: bytes
    packed: bytes | None


def page_files() -> dict[str, PageFile]:
    """Every file of the page by its path: `app.js`, `views/platform.js`."""
    return dict(sorted(_walk(files("kiban.web") / "static", "")))


def _walk(folder: Traversable, prefix: str) -> list[tuple[str, PageFile]]:
    found: list[tuple[str, PageFile]] = []
    for entry in folder.iterdir():
        path = f"{prefix}{entry.name}"
        if entry.is_dir():
            found += _walk(entry, f"{path}/")
        elif type_ := _TYPES.get("." + entry.name.rpartition(".")[2]):
            found.append((path, _file(entry.read_bytes(), type_)))
    return found


def _file(plain: bytes, type_: str) -> PageFile:
    packed = gzip.compress(plain, 9, mtime=0) if len(plain) >= COMPRESSED_FROM else None
    return PageFile(type_, f'"{hashlib.sha256(plain).hexdigest()[:20]}"', plain, packed)
