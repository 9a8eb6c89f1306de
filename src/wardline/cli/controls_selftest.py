"""`wardline controls selftest`: plant faults before policies and checks, and say which were not caught."""

from datetime import timedelta
from typing import Annotated

import typer

from wardline.cli.shell import Output, leave, say, say_json
from wardline.errors import InvalidInput


def selftest(
    check: Annotated[
        list[str] | None, typer.Option(help="Only this one, may be repeated; `policies`: all of them. Default: all.")
    ] = None,
    if_older_than: Annotated[
        str | None, typer.Option(help="Leave out what caught everything within this time, such as 24h.")
    ] = None,
    output: Annotated[Output, typer.Option()] = Output.TEXT,
) -> None:
    """Plant faults before every policy and check, and record how many were caught; exit 1 where one got past."""
    from wardline.bootstrap.self_testing import run_self_test
    from wardline.cli.home import existing_home
    from wardline.cli.selftest_told import exit_code, summary, tell, to_json
    from wardline.delivery.self_test import Asked

    asked = Asked(names=tuple(check or ()), older_than=_length(if_older_than))
    with existing_home() as wardline:
        tested = run_self_test(wardline, asked, say=tell if output is Output.TEXT else _keep_quiet)
    if output is Output.JSON:
        say_json(to_json(tested))
    else:
        say(summary(tested))
    leave(exit_code(tested))


def _length(text: str | None) -> timedelta | None:
    from wardline.pipelines.shapes import to_timedelta

    length = None if text is None else to_timedelta(text)
    if text is not None and length is None:
        raise InvalidInput(f"--if-older-than: expected a duration such as 12h or 7d, got {text[:40]!r}")
    return length


def _keep_quiet(_: object) -> None:
    """Say nothing: there is one JSON document at the end."""
