"""Whether a text is a schedule that CronJobs understand, and what Kubernetes says if not.

The grammar is that of github.com/robfig/cron/v3's standard parser: five fields, or `@daily` and
its like, or `@every 5m`.
"""

import re

_BOUNDS = (("minute", 0, 59), ("hour", 0, 23), ("dom", 1, 31), ("month", 1, 12), ("dow", 0, 6))
_DESCRIPTORS = ("@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly")
_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec"
_DAYS = "sun mon tue wed thu fri sat"
_NAMES = {
    "month": {name: number for number, name in enumerate(_MONTHS.split(), start=1)},
    "dow": {name: number for number, name in enumerate(_DAYS.split())},
}


def schedule_fault(text: str) -> str:
    """What is wrong with a schedule; empty when it is right."""
    if "TZ" in text:
        return "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"
    if text.startswith("@"):
        return _descriptor_fault(text)
    fields = text.split()
    if len(fields) != len(_BOUNDS):
        return f"expected exactly 5 fields, found {len(fields)}: [{' '.join(fields)}]"
    for field, (name, least, most) in zip(fields, _BOUNDS, strict=True):
        for part in field.split(","):
            fault = _part_fault(part, name, least, most)
            if fault:
                return fault
    return ""


def _descriptor_fault(text: str) -> str:
    if text in _DESCRIPTORS:
        return ""
    if text.startswith("@every "):
        span = text.removeprefix("@every ")
        if re.fullmatch(r"(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+", span):
            return ""
        return f'failed to parse duration {text}: time: invalid duration "{span}"'
    return f"unrecognized descriptor: {text}"


def _part_fault(part: str, name: str, least: int, most: int) -> str:
    span, slash, step = part.partition("/")
    if step.count("/"):
        return f"too many slashes: {part}"
    low, dash, high = span.partition("-")
    if high.count("-"):
        return f"too many hyphens: {part}"
    start, end = least, most
    if span not in ("*", "?"):
        numbers = [_number(text, name) for text in ((low, high) if dash else (low,))]
        wrong = [number for number in numbers if isinstance(number, str)]
        if wrong:
            return wrong[0]
        values = [number for number in numbers if isinstance(number, int)]
        start = values[0]
        end = values[1] if dash else (most if slash else start)
    if slash:
        every = _number(step, "")
        if isinstance(every, str):
            return every
        if every == 0:
            return f"step of range should be a positive number: {part}"
    return _range_fault(part, (start, end), (least, most))


def _range_fault(part: str, span: tuple[int, int], bounds: tuple[int, int]) -> str:
    (start, end), (least, most) = span, bounds
    if start < least:
        return f"beginning of range ({start}) below minimum ({least}): {part}"
    if end > most:
        return f"end of range ({end}) above maximum ({most}): {part}"
    if start > end:
        return f"beginning of range ({start}) beyond end of range ({end}): {part}"
    return ""


def _number(text: str, name: str) -> int | str:
    named = _NAMES.get(name, {}).get(text.lower())
    if named is not None:
        return named
    if not re.fullmatch(r"[+-]?\d+", text):
        return f'failed to parse int from {text}: strconv.Atoi: parsing "{text}": invalid syntax'
    number = int(text)
    return f"negative number ({number}) not allowed: {text}" if number < 0 else number
