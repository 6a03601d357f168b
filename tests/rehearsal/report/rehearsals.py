"""Small rehearsals, written by hand."""

from kiban.rehearsal.results import Assumption, Finding, Happening, Rehearsal, Run, Track, Verdict

TIMES = (0.0, 60.0, 120.0, 180.0)


def run(seed: int, *, failed: float = 3.0, keeps_budget: bool = True) -> Run:
    return Run(
        seed,
        TIMES,
        [
            Track("requests", "", "/s", (100.0, 110.0 + seed, 120.0, 100.0)),
            Track("replicas", "web", "", (2.0, 2.0, 4.0, 3.0)),
            Track("replicas", "api", "", (1.0, 1.0, float("nan"), 1.0)),
            Track("addresses_free", "a", "", (9.0, 8.0, 2.0, 5.0)),
        ],
        [
            Verdict(
                "keeps its error budget",
                "pass" if keeps_budget else "fail",
                "99.95 %" if keeps_budget else "99.2 %",
                "web",
                "" if keeps_budget else "pods ended without a drain",
            )
        ],
        [Finding("rehearsal/oscillates", "web", "turned round 9 times", track="replicas", at=60.0)],
        [Happening(60.0, "deploy web"), Happening(120.0, "zone a lost", is_fault=True)],
        {("web", "no drain"): failed},
        {"requests": 25800.0, "failed": failed, "cost_dollars": 1.25},
        "ab" * 32,
    )


def rehearsal(*runs: Run, revision: str = "1a2b3c") -> Rehearsal:
    assumptions = [Assumption("web", "service time", "20 ms", "assumed: nothing was measured")]
    return Rehearsal("arcade", "prod", "day", revision, 180.0, 32400.0, runs, assumptions)
