"""Whether a configuration that is applied fits its kind: known fields, right types, no duplicates.

Source of the messages: structured-merge-diff typed/{validate,helpers}.go.
"""

from typing import Any

from kiban.kube.ownership.elements import elements_of, item_element, written
from kiban.kube.schema.shapes import Form, Shape


class WrongConfiguration(Exception):
    """A configuration that does not fit; the API server answers 500 with this message."""


def check_configuration(config: dict[str, Any], shape: Shape, *, allow_duplicates: bool) -> None:
    """Raise `WrongConfiguration` with every fault found."""
    if fits(config, shape, allow_duplicates):
        return
    faults: list[str] = []
    _check(config, shape, (), faults, allow_duplicates)
    if faults:
        metadata = config.get("metadata") or {}
        group, _, version = str(config.get("apiVersion", "")).rpartition("/")
        what = f"{metadata.get('namespace', '')}/{metadata.get('name', '')}"
        text = faults[0] if len(faults) == 1 else "errors:\n  " + "\n  ".join(faults)
        kind = f"{group}/{version}, Kind={config.get('kind', '')}"
        raise WrongConfiguration(f"failed to create typed patch object ({what}; {kind}): {text}")


def fits(value: Any, shape: Shape, allow_duplicates: bool) -> bool:
    """Whether nothing is wrong, without saying what: a fraction of the work of `_check`, which
    alone decides where this says no."""
    form = shape.form
    if value is None or form == "any":
        return True
    if form == "object" or form == "map":
        return isinstance(value, dict) and _entries_fit(value, shape, allow_duplicates)
    if form != "list":
        return isinstance(value, _FITTING[form]) and (
            form in _LENIENT or isinstance(value, bool) == (form == "boolean")
        )
    if not isinstance(value, list):
        return False
    unique = shape.relation != "atomic" and not allow_duplicates
    if unique and len(set(elements_of(value, shape))) < len(value):
        return False
    inner = shape.items
    return all(fits(item, inner, allow_duplicates) for item in value)


def _entries_fit(value: dict[str, Any], shape: Shape, allow_duplicates: bool) -> bool:
    steps = shape.steps
    for key, child in value.items():
        inner = steps[key][1]
        if inner is None:
            return False
        # Most of what there is are texts.
        if inner.form == "string" and isinstance(child, str):
            continue
        if not fits(child, inner, allow_duplicates):
            return False
    return True


_LENIENT = ("int-or-string", "quantity")
_NUMBERS = (int, float)
_FITTING: dict[Form, type | tuple[type, ...]] = {
    "int-or-string": object,
    "quantity": object,
    "int32": _NUMBERS,
    "int64": _NUMBERS,
    "number": _NUMBERS,
    "boolean": bool,
    "string": str,
    "time": str,
    "micro-time": str,
    "bytes": str,
}


def _check(
    value: Any, shape: Shape, path: tuple[str, ...], faults: list[str], allow_duplicates: bool
) -> None:
    if value is None or shape.form == "any":
        return
    if shape.form in ("object", "map"):
        if not isinstance(value, dict):
            faults.append(f"{written(path)}: expected map, got {_shown(value)}")
            return
        for key in sorted(value):
            inner = shape.child(key)
            if inner is None:
                faults.append(f"{written((*path, f'f:{key}'))}: field not declared in schema")
            else:
                _check(value[key], inner, (*path, f"f:{key}"), faults, allow_duplicates)
    elif shape.form == "list":
        _check_list(value, shape, path, faults, allow_duplicates)
    else:
        _check_scalar(value, shape, path, faults)


def _check_list(
    value: Any, shape: Shape, path: tuple[str, ...], faults: list[str], allow_duplicates: bool
) -> None:
    if not isinstance(value, list):
        faults.append(f"{written(path)}: expected list, got {_shown(value)}")
        return
    seen: set[str] = set()
    for index, item in enumerate(value):
        element = f"i:{index}"
        if shape.relation != "atomic":
            element = item_element(item, shape)
            if element in seen and not allow_duplicates:
                key = written((element,))
                faults.append(f"{written(path)}: duplicate entries for key {key}")
            seen.add(element)
        _check(item, shape.items, (*path, element), faults, allow_duplicates)


_NUMERIC = "numeric (int or float)"


def _check_scalar(value: Any, shape: Shape, path: tuple[str, ...], faults: list[str]) -> None:
    if shape.form in ("int-or-string", "quantity"):
        return
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if shape.form in ("int32", "int64", "number"):
        expected, fits = _NUMERIC, is_number
    elif shape.form == "boolean":
        expected, fits = "boolean", isinstance(value, bool)
    else:
        expected, fits = "string", isinstance(value, str)
    if not fits:
        faults.append(f"{written(path)}: expected {expected}, got {_shown(value)}")


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return "string"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return f"&value.valueUnstructured{{Value:{value}}}"
    return "list" if isinstance(value, list) else "map"
