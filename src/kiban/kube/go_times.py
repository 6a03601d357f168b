"""Times as Go reads and writes them: with the fraction that the layout asks for, in UTC.

Source: k8s.io/apimachinery/pkg/apis/meta/v1/{time,micro_time}.go and Go's time/format.go.
"""

import re
from calendar import monthrange

from kiban.primitives.instants import parse_rfc3339, rfc3339, rfc3339_micro

_LAYOUT = "2006-01-02T15:04:05Z07:00"
_MICRO_LAYOUT = "2006-01-02T15:04:05.000000Z07:00"
_USUAL = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)
_MICRO = re.compile(r"[^.]*\.\d{6}(Z|[+-].*)", re.ASCII)
_OFFSET = re.compile(r"[+-]\d\d:\d\d", re.ASCII)
_FRACTION = re.compile(r"[.,]\d+", re.ASCII)
_DATE = (("2006", 4), ("-", 0), ("01", 2), ("-", 0), ("02", 2), ("T", 0))
_CLOCK = (("15", 1), (":", 0), ("04", 2), (":", 0), ("05", 2))
_RANGES = {"01": ("month", 1, 12), "15": ("hour", 0, 23), "04": ("minute", 0, 59)} | {
    "05": ("second", 0, 59)
}


def written_time(text: str, *, micro: bool = False) -> str:
    """The same moment as the server writes it. Raises `ValueError`, with Go's words, for what is
    none."""
    if _USUAL.fullmatch(text) and (not micro or _MICRO.fullmatch(text)):
        try:
            moment = parse_rfc3339(_with_micros(text))
        except ValueError:
            pass
        else:
            return rfc3339_micro(moment) if micro else rfc3339(moment)
    layout = _MICRO_LAYOUT if micro else _LAYOUT
    raise ValueError(f'parsing time "{text}"{_fault(text, layout, micro=micro)}')


def _with_micros(text: str) -> str:
    """Python reads no more than microseconds."""
    return re.sub(r"(\.\d{6})\d+", r"\1", text)


def _fault(text: str, layout: str, *, micro: bool) -> str:
    """What Go says where its reading stops."""
    rest = text
    read: dict[str, int] = {}
    for part, digits in _DATE + _CLOCK:
        if not digits:
            if rest[:1] != part:
                return _unread(layout, rest, part)
            rest = rest[1:]
            continue
        found = re.match(rf"\d{{{digits},{max(digits, 2)}}}", rest, re.ASCII)
        if not found:
            return _unread(layout, rest, part)
        read[part], rest = int(found[0]), rest[found.end() :]
        name, least, most = _RANGES.get(part, ("", 0, 9999))
        if not least <= read[part] <= most:
            return f": {name} out of range"
    if micro:
        if not re.match(r"[.,]\d{6}", rest, re.ASCII):
            return _unread(layout, rest, ".000000")
        rest = rest[7:]
    elif fraction := _FRACTION.match(rest):
        rest = rest[fraction.end() :]
    if rest[:1] == "Z":
        rest = rest[1:]
    elif _OFFSET.match(rest):
        rest = rest[6:]
    else:
        return _unread(layout, rest, "Z07:00")
    return f': extra text: "{rest}"' if rest else _day_fault(read)


def _unread(layout: str, rest: str, part: str) -> str:
    return f' as "{layout}": cannot parse "{rest}" as "{part}"'


def _day_fault(read: dict[str, int]) -> str:
    days = monthrange(max(read["2006"], 1), read["01"])[1]
    return ": time zone offset out of range" if 1 <= read["02"] <= days else ": day out of range"
