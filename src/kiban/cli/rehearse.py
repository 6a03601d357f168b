"""`kiban rehearse`: a day of production before it happens."""

import sys
from pathlib import Path

import click

from kiban.cli.shown import json_option, show_json


@click.command("rehearse", epilog="Example: kiban rehearse day zone-loss --env prod --seeds 20")
@click.argument("scenarios", nargs=-1, metavar="[SCENARIO]...")
@click.option("--env", "-e", "environment", metavar="ENV", default="", help="Else the last one.")
@click.option("--cluster", metavar="NAME", default="", help="Which cluster of the environment.")
@click.option("--seeds", default=4, show_default=True, help="Runs, each with other dice.")
@click.option("--first-seed", default=1, show_default=True, help="To see one run again.")
@click.option("--compare", "against", metavar="REVISION", default="", help="Under the same dice.")
@click.option(
    "--measured", metavar="FILE", default="", help="CSV, or Prometheus: fit the model to it."
)
@click.option("--jobs", default=0, help="Runs at the same time; as many as there are cores.")
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), help="Where the reports go."
)
@click.option("--calibrate", is_flag=True, help="Measure the example, and fit the model to it.")
@click.option("--list", "lists", is_flag=True, help="List the scenarios.")
@json_option
def rehearse_command(
    scenarios: tuple[str, ...],
    lists: bool,
    calibrate: bool,
    out: Path | None,
    as_json: bool,
    **wish: object,
) -> None:
    """Run an environment's cluster, with its traffic and its cloud, on a virtual clock.

    The controllers, the scheduler and the autoscalers are those of the embedded cluster; machines,
    requests and the cloud are modelled. Scenarios can be combined; without any it is a day with
    deploys. Writes report.html, report.json and events.jsonl.

    Exits with 1 when an expectation failed, and with 3 when one could not be judged.
    """
    from kiban.wiring.rehearsing import Wish, rehearse, scenarios_here, written

    if calibrate:
        raise click.exceptions.Exit(_calibrate(out or Path("build/rehearsal")))
    if lists:
        for name, scenario in scenarios_here(Path.cwd()).items():
            click.echo(f"{name:<16} {scenario.description}")
        return
    wanted = Wish(scenarios, **wish)  # type: ignore[arg-type]
    with _Progress() as progress:
        found = rehearse(Path.cwd(), wanted, progress.show)
    files = written(found, out or Path("build/rehearsal"))
    _show(found, files, as_json=as_json)
    codes = {"pass": 0, "fail": 1, "unknown": 3}
    raise click.exceptions.Exit(codes[found.summary.rehearsal.answer])


def _calibrate(out: Path) -> int:
    """Bring the platform here up, load it, and compare."""
    from kiban.cli.screen import Lines
    from kiban.wiring.calibrating import calibration_of, check_example
    from kiban.wiring.event_loop import run
    from kiban.wiring.up import UpWish, run_up

    check_example(Path.cwd())
    screen = Lines()
    with screen:
        return int(run(run_up(UpWish("."), screen, calibration_of(out, click.echo))))


def _show(found: object, files: list[Path], *, as_json: bool) -> None:
    from kiban.rehearsal.report.document import document
    from kiban.rehearsal.report.text import comparison_text, text
    from kiban.wiring.rehearsing import Rehearsed

    assert isinstance(found, Rehearsed)
    if as_json:
        show_json(document(found.summary, found.comparison))
        return
    click.echo(text(found.summary, found.base))
    if found.comparison is not None:
        click.echo(comparison_text(found.comparison) or "Nothing differs.\n")
    click.echo(f"The whole report: {files[0]}")


class _Progress:
    """A bar on a terminal; nothing where nobody looks."""

    def __enter__(self) -> "_Progress":
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._bar = Progress(
            TextColumn("rehearsing"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"),
            TimeRemainingColumn(), console=Console(stderr=True), transient=True,
            disable=not sys.stderr.isatty(),
        )  # fmt: skip
        self._task = self._bar.add_task("rehearsing", total=1.0)
        self._bar.start()
        return self

    def show(self, share: float) -> None:
        self._bar.update(self._task, completed=share)

    def __exit__(self, *_: object) -> None:
        self._bar.stop()
