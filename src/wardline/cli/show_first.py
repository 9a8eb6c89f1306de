"""A group of commands whose first, `show`, may be left out."""

from typer import Context
from typer.core import TyperGroup


class ShowFirst(TyperGroup):
    """`wardline GROUP --option` is `wardline GROUP show --option`."""

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:  # type: ignore[override]  # Typer's own click
        if not args or (args[0].startswith("-") and args[0] != "--help"):
            args = ["show", *args]
        return super().parse_args(ctx, args)
