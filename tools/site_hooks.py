"""Hooks of MkDocs: the pages at the root of the repository join the site, and pages are adapted.

Pages link to each other as files of a checkout do. On the site, README.md is the home page, the
folder docs/ is the root, and source files have no page: a link to one becomes plain text. Formulas
are plain text in the pages, and get real subscripts on the site.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).parent.parent
ROOT_PAGES = {
    "README.md": "index.md",
    "ARCHITECTURE.md": "architecture.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
}
_LINK = re.compile(r"(?P<image>!?)\[(?P<text>[^\]]*)\]\((?P<path>[^)#\s:]+)(?P<anchor>#[^)]*)?\)")
_CODE = re.compile(r"(^```.*?^```|^ {4}.*?$|`[^`]+`)", re.MULTILINE | re.DOTALL)
# A name of one or two letters, perhaps with an accent or a prime: σ_Ŷ, h'_i, f_AFEL, v_{d,t}.
_SUBSCRIPT = re.compile(
    r"(?<![^\W\d])(?P<name>[^\W\d_]{1,2}[\u0300-\u036f]?'?)"
    r"_(?:\{(?P<long>[^}]+)\}|(?P<short>\w{1,6}[\u0300-\u036f]?)(?!\w))"
)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Return the files of docs/ and the pages at the root of the repository."""
    from mkdocs.structure.files import File  # the tests load this module without MkDocs

    for source, page in ROOT_PAGES.items():
        files.append(File.generated(config, page, abs_src_path=str(ROOT / source)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Return a page whose links lead to pages of the site, with subscripts in its formulas."""
    del config, files
    return subscripts(site_links(markdown, page=page.file.src_uri))


def site_links(markdown: str, *, page: str) -> str:
    """Return Markdown whose relative links are those of the site.

    Args:
        markdown: A page, with the links of a checkout.
        page: Its path on the site, such as "index.md" or "models/reqa.md".

    Example:
        >>> site_links("[results](docs/results.md#speed)", page="index.md")
        '[results](results.md#speed)'
        >>> site_links("[reqa.py](../../biqa_cli/networks/reqa.py)", page="models/reqa.md")
        'reqa.py'
    """
    origin = {site: source for source, site in ROOT_PAGES.items()}.get(page, f"docs/{page}")

    def adapted(link: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(origin), link["path"]))
        if target in ROOT_PAGES:
            on_site = ROOT_PAGES[target]
        elif target.startswith("docs/"):
            on_site = target.removeprefix("docs/")
        elif (ROOT / target).exists():
            return link["text"]
        else:
            return link[0]  # a broken link: `mkdocs build --strict` names it
        path = posixpath.relpath(on_site, posixpath.dirname(page) or ".")
        return f"{link['image']}[{link['text']}]({path}{link['anchor'] or ''})"

    return _LINK.sub(adapted, markdown)


def subscripts(markdown: str) -> str:
    """Return Markdown with the subscripts of formulas as HTML; code is left as it is.

    Example:
        >>> subscripts("the mean of v_{d,t} and S_i, as `S_i` in native_score")
        'the mean of v<sub>d,t</sub> and S<sub>i</sub>, as `S_i` in native_score'
    """
    parts = _CODE.split(markdown)  # text and code in turn
    parts[::2] = [
        _SUBSCRIPT.sub(lambda m: f"{m['name']}<sub>{m['long'] or m['short']}</sub>", part)
        for part in parts[::2]
    ]
    return "".join(parts)
