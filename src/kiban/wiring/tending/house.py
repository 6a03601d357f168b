"""What those who tend releases share: the repository and what it says now, the journal, the
sources of figures, and the environments that this process delivers."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from kiban.adapters.git import GitRepository
from kiban.adapters.journal import Journal
from kiban.delivery.marks import Scope
from kiban.delivery.releases import release_path, released
from kiban.operations.gates import MetricsPort
from kiban.plans.records import Record
from kiban.primitives.instants import Instant
from kiban.primitives.problems import KibanError
from kiban.spec import Platform, load_platform
from kiban.wiring.tending.journal_view import JournalView


@dataclass(slots=True)
class House:
    """`scopes` are the environments of this process, each on its cluster; `state` is where it
    keeps its files."""

    repository: GitRepository
    journal: Journal
    metrics: MetricsPort
    clock: Callable[[], Instant]
    scopes: Sequence[Scope]
    platform: Platform
    state: Path
    say: Callable[[str], None] = lambda line: None
    view: JournalView = field(init=False)
    head: str = ""
    _released: dict[str, dict[str, str]] = field(default_factory=dict)
    _said: dict[str, str] = field(default_factory=dict)
    _is_stale: bool = True

    def __post_init__(self) -> None:
        self.view = JournalView(self.journal)

    @property
    def version(self) -> tuple[int, str]:
        """Changes with anything that Git or the journal says."""
        return (self.view.version, self.head)

    def expire(self) -> None:
        """Have the next `refresh` look again."""
        self._is_stale = True

    async def write(self, records: Sequence[Record]) -> None:
        """Put something on record."""
        await self.journal.append(records, self.clock())
        self.expire()

    def refresh(self) -> None:
        """Take in what Git and the journal say now, unless that is what was taken in last."""
        head = self.repository.head()
        if self._is_stale:
            self.view.refresh()
            self._is_stale = False
        if head != self.head:
            self._read(self.repository.files(head))
            self.head = head

    def _read(self, files: Mapping[str, str]) -> None:
        """Take in the files of a commit. One that is no good changes nothing but the releases,
        which are read as they are."""
        said = {path: text for path, text in files.items() if not path.startswith("releases/")}
        if said != self._said:
            self._said = {}
            # It is reported by the delivery, and what is known is still tended.
            with suppress(KibanError):
                self.platform, self._said = load_platform(files), said
        self._released = {
            name: released(files.get(release_path(name), "")) for name in self.platform.environments
        }

    def released(self, environment: str) -> dict[str, str]:
        """What Git says runs in an environment, by service."""
        return self._released.get(environment, {})

    @property
    def environments(self) -> list[str]:
        """The environments of this process, each once."""
        return list(dict.fromkeys(scope.environment for scope in self.scopes))
