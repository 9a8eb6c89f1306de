"""`wardline people`: who may answer for what."""

from pathlib import Path
from typing import Annotated

import typer

from wardline.cli.shell import Output, say, say_json, say_table

app = typer.Typer(help="Enrol people and see who may answer for what.", no_args_is_help=True)

_Output = Annotated[Output, typer.Option()]


@app.command("enrol")
def enrol(
    principal: Annotated[str, typer.Argument(help="Pseudonymous id, e.g. p-ward-7; never a name.")],
    key: Annotated[Path, typer.Option(help="The key of the administrator who enrols.", envvar="WARDLINE_KEY")],
    role: Annotated[list[str] | None, typer.Option(help="Repeat for each; none and no key: they have left.")] = None,
    public_key: Annotated[
        Path | None, typer.Option(help="Their public key; default for the first administrator: their own.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Kept in the one erasable table, never in evidence.")] = None,
    email: Annotated[list[str] | None, typer.Option(help="Addresses their commits carry; repeat for each.")] = None,
    output: _Output = Output.TEXT,
) -> None:
    """Say who somebody is. The first enrolment of an installation is an administrator's own."""
    from wardline.bootstrap.approvals import look_again
    from wardline.cli.home import home
    from wardline.cli.signing import personal_signer
    from wardline.delivery.enrol import KnownAs
    from wardline.identity.principals import parse_principal_id, parse_role

    with home() as wardline:
        enrolled = wardline.enrol(
            parse_principal_id(principal),
            roles=frozenset(parse_role(each) for each in role or ()),
            public_key=public_key,
            signer=personal_signer(wardline, key),
            known_as=None if name is None and not email else KnownAs(name=name or "", emails=tuple(email or ())),
        )
        look_again(wardline)
    roles = sorted(each.value for each in enrolled.enrolment.principal.roles)
    if output is Output.JSON:
        say_json({"principal": principal, "roles": roles, "log": enrolled.index})
        return
    say(f"{principal} is enrolled as {', '.join(roles) or 'departed'}: log index {enrolled.index}")


@app.command("list")
def list_people(output: _Output = Output.TEXT) -> None:
    """List principals with their roles; names only where the erasable table still has them."""
    from wardline.bootstrap.forgetting import erased
    from wardline.bootstrap.training import trainings
    from wardline.cli.home import existing_home

    with existing_home() as wardline:
        gone, trained, now = erased(wardline), trainings(wardline), wardline.clock.now()
        rows = [
            (
                each.id,
                ", ".join(sorted(role.value for role in each.roles)) or "departed",
                "-" if each.key is None else each.key.keyid[:12],
                f"erased on {gone[each.id]:%Y-%m-%d}" if each.id in gone else wardline.people.name_of(each.id) or "-",
                "-" if (it := trained.covering(each.id, now)) is None else f"{it.training.expires_at:%Y-%m-%d}",
            )
            for each in wardline.directory().principals()
        ]
    headings = ("principal", "roles", "key", "name", "trained until")
    if output is Output.JSON:
        say_json([dict(zip(headings, row, strict=True)) for row in rows])
        return
    say_table(headings, rows)
