"""`kiban publish`: a service file that lives in the service's own repository goes into the
platform's, checked, as one commit."""

from dataclasses import dataclass
from pathlib import Path

from kiban.primitives.problems import Exit, KibanError, Place, Problem
from kiban.spec import load_platform
from kiban.spec.reading import read_yaml
from kiban.wiring.release import where_releases_go


@dataclass(frozen=True, slots=True)
class Published:
    """What is in Git now: the path there, and the commit, or the tip when nothing changed."""

    service: str
    path: str
    commit: str

    def as_data(self) -> dict[str, str]:
        return {"service": self.service, "path": self.path, "commit": self.commit}


def publish(file: Path, source: str = "") -> Published:
    """Write a service file into the platform repo of here, or of a URL. Raises `KibanError` when
    the platform would not load with it; then nothing is committed."""
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        what = f"{file} cannot be read: {error.strerror}"
        raise KibanError(Problem("publish/file", what, Place(str(file))), Exit.USAGE) from error
    name = _name(file, text)
    repository = where_releases_go(source)
    files = {**repository.files(repository.head())}
    path = f"services/{name}.yaml"
    load_platform({**files, path: text})
    commit = repository.edit(path, lambda _: text, f"Describe {name} as its repository does")
    return Published(name, path, commit)


def _name(file: Path, text: str) -> str:
    """The name that the file says; a file in another repository has no other."""
    tree, problems = read_yaml(str(file), text)
    said = tree.get("service") or tree.get("job") if tree is not None else None
    if problems:
        raise KibanError(problems)
    if said is None or not isinstance(said.value, str):
        what = f"{file} does not say which service it describes"
        problem = Problem("publish/no-name", what, Place(str(file)), fix="add `service: NAME`")
        raise KibanError(problem, Exit.USAGE)
    return said.value
