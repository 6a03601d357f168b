"""Which of many selectors choose an object, without trying all of them.

A controller whose objects select others keeps one of these up to date with the changes that it is
shown. Selectors are found by one label that they ask for; those that ask for none are few, and
tried every time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from kiban.kube.objects import Key
from kiban.kube.selectors import LabelSelector

_Place = tuple[str, str, str]


@dataclass(slots=True)
class SelectorIndex:
    """Selectors by the key of the object that has them. They choose within its namespace."""

    _selectors: dict[Key, LabelSelector] = field(default_factory=dict)
    _by_label: dict[_Place, dict[Key, None]] = field(default_factory=dict)
    _others: dict[str, dict[Key, None]] = field(default_factory=dict)

    def put(self, key: Key, selector: LabelSelector) -> None:
        """This object has this selector now."""
        present = self._selectors.get(key)
        if present == selector:
            return
        self.drop(key)
        self._selectors[key] = selector
        self._bucket(key, selector)[key] = None

    def drop(self, key: Key) -> None:
        """The object is gone, if it ever was there."""
        selector = self._selectors.pop(key, None)
        if selector is not None:
            self._bucket(key, selector).pop(key, None)

    def choosing(self, namespace: str, labels: Mapping[str, str]) -> list[Key]:
        """The objects whose selectors choose these labels, by name."""
        found = [
            key
            for name, value in labels.items()
            for key in self._by_label.get((namespace, name, value), ())
            if self._selectors[key].matches(labels)
        ]
        found += [
            key for key in self._others.get(namespace, ()) if self._selectors[key].matches(labels)
        ]
        found.sort()
        return found

    def _bucket(self, key: Key, selector: LabelSelector) -> dict[Key, None]:
        equalities = selector.equalities
        if not equalities:
            return self._others.setdefault(key.namespace, {})
        # The last by name is as good as any, and the same every time.
        return self._by_label.setdefault((key.namespace, *equalities[-1]), {})
