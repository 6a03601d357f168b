"""Rules for `LabelSelector` objects and for values like `25%`.

Source: k8s.io/apimachinery/pkg/apis/meta/v1/validation/validation.go.
"""

import re
from typing import Any

from kiban.kube import formats
from kiban.kube.validation.faults import Faults, all_invalid, forbidden, invalid, required
from kiban.kube.validation.metadata import validate_labels

PERCENT_FAULT = (
    "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or "
    "'93%', regex used for validation is '[0-9]+%')"
)


def validate_selector(selector: Any, field: str) -> Faults:
    faults = validate_labels((selector or {}).get("matchLabels"), f"{field}.matchLabels")
    for index, expression in enumerate((selector or {}).get("matchExpressions") or ()):
        faults += _expression(expression, f"{field}.matchExpressions[{index}]")
    return faults


def _expression(expression: dict[str, Any], field: str) -> Faults:
    faults: Faults = []
    operator, values = expression.get("operator", ""), expression.get("values") or []
    if operator in ("In", "NotIn"):
        if not values:
            detail = "must be specified when `operator` is 'In' or 'NotIn'"
            faults.append(required(f"{field}.values", detail))
    elif operator in ("Exists", "DoesNotExist"):
        if values:
            detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
            faults.append(forbidden(f"{field}.values", detail))
    else:
        faults.append(invalid(f"{field}.operator", operator, "not a valid selector operator"))
    key = expression.get("key", "")
    faults += all_invalid(f"{field}.key", key, formats.label_key_faults(key))
    for index, value in enumerate(values):
        details = formats.label_value_faults(value)
        faults += all_invalid(f"{field}.values[{index}]", value, details)
    return faults


def validate_share(value: Any, field: str, *, most: int | None = None) -> Faults:
    """A number that is not negative, or a percentage (of at most `most`)."""
    if isinstance(value, str):
        if not re.fullmatch(r"[0-9]+%", value):
            return [invalid(field, value, PERCENT_FAULT)]
        if most is not None and int(value[:-1]) > most:
            return [invalid(field, value, f"must not be greater than {most}%")]
        return []
    if value is not None and value < 0:
        return [invalid(field, value, "must be greater than or equal to 0")]
    return []
