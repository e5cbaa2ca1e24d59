"""The text of the page: HTML, styles, scripts and the photos as data, with no outside address."""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from biqa_cli.culling.short_names import short_names
from biqa_cli.reports.colour_scale import ANCHORS
from biqa_cli.reports.page.links import heatmap_command
from biqa_cli.reports.page.records import PagePhoto
from biqa_cli.reports.rows import printable

# One script element: each file uses what those before it define.
_SCRIPTS = (
    "photos.js",
    "histogram.js",
    "cards.js",
    "scatter.js",
    "list.js",
    "lightbox.js",
    "page.js",
)


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the pictures of one photo are; empty where there is none."""

    photo: str = ""
    """What the lightbox shows: the file itself, or a rendering of it."""
    thumbnail: str = ""
    heatmap: str = ""
    rendered: bool = False
    """Whether `photo` is a rendering, because browsers do not show the file."""


@dataclass(frozen=True, slots=True)
class Heading:
    """What the page says of the run."""

    title: str
    model: str
    facts: Sequence[tuple[str, str]] = ()
    """Names and values, shown in this order."""
    threshold: float | None = None
    """Where the slider stands at first; None is at 0, so that all photos stand out."""
    tables: Sequence["Table"] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """A table of results above the photos."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


# asdict() copies every value: half the time of a page of thousands.
_PHOTO = tuple(field.name for field in fields(PagePhoto))
_ADDRESSES = tuple(field.name for field in fields(Addresses))


def document(photos: Sequence[tuple[PagePhoto, Addresses]], heading: Heading) -> str:
    """Return the page."""
    names = short_names(photo.path for photo, _ in photos)
    data = {
        "model": heading.model,
        "threshold": heading.threshold,
        "colours": ANCHORS,
        "photos": [
            _facts(photo, addresses, heading, name=names[photo.path]) for photo, addresses in photos
        ],
    }
    script, style = _script(), _text("page.css")
    template = Environment(autoescape=True, undefined=StrictUndefined).from_string(
        _text("page.html")
    )
    return template.render(
        **_printable(heading),
        # Our own files, and data that cannot end its element.
        style=Markup(style),  # noqa: S704
        script=Markup(script),  # noqa: S704
        data=Markup(script_safe_json(data)),  # noqa: S704
        style_hash=_source_hash(style),
        script_hash=_source_hash(script),
    )


def script_safe_json(value: object) -> str:
    r"""Return JSON that can stand in a script element: nothing in it ends or opens one.

    Example:
        >>> script_safe_json("</script><!--")
        '"\\u003c/script\\u003e\\u003c!--"'
    """
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    for char in "<>&":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


def _facts(
    photo: PagePhoto, addresses: Addresses, heading: Heading, *, name: str
) -> dict[str, Any]:
    """Return what the scripts need to know of a photo; what is empty is left out."""
    when = photo.time
    facts = {
        **{name: getattr(photo, name) for name in _PHOTO},
        **{name: getattr(addresses, name) for name in _ADDRESSES},
        "path": printable(photo.path),
        # What is shown is no name that a program could open, where characters are escaped.
        "file": photo.path if printable(photo.path) != photo.path else None,
        "name": printable(name),
        "error": printable(photo.error),
        "note": printable(photo.note),
        "reason": printable(photo.reason),
        "flaws": [[printable(name), round(strength, 3)] for name, strength in photo.flaws],
        "command": heatmap_command(photo.path, model=heading.model)
        if photo.score is not None
        else "",
        "time": None if when is None else when.isoformat(" ", "seconds"),
        "moment": None
        if when is None
        else (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp(),
    }
    # Zero is a score.
    return {
        name: value
        for name, value in facts.items()
        if value is not None and value is not False and value not in ("", [])
    }


def _printable(heading: Heading) -> Mapping[str, Any]:
    return {
        "title": printable(heading.title),
        "facts": [(name, printable(value)) for name, value in heading.facts],
        "tables": [
            {
                "caption": printable(table.caption),
                "columns": table.columns,
                "rows": [[printable(cell) for cell in row] for row in table.rows],
            }
            for table in heading.tables
        ],
    }


def _source_hash(text: str) -> str:
    """Return what a content security policy names an element by."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@cache
def _script() -> str:
    parts = "\n".join(_text(name) for name in _SCRIPTS)
    return f'(function () {{\n"use strict";\n{parts}}})();\n'


def _text(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")
