"""The page of `biqa rate` in a real browser, with real clicks and keys."""

import shutil
import threading
from pathlib import Path
from typing import Any

import pytest
from fakes import photo

from biqa_cli.images.limits import DEFAULT_LIMITS
from biqa_cli.tuning.answers import CHOICES, RATINGS, Answers
from biqa_cli.tuning.page import RatingServer, serve
from biqa_cli.tuning.session import Session

playwright = pytest.importorskip("playwright.sync_api")

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="there is no Chromium on this machine"),
]


@pytest.mark.parametrize("pairs", [False, True])
def test_photos_are_shown_and_clicks_and_keys_are_answers(tmp_path: Path, pairs: bool) -> None:
    names = ["a.png", "<b> & 'c'.png", "d.png", "e.png"]
    for seed, name in enumerate(names):
        photo(300, 200, seed=seed).save(tmp_path / name)
    table = tmp_path / "table.csv"
    questions = [tuple(names[:2]), tuple(names[2:])] if pairs else [(name,) for name in names[:2]]
    session = Session(
        questions,
        Answers(table, CHOICES if pairs else RATINGS),
        ("1", "2") if pairs else ("1", "2", "3", "4", "5"),
    )
    server = RatingServer(session, tmp_path, limits=DEFAULT_LIMITS)
    thread = threading.Thread(target=serve, args=(server,), kwargs={"when_ready": lambda _: None})
    thread.start()
    wrong: list[str] = []
    try:
        with playwright.sync_playwright() as started:
            browser = started.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
            tab: Any = browser.new_page()
            tab.on("pageerror", lambda error: wrong.append(str(error)))
            tab.on(
                "request",
                lambda asked: (
                    None if asked.url.startswith(server.address) else wrong.append(asked.url)
                ),
            )
            tab.goto(server.address)
            tab.wait_for_selector("img")
            tab.wait_for_load_state("networkidle")
            widths = [image.evaluate("(i) => i.naturalWidth") for image in tab.locator("img").all()]
            assert widths == [300] * len(widths)
            said = playwright.expect(tab.locator("header"))
            assert tab.locator("img").count() == (2 if pairs else 1)
            tab.get_by_role("button", name="2", exact=True).click()
            said.to_contain_text("1 answers, question 2")
            tab.keyboard.press("1")
            said.to_contain_text("the last question")
            tab.keyboard.press("b")
            said.to_contain_text("1 answers, question 2")
            tab.keyboard.press("s")
            said.to_contain_text("the last question")
            browser.close()
    finally:
        server.shutdown()
        thread.join(10)
    first = "better,worse\n<b> & 'c'.png,a.png\n" if pairs else "path,mos\na.png,2\n"
    assert table.read_text() == first
    # A browser may ask for the icon of any site.
    assert [one for one in wrong if not one.endswith("favicon.ico")] == []
