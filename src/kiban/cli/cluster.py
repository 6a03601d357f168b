"""`kiban cluster` and `kiban kubeconfig`: the embedded cluster alone, for whoever brings their own
manifests."""

import json
from pathlib import Path

import click

from kiban.cli.auditing import audit_line
from kiban.cli.shown import json_option, show_json
from kiban.primitives.instants import parse_span

state_option = click.option(
    "--state",
    "state_directory",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the cluster lives; .kiban of the platform repo, or of this directory.",
)


@click.group("cluster")
def cluster_command() -> None:
    """Run the embedded cluster alone: a Kubernetes API, with pods as processes."""


@cluster_command.command("start", epilog="Example: kiban cluster start --detach --json")
@state_option
@click.option("--detach", is_flag=True, help="Return when it answers, and leave it running.")
@click.option("--modelled", is_flag=True, help="Run images the store does not hold as a model.")
@click.option("--port", type=int, default=0, help="The API server's port; kept from then on.")
@click.option("--nodes", type=int, default=3, show_default=True, help="Virtual nodes.")
@click.option("--listen", default="127.0.0.1", show_default=True, help="The API server's address.")
@click.option("--expose", is_flag=True, help="Let other machines reach it: --listen may name any.")
@json_option
def start(
    state_directory: Path | None,
    detach: bool,
    modelled: bool,
    port: int,
    nodes: int,
    listen: str,
    expose: bool,
    as_json: bool,
) -> None:
    """Start the cluster; print server, token, CA and kubeconfig.

    Without --detach it runs until Ctrl-C, which ends every pod in good order.
    """
    from kiban.wiring.cluster_command import ClusterWish, start_detached, start_here
    from kiban.wiring.listening import WARNING, checked_address

    also = checked_address(listen, exposed=expose)
    if also:
        click.echo(WARNING.format(address=also), err=True)
    wish = ClusterWish(state_directory, port=port, nodes=nodes, modelled=modelled, listen=also)
    tell = show_json if as_json else _tell
    if detach:
        tell(start_detached(wish))
    else:
        start_here(wish, tell)


@cluster_command.command("stop", epilog="Example: kiban cluster stop")
@state_option
def stop(state_directory: Path | None) -> None:
    """Stop the cluster and every process of it; its objects are kept."""
    from kiban.wiring.cluster_command import stop_cluster

    click.echo(stop_cluster(state_directory))


@cluster_command.command("status", epilog="Example: kiban cluster status --json")
@state_option
@json_option
def status(state_directory: Path | None, as_json: bool) -> None:
    """Say whether the cluster runs, and where. Exits with 1 when it does not."""
    from kiban.wiring.cluster_command import cluster_status

    found = cluster_status(state_directory)
    if as_json:
        show_json(found)
    elif found["running"]:
        click.echo(f"running at {found['server']} (process {found['pid']})")
    else:
        click.echo("not running")
    if not found["running"]:
        raise click.exceptions.Exit(1)


@cluster_command.command("backup", epilog="Example: kiban cluster backup before-upgrade.kiban")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@state_option
@json_option
def backup(file: Path, state_directory: Path | None, as_json: bool) -> None:
    """Write every object of the cluster, as of one moment, to a new FILE.

    The cluster may run meanwhile. Secrets are in the file as they are; only you can read it.
    """
    from kiban.wiring.cluster_backup import back_up_cluster

    found = back_up_cluster(state_directory, file)
    if as_json:
        show_json(found)
    else:
        click.echo(f"{file}: {found['objects']} objects at revision {found['revision']}")


@cluster_command.command("restore", epilog="Example: kiban cluster restore before-upgrade.kiban")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@state_option
@click.option("--force", is_flag=True, help="Replace the objects of the cluster that is there.")
@json_option
def restore(file: Path, state_directory: Path | None, force: bool, as_json: bool) -> None:
    """Put the objects in FILE, a backup, in the place of a cluster that does not run."""
    from kiban.wiring.cluster_backup import restore_cluster

    found = restore_cluster(state_directory, file, force=force)
    if as_json:
        show_json(found)
    else:
        click.echo(f"restored {found['objects']} objects; start with: kiban cluster start")


@cluster_command.command("audit", epilog="Example: kiban cluster audit --since 1h")
@state_option
@click.option("--since", metavar="SPAN", help="Only the last so long, such as 30m.")
@json_option
def audit(state_directory: Path | None, since: str | None, as_json: bool) -> None:
    """Print who changed what in the cluster, and who was denied: oldest first.

    With --json each line is an Event of audit.k8s.io/v1. Bodies and tokens are never recorded.
    """
    from kiban.wiring.cluster_access import audited

    try:
        seconds = parse_span(since) if since is not None else None
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--since") from error
    for entry in audited(state_directory, seconds):
        click.echo(json.dumps(entry) if as_json else audit_line(entry))


@cluster_command.command("user", epilog="Example: kiban cluster user ann --group devs > ann.yaml")
@click.argument("name")
@state_option
@click.option("--group", "groups", multiple=True, help="A group of the user; may be given again.")
@click.option("--valid", default="365d", show_default=True, help="How long the certificate holds.")
@click.option("--server", default="", help="The server's URL as the user reaches it.")
def user(
    name: str, state_directory: Path | None, groups: tuple[str, ...], valid: str, server: str
) -> None:
    """Print a kubeconfig for a user with a client certificate of their own.

    A new user may do nothing yet: give rights with `kubectl create rolebinding`.
    """
    from kiban.wiring.cluster_access import UserWish, user_kubeconfig

    try:
        seconds = parse_span(valid)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--valid") from error
    wish = UserWish(name, groups, seconds, server)
    click.echo(user_kubeconfig(state_directory, wish), nl=False)


@click.command("kubeconfig", epilog="Example: export KUBECONFIG=$(kiban kubeconfig)")
@state_option
def kubeconfig_command(state_directory: Path | None) -> None:
    """Print the path of the embedded cluster's kubeconfig."""
    from kiban.wiring.cluster_command import kubeconfig_path

    click.echo(kubeconfig_path(state_directory))


def _tell(data: dict[str, object]) -> None:
    click.echo(f"the cluster answers at {data['server']}")
    click.echo(f"  export KUBECONFIG={data['kubeconfig']}")
    if data.get("gateway"):
        click.echo(f"  the gateway listens at http://{data['gateway']}")
