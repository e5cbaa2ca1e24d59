"""Command lines of a hundred thousand names: the parser takes them off a list from the front."""

from itertools import takewhile
from typing import Any

from typer.core import TyperCommand


class ManyNames(TyperCommand):
    """A command whose argument `paths` takes names in any number.

    What can only be names, before the first option and after the last one, passes the parser by: it
    moves all that is left of the line for every name, which takes seconds for 200,000.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401
        """Parse options and what is between them; names in front and behind join the others."""
        names = list(takewhile(_is_name, args))
        between = args[len(names) :]
        last = next((i for i in reversed(range(len(between))) if not _is_name(between[i])), -1)
        # The option may take what follows it.
        behind = between[last + 2 :] if last >= 0 else []
        left = super().parse_args(ctx, between[: last + 2])
        joined = [*names, *(ctx.params.get("paths") or ()), *behind]
        if names or behind:
            ctx.params["paths"] = joined
        return left


def _is_name(text: str) -> bool:
    return not text.startswith("-")
