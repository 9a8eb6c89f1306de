"""`wardline gate explain|replay`: recorded decisions, from what was kept of them."""

from typing import Annotated

import typer

from wardline.cli.shell import UNDECIDED, VERIFICATION_FAILED, Output, leave, say, say_json


def explain(
    which: Annotated[
        str, typer.Argument(metavar="RUN|INDEX", help="A run, or the log index of a decision.", show_default=False)
    ],
    whole: Annotated[
        bool, typer.Option("--all", help="Show the checks of policies that were content, too.", show_default=False)
    ] = False,
    output: Annotated[Output, typer.Option()] = Output.TEXT,
) -> None:
    """Show which values made a gate decide as it did."""
    from wardline.bootstrap.replaying import explain_decisions
    from wardline.cli.decisions_told import asked, explained_to_json, explained_to_lines
    from wardline.cli.home import existing_home

    run, index = asked(which)
    with existing_home() as wardline:
        found = list(explain_decisions(wardline, run=run, index=index))
    if output is Output.JSON:
        say_json([explained_to_json(each) for each in found])
        return
    for each in found:
        for line in explained_to_lines(each, whole=whole):
            say(line)


def replay(
    which: Annotated[
        str | None,
        typer.Argument(metavar="[RUN|INDEX]", help="A run, or the log index of a decision; default: every decision."),
    ] = None,
    output: Annotated[Output, typer.Option()] = Output.TEXT,
) -> None:
    """Make decisions again from the recorded policies and inputs, and compare."""
    from wardline.bootstrap.replaying import replay_decisions
    from wardline.cli.decisions_told import asked, replayed_to_json, replayed_to_lines
    from wardline.cli.home import existing_home
    from wardline.outcomes import Outcome

    run, index = (None, None) if which is None else asked(which)
    counts = dict.fromkeys((Outcome.PASSED, Outcome.FAILED, Outcome.ERRORED), 0)
    told = []
    with existing_home() as wardline:
        for each in replay_decisions(wardline, run=run, index=index):
            counts[each.outcome] += 1
            if output is Output.JSON:
                told.append(replayed_to_json(each))
            elif which is not None or each.outcome is not Outcome.PASSED:  # of thousands, only what is not as it was
                for line in replayed_to_lines(each):
                    say(line)
    if output is Output.JSON:
        say_json({"decisions": told, **{str(outcome): count for outcome, count in counts.items()}})
    else:
        say(
            f"{sum(counts.values())} decisions made again: {counts[Outcome.PASSED]} come to the same, "
            f"{counts[Outcome.FAILED]} do not, {counts[Outcome.ERRORED]} could not be looked at"
        )
    if counts[Outcome.FAILED]:
        leave(VERIFICATION_FAILED)
    if counts[Outcome.ERRORED]:
        leave(UNDECIDED)
