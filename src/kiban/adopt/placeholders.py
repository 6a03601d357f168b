"""Texts with placeholders for the names in them, so that what all services have in common is the
same patch and can be said once."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kiban.compiler.patches import filled


@dataclass(frozen=True, slots=True)
class Words:
    """What placeholders stand for in one service of one environment."""

    service: str
    environment: str
    namespace: str
    platform: str
    domain: str = ""
    # With its version, which must follow the release wherever it stands.
    image: str = ""
    # The environment and its namespace stay as they are where there is no other.
    is_alone: bool = False

    def as_map(self) -> dict[str, str]:
        return {
            "service": self.service,
            "environment": self.environment,
            "namespace": self.namespace,
            "platform": self.platform,
            "domain": self.domain,
            "image": self.image,
        }

    def templated(self, value: Any) -> Any:
        """A value with placeholders for the names in it; as it is where that would not lead back
        to the same value."""
        made = self._templated(value)
        return made if filled(made, self.as_map()) == value else value

    def _templated(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, Mapping):
            # Keys are names that others have given: `kiban.dev/…` is no environment.
            return {key: self._templated(item) for key, item in value.items()}
        return [self._templated(item) for item in value] if isinstance(value, list) else value

    def _text(self, text: str) -> str:
        for word, known in (
            ("image", self.image),
            ("domain", self.domain),
            ("namespace", "" if self.is_alone else self.namespace),
            ("service", self.service),
            ("environment", "" if self.is_alone else self.environment),
        ):
            if known and known in text:
                pattern = rf"(?<![A-Za-z0-9{{]){re.escape(known)}(?![A-Za-z0-9}}])"
                text = re.sub(pattern, f"{{{word}}}", text)
        return text
