"""What those who tend releases share: the repository and what it says now, the journal, the
sources of figures, and the environments that this process delivers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kiban.adapters.git import GitRepository
from kiban.adapters.journal import Journal
from kiban.delivery.marks import Scope
from kiban.delivery.releases import release_path, released
from kiban.operations.gates import MetricsPort
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
    _head: str = ""
    _released: dict[str, dict[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.view = JournalView(self.journal)

    def refresh(self) -> None:
        """Take in what Git and the journal say now. A commit that is no good changes nothing but
        the releases, which are read as they are."""
        self.view.refresh()
        head = self.repository.head()
        if head == self._head:
            return
        self._head = head
        files = self.repository.files(head)
        self._released = {
            name: released(files.get(release_path(name), "")) for name in self.platform.environments
        }
        try:
            self.platform = load_platform(files)
        except KibanError:
            # It is reported by the delivery, and what is known is still tended.
            return

    def released(self, environment: str) -> dict[str, str]:
        """What Git says runs in an environment, by service."""
        return self._released.get(environment, {})

    @property
    def environments(self) -> list[str]:
        """The environments of this process, each once."""
        return list(dict.fromkeys(scope.environment for scope in self.scopes))
