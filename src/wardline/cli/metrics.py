"""`wardline metrics`: the figures, folded from the log."""

from typing import Annotated

import typer

from wardline.cli.shell import Output, say, say_json


def metrics(
    service: Annotated[str | None, typer.Option(help="Only this service; default: every one in the log.")] = None,
    environment: Annotated[str | None, typer.Option(help="Default: the last environment the service uses.")] = None,
    output: Annotated[Output, typer.Option()] = Output.TEXT,
) -> None:
    """Show the four DORA figures, how often the glass was broken, and how complete the audit trail is."""
    from wardline.cli.home import existing_home
    from wardline.cli.render import duration, share

    with existing_home() as wardline:
        report = wardline.measure(service=service, environment=environment)
    if output is Output.JSON:
        say_json(report.to_json())
        return
    for (key, figures), broken in zip(report.services, report.emergencies, strict=True):
        say(f"{key}")
        say(
            f"  deployments                    {figures.deployments}"
            + (f" in {duration(figures.window)}" if figures.window else "")
        )
        say(f"  lead time, commit to serving   {duration(figures.lead_time)} (median)")
        say(f"  change failure rate            {share(figures.change_failure_rate_bp)}")
        say(f"  time to recovery               {duration(figures.time_to_recovery)} (median)")
        say(f"  released under break-glass     {share(broken.rate_bp)} ({broken.under_glass} of {broken.releases})")
    trail = report.trail
    say("audit trail")
    say(f"  completeness                   {share(trail.completeness_bp)}")
    say(f"  runs sealed with right counts  {trail.sealed} of {trail.runs}, {trail.under_way} under way")
    say(f"  deployment steps with an Allow {trail.consented} of {trail.deployments}")
    for gap in trail.gaps:
        say(f"  gap: {gap}")
