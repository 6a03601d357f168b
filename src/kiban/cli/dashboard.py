"""`kiban dashboard` and `kiban serve`: the link to the page, and the page without the engine."""

import click


@click.command("dashboard", epilog="Example: kiban dashboard --open")
@click.argument("repo", default=".")
@click.option("--open", "opens", is_flag=True, help="Open it in the browser.")
def dashboard_command(repo: str, opens: bool) -> None:
    """Print the link that opens the dashboard of what `kiban up` runs in REPO.

    The link holds a token that lets whoever has it do everything.
    """
    from kiban.wiring.dashboard import link_here

    link = link_here(repo)
    click.echo(link)
    if opens:
        click.launch(link)


@click.command("serve", epilog="Example: kiban serve --env prod --context my-eks")
@click.option("--env", "-e", "environments", multiple=True, metavar="ENV", help="Again for more.")
@click.option("--context", default="", help="A context of a kubeconfig.")
@click.option("--port", default="8090", show_default=True, help="Where it listens.")
@click.option("--listen", default="127.0.0.1", show_default=True, help="The address it has.")
def serve_command(environments: tuple[str, ...], context: str, port: str, listen: str) -> None:
    """Serve the dashboard of what another process delivers, until Ctrl-C.

    It looks at the cluster, the repository and the journal, and changes nothing by itself.
    """
    from kiban.cli.catalogue import catalogue
    from kiban.wiring.dashboard import DashboardWish
    from kiban.wiring.dashboard.alone import serve
    from kiban.wiring.event_loop import run

    wish = DashboardWish(port_of(port), catalogue(), listen)
    run(serve(wish, environments, context, click.echo))


def port_of(text: str) -> int | None:
    if text == "none":
        return None
    if not text.isdigit() or int(text) > 65535:
        raise click.BadParameter("a port number, or none", param_hint="--dashboard")
    return int(text)
