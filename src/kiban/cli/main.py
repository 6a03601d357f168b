"""The entry point: commands are imported when they are called, faults become exit codes.

`kiban --help` must answer at once, so the table below names every command with its line of help
and nothing is imported for it.
"""

import os
import sys
import traceback
from importlib import import_module
from typing import NoReturn

import click

from kiban import __version__
from kiban.primitives.problems import Exit, KibanError

COMMANDS: dict[str, tuple[str, str]] = {
    "new": ("scaffold", "Make a platform repo that comes up."),
    "adopt": ("adopt", "Make a platform repo of manifests that exist, with a proof."),
    "schema": ("scaffold", "Write JSON Schema for editors."),
    "compile": ("compile", "Compile the platform repo into manifests."),
    "check": ("check", "Check compiled manifests against the rules."),
    "plan": ("plan", "Show what merging a change would do, before it is merged."),
    "rehearse": ("rehearse", "See a day of production before it happens."),
    "explain": ("explain", "Say where a value comes from."),
    "build": ("build", "Snapshot a service's source into the local image store."),
    "up": ("up", "Bring the platform up, and follow its Git repository."),
    "down": ("up", "Stop what `kiban up` started, and every process of it."),
    "deliver": ("fleet", "Deliver to all clusters of the platform, ring by ring."),
    "fleet": ("fleet", "Show every cluster: what it runs, how well, when it last answered."),
    "dashboard": ("dashboard", "Print the link that opens the dashboard."),
    "serve": ("dashboard", "Serve the dashboard of what another process delivers."),
    "status": ("status", "Show what runs, from which commit, and what is wrong."),
    "diff": ("diff", "Show what a sync would change, or what two environments differ in."),
    "publish": ("publish", "Put a service file of another repo into the platform repo."),
    "release": ("release", "Run another image of a service, by a commit."),
    "rollback": ("release", "Return a service to its last good release, by a commit."),
    "history": ("record", "List what was delivered, where and how it went."),
    "audit-log": ("record", "Export who did what, when and why."),
    "figures": ("record", "Compute deployment frequency, lead time, failures, recovery."),
    "notifications": ("notifications", "List who is told what happens, and try one."),
    "backup": ("backup", "Write all that is not in Git to a file."),
    "restore": ("backup", "Fill an empty journal from a backup, or prove that it could be."),
    "promote": ("promotion", "Take releases to the next environment, through its gates."),
    "approve": ("promotion", "Say yes to a release where approvals are wanted."),
    "quarantine": ("promotion", "Have an image never deployed until somebody lifts it."),
    "logs": ("status", "Print the logs of a service."),
    "events": ("status", "Print what happened in an environment."),
    "cluster": ("cluster", "Run the embedded cluster alone."),
    "kubeconfig": ("cluster", "Print the path of the embedded cluster's kubeconfig."),
}


class LazyGroup(click.Group):
    """A group whose commands live in modules that are imported on use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"kiban.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, f"{cmd_name.replace('-', '_')}_command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Example: kiban new shop && cd shop && kiban up",
)
@click.version_option(__version__, message="kiban %(version)s")
@click.option("-C", "directory", type=click.Path(exists=True, file_okay=False), help="Run in DIR.")
def commands(directory: str | None) -> None:
    """Kiban: many services, few platform engineers.

    One short file per service; compiled, checked and delivered by Git to any Kubernetes, or to
    the cluster that is built in.
    """
    if directory:
        os.chdir(directory)


def main() -> NoReturn:
    """Run the command line and leave with one of the exit codes of `Exit`."""
    try:
        code = commands.main(standalone_mode=False)
    except KibanError as error:
        for problem in error.problems:
            click.echo(str(problem), err=True)
        code = error.exit_code
    except click.exceptions.Exit as error:
        code = error.exit_code
    except click.Abort:
        code = 130
    except click.ClickException as error:
        error.show()
        code = Exit.USAGE
    except BrokenPipeError:
        # The reader of a pipe left; that is its right. Python would complain again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = Exit.DONE
    except KeyboardInterrupt:
        code = 130
    except Exception:  # noqa: BLE001 - the outermost edge: whatever comes here is our bug
        traceback.print_exc()
        click.echo("This is a bug in Kiban. Please report it with the lines above.", err=True)
        code = Exit.OUR_BUG
    sys.exit(int(code) if isinstance(code, int) else Exit.DONE)
