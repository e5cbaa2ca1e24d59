import doctest
import re
from pathlib import Path

import pytest
from tool_loading import load_tool

import biqa_cli

ROOT = Path(__file__).parent.parent
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]

# The others show commands as they were run, and say which commit has their scripts.
CURRENT_PAGES = [p for p in PAGES if p.parent.name != "notebook" and p.name != "blockiqa.md"]

site_hooks = load_tool("site_hooks")
cli_docs = load_tool("write_cli_docs")


def _named(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def _links(text: str) -> list[tuple[str, str]]:
    """Return path and anchor of each link that leads nowhere outside."""
    return re.findall(r"\]\(([^)#:\s]*)(?:#([^)\s]*))?\)", text)


def _anchors(page: Path) -> set[str]:
    """Return the anchors of the headings of a page, as GitHub and the site name them."""
    text = re.sub(
        r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL
    )
    headings = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.slow
def test_the_examples_of_the_python_page_are_true(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    results = doctest.testfile(str(ROOT / "docs" / "python.md"), module_relative=False)
    assert results.attempted > 5 and results.failed == 0


def test_the_reference_has_all_that_the_package_exports() -> None:
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"^::: biqa_cli\.(\w+)$", page, flags=re.MULTILINE)) == sorted(
        biqa_cli.__all__
    )


@pytest.mark.slow
def test_the_python_of_the_readme_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    blocks = re.findall(r"^```python\n(.*?)^```", _readme(), flags=re.MULTILINE | re.DOTALL)
    assert blocks
    for block in blocks:
        exec(compile(block, "README.md", "exec"), {})
    first, *rows = capsys.readouterr().out.splitlines()
    assert 0 < float(first) < 100
    assert len(rows) == len(list((ROOT / "examples" / "photos").glob("*.jpg")))


def test_the_commands_of_the_readme_exist() -> None:
    commands = re.findall(r"^ {4}biqa (\w+)", _readme(), flags=re.MULTILINE)
    assert commands and set(commands) <= set(_commands())


@pytest.mark.parametrize("page", PAGES, ids=_named)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for path, anchor in _links(page.read_text(encoding="utf-8")):
        target = (page.parent / path) if path else page
        assert target.exists(), path
        if anchor:
            assert anchor in _anchors(target), f"{path}#{anchor}"


@pytest.mark.parametrize("page", CURRENT_PAGES, ids=_named)
def test_scripts_that_a_page_runs_exist(page: Path) -> None:
    for script in re.findall(r"python ((?:tools|benchmarks)/\w+\.py)", page.read_text("utf-8")):
        assert (ROOT / script).exists(), script


def test_every_command_has_a_page_in_the_navigation() -> None:
    assert set(cli_docs.COMMANDS) == set(_commands())
    assert {f"cli/{name}.md" for name in _commands()} <= set(_navigation())


def test_every_page_is_once_in_the_navigation() -> None:
    pages = [page.relative_to(ROOT / "docs").as_posix() for page in ROOT.glob("docs/**/*.md")]
    assert sorted(_navigation()) == sorted([*pages, *site_hooks.ROOT_PAGES.values()])


@pytest.mark.parametrize(
    ("link", "page", "on_site"),
    [
        ("[results](docs/results.md#speed)", "index.md", "[results](results.md#speed)"),
        ("![a map](docs/images/a.jpg)", "index.md", "![a map](images/a.jpg)"),
        ("[how](ARCHITECTURE.md)", "contributing.md", "[how](architecture.md)"),
        ("[data](../datasets.md)", "models/reqa.md", "[data](../datasets.md)"),
        ("[code](../../biqa_cli/networks/reqa.py)", "models/reqa.md", "code"),
        ("[here](#limits)", "models/reqa.md", "[here](#limits)"),
        ("[out](https://example.org/a#b)", "index.md", "[out](https://example.org/a#b)"),
        ("[broken](nowhere.md)", "index.md", "[broken](nowhere.md)"),
    ],
)
def test_links_of_a_checkout_become_links_of_the_site(link: str, page: str, on_site: str) -> None:
    assert site_hooks.site_links(link, page=page) == on_site


@pytest.mark.parametrize(
    ("text", "on_site"),
    [
        ("S_i m_i", "S<sub>i</sub> m<sub>i</sub>"),
        ("h'_i = Σ_j α_ij", "h'<sub>i</sub> = Σ<sub>j</sub> α<sub>ij</sub>"),
        ("σ_Y σ_Y\u0302", "σ<sub>Y</sub> σ<sub>Y\u0302</sub>"),
        ("v_{d,t} > 2σ_i", "v<sub>d,t</sub> > 2σ<sub>i</sub>"),
        ("native_score, MOS_zscore", "native_score, MOS_zscore"),
        ("`v_m` and\n\n    v_m\n\n```\nv_m\n```\n", "`v_m` and\n\n    v_m\n\n```\nv_m\n```\n"),
    ],
)
def test_formulas_get_subscripts_and_code_does_not(text: str, on_site: str) -> None:
    assert site_hooks.subscripts(text) == on_site


def _readme() -> str:
    return (ROOT / "README.md").read_text(encoding="utf-8")


def _navigation() -> list[str]:
    config = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    return re.findall(r"- .+: ([\w/-]+\.md)$", config[config.index("\nnav:") :], flags=re.MULTILINE)


def _commands() -> list[str]:
    from biqa_cli.cli import app

    commands = [command.name for command in app.registered_commands]
    groups = [group.name for group in app.registered_groups]
    return [name for name in (*commands, *groups) if name is not None]
