"""Whether a ring has run a commit well for as long as it must."""

from collections.abc import Mapping, Sequence

from kiban.delivery.fleet.messages import Report
from kiban.plans.run import Result
from kiban.primitives.instants import Instant, later, rfc3339


class Soaking:
    """Answers the gates after rings from what is known of the members.

    Clusters that cannot be reached are left out, but one at least has to run the commit: a ring
    that is away as a whole proves nothing.
    """

    def __init__(self, reports: Mapping[str, Report]) -> None:
        self._reports = reports

    def answer(
        self, names: Sequence[str], commit: str, seconds: float, since: int | None, now: Instant
    ) -> Result:
        """`since` is the instant from which on the ring is known to run well, if it does."""
        known = {name: self._reports[name] for name in names}
        for name, report in known.items():
            if report.contact == "yes" and report.fails(commit):
                words = report.message or "the delivery failed"
                return Result("fail", f"{name}: {words}", final=True)
        there = {name: report for name, report in known.items() if report.contact != "no"}
        if not there:
            return Result("unknown", "none of its clusters can be reached")
        for name, report in there.items():
            if not report.runs(commit):
                return Result("unknown", f"{name} does not run it well yet")
        began = now if since is None else Instant(since)
        if now >= later(began, seconds):
            return Result("pass", measured={"since": began})
        until = rfc3339(later(began, seconds))
        return Result("unknown", f"soaks until {until}", measured={"since": began})
