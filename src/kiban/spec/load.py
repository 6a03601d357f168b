"""The one place of the core that reads files: a directory to the mapping that the loader takes."""

from pathlib import Path

# What a platform repo says is in these places; everything else is the teams' own.
_PATTERNS = (
    "platform.yaml",
    "rehearsal.yaml",
    "waivers.yaml",
    "checks.yaml",
    "services/*.y*ml",
    "*/kiban.y*ml",
    "*/*/kiban.y*ml",
    "releases/*.y*ml",
)


def read_directory(root: Path) -> dict[str, str]:
    """The spec files below a directory, by relative path, in a stable order."""
    found = sorted(
        path
        for pattern in _PATTERNS
        for path in root.glob(pattern)
        if not path.relative_to(root).as_posix().startswith(".")
    )
    return {
        path.relative_to(root).as_posix(): path.read_text(encoding="utf-8", errors="replace")
        for path in found
    }
