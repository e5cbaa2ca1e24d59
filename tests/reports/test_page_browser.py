"""The page in a real browser, with real clicks and keys."""

import os
import shutil
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from page_photos import HOSTILE_NAME, page_of, saved
from PIL import Image

from biqa_cli.images.name_lists import read_names
from biqa_cli.reports.page.document import Heading, Table
from biqa_cli.reports.page.records import PagePhoto

playwright = pytest.importorskip("playwright.sync_api")

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="there is no Chromium on this machine"),
]

SHOOT = Heading(
    "Shoot", model="qualitynet-lite", facts=(("Model", "qualitynet-lite"),), threshold=50
)
START = datetime(2026, 5, 2, 10, 30)  # noqa: DTZ001  cameras tell no offset


@pytest.fixture(scope="module")
def shoot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of five photos, three of them of one moment, and one that cannot be read."""
    folder = tmp_path_factory.mktemp("shoot")

    def frame(n: int, score: float, **facts: Any) -> PagePhoto:
        name = saved(folder, f"IMG_{n}.jpg", width=1000, height=800, seed=n)
        time = START + timedelta(seconds=n)
        low, high = score - 8, score + 8
        return PagePhoto(name, score, low, high, "", "", 1000, 800, time, **facts)

    photos = [
        frame(1, 81.0, group=1, rank=1, decision="pick", stars=4, reason="the sharpest of 3"),
        frame(2, 42.0, group=1, rank=3, decision="reject", stars=1, flaws=(("blur", 0.8),)),
        frame(3, 66.0, group=1, rank=2, decision="keep", stars=3, flaws=(("noise", 0.4),)),
        frame(10, 35.0, group=2, rank=1, decision="reject", stars=1, flaws=(("blur", 0.6),)),
        PagePhoto(str(folder / HOSTILE_NAME), None, error="the file is truncated", group=3, rank=1),
    ]

    def draw(photo: PagePhoto) -> Image.Image | None:
        return Image.new("RGB", (160, 120), (0, 200, 0)) if photo.decision == "pick" else None

    return page_of(folder, photos, heading=SHOOT, heatmap=draw)[0]


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of 3,000 photos, without pictures."""
    folder = tmp_path_factory.mktemp("many")
    photos = [PagePhoto(f"IMG_{n:04}.jpg", n / 30, group=n // 4) for n in range(3000)]
    return page_of(folder, photos, heading=SHOOT)[0]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        # Chromium has no sandbox for root, as in containers.
        running = started.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture
def tab(browser: Any) -> Iterator[Any]:
    """A window that has seen neither an error nor a request to anywhere but the disk."""
    context = browser.new_context(viewport={"width": 1280, "height": 860})
    page, wrong = context.new_page(), []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("dialog", lambda dialog: (wrong.append(dialog.message), dialog.dismiss()))
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    page.on(
        "request",
        lambda asked: (
            None if asked.url.startswith(("file:", "data:", "blob:")) else wrong.append(asked.url)
        ),
    )
    yield page
    context.close()
    assert wrong == []


def _open(tab: Any, page: Path) -> None:
    tab.goto(page.as_uri())
    tab.wait_for_selector(".card")


def _names(tab: Any) -> list[str]:
    names: list[str] = tab.locator(".card .name").all_text_contents()
    return names


def _slide(tab: Any, value: float) -> None:
    box = tab.locator("#threshold").bounding_box()
    # The thumb is 16 pixels wide: its middle does not reach the ends.
    x = box["x"] + 8 + (box["width"] - 16) * value / 100
    tab.mouse.click(x, box["y"] + box["height"] / 2)


def _until(tab: Any, holds: str, seconds: float = 30) -> None:
    """Wait until an expression is true.

    Playwright's own ``wait_for_function`` calls ``eval`` in the page each time but the first,
    which the page's content security policy forbids.
    """
    end = time.monotonic() + seconds
    while not tab.evaluate(holds):
        assert time.monotonic() < end, f"still false after {seconds} s: {holds}"
        tab.wait_for_timeout(20)


def _picture(tab: Any, number: int) -> dict[str, Any]:
    facts: dict[str, Any] = tab.evaluate(
        """n => {
          const picture = document.querySelectorAll(".pane .picture")[n];
          const {width, height, left, top} = picture.getBoundingClientRect();
          const view = picture.parentElement.getBoundingClientRect();
          const image = picture.querySelector(".photo");
          return {width, height, x: left - view.left, y: top - view.top,
                  natural: image.naturalWidth, file: image.src.split("/").pop()};
        }""",
        number,
    )
    return facts


def test_photos_stand_in_their_groups_with_all_that_is_known(shoot: Path, tab: Any) -> None:
    _open(tab, shoot)
    assert _names(tab) == ["IMG_1.jpg", "IMG_2.jpg", "IMG_3.jpg", "IMG_10.jpg", HOSTILE_NAME]
    assert tab.locator(".group").all_text_contents() == ["Group 13 photos"]
    first = tab.locator(".card").first
    assert first.inner_text().split("\n") == [
        "Pick", "map", "81.0", "★★★★☆", "IMG_1.jpg", "2026-05-02 10:30:01"
    ]  # fmt: skip
    assert first.locator(".track").get_attribute("title") == (
        "about 90 % of ratings lie between 73.0 and 89.0"
    )
    assert tab.locator(".card").nth(1).locator(".flaw").inner_text() == "blur"
    assert tab.locator(".card").nth(4).locator(".error").inner_text() == "the file is truncated"


def test_the_slider_counts_dims_and_hides(shoot: Path, tab: Any) -> None:
    _open(tab, shoot)
    counts = tab.locator("#counts")
    assert counts.inner_text() == "2 at or above 50 · 2 below"
    _slide(tab, 40)
    assert counts.inner_text() == "3 at or above 40 · 1 below"
    below = tab.locator(".card.below .name")
    assert below.all_text_contents() == ["IMG_10.jpg"]
    tab.get_by_label("hide those below").click()
    assert _names(tab) == ["IMG_1.jpg", "IMG_2.jpg", "IMG_3.jpg"]
    _slide(tab, 70)
    assert _names(tab) == ["IMG_1.jpg"]
    assert tab.locator("#shown").inner_text() == "1 of 5 photos shown"
    tab.get_by_role("button", name="Clear filters").click()
    assert len(_names(tab)) == 5


def test_chips_of_one_kind_add_up_and_kinds_restrict_each_other(shoot: Path, tab: Any) -> None:
    _open(tab, shoot)
    tab.get_by_role("button", name="Pick").click()
    assert _names(tab) == ["IMG_1.jpg"]
    tab.get_by_role("button", name="Reject").click()
    assert _names(tab) == ["IMG_1.jpg", "IMG_2.jpg", "IMG_10.jpg"]
    tab.get_by_role("button", name="blur").click()
    assert _names(tab) == ["IMG_2.jpg", "IMG_10.jpg"]
    assert tab.locator("#counts").inner_text() == "0 at or above 50 · 2 below"
    tab.get_by_role("button", name="Clear filters").click()
    tab.get_by_role("button", name="without score").click()
    assert _names(tab) == [HOSTILE_NAME]


def test_names_are_found_and_photos_sorted(shoot: Path, tab: Any) -> None:
    _open(tab, shoot)
    tab.get_by_label("Find a name").fill("img_1")
    assert _names(tab) == ["IMG_1.jpg", "IMG_10.jpg"]
    tab.get_by_label("Find a name").fill("nothing")
    assert tab.get_by_text("No photo matches the filters.").is_visible()
    tab.get_by_label("Find a name").fill("")
    tab.get_by_label("groups").uncheck()
    tab.get_by_label("Sort", exact=True).select_option("score")
    assert _names(tab) == ["IMG_1.jpg", "IMG_3.jpg", "IMG_2.jpg", "IMG_10.jpg", HOSTILE_NAME]
    tab.get_by_label("Reverse the order").click()
    assert _names(tab) == ["IMG_10.jpg", "IMG_2.jpg", "IMG_3.jpg", "IMG_1.jpg", HOSTILE_NAME]
    tab.get_by_label("Sort", exact=True).select_option("time")
    assert _names(tab)[:4] == ["IMG_1.jpg", "IMG_2.jpg", "IMG_3.jpg", "IMG_10.jpg"]


def test_two_frames_are_compared_at_100_percent_and_move_together(shoot: Path, tab: Any) -> None:
    _open(tab, shoot)
    tab.locator(".card").first.click()
    _until(tab, "document.querySelector('.pane .photo').naturalWidth === 1000")
    assert _picture(tab, 0)["width"] < 1280
    tab.get_by_role("button", name="Compare").click()
    tab.get_by_role("button", name="100 %").click()
    _until(
        tab, "[...document.querySelectorAll('.pane .photo')].every(i => i.naturalWidth === 1000)"
    )
    left, right = _picture(tab, 0), _picture(tab, 1)
    # Beside the pick stands the next of its group by rank.
    assert (left["file"], right["file"]) == ("IMG_1.jpg", "IMG_3.jpg")
    assert (left["width"], left["height"]) == (right["width"], right["height"]) == (1000, 800)
    box = tab.locator(".pane .view").first.bounding_box()
    tab.mouse.move(box["x"] + 300, box["y"] + 300)
    tab.mouse.down()
    tab.mouse.move(box["x"] + 200, box["y"] + 260, steps=4)
    tab.mouse.up()
    for before, number in ((left, 0), (right, 1)):
        after = _picture(tab, number)
        assert after["x"] - before["x"] == pytest.approx(-100, abs=1)
        assert after["y"] - before["y"] == pytest.approx(-40, abs=1)
    # The left one was clicked: the strip changes it.
    tab.locator(".frame-button").nth(2).click()
    _until(tab, "document.querySelector('.pane .photo').src.endsWith('IMG_2.jpg')")
    assert _picture(tab, 1)["file"] == "IMG_3.jpg"


def test_the_keyboard_does_it_all(shoot: Path, tab: Any) -> None:
    _open(tab, shoot)
    tab.keyboard.press("]")
    assert tab.locator("#counts").inner_text() == "2 at or above 51 · 2 below"
    tab.locator(".card").first.focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft", "End", "ArrowLeft", "Enter"):
        tab.keyboard.press(key)
    assert tab.locator("#lightbox").is_visible()
    assert tab.locator(".pane .caption .name b").inner_text() == "IMG_10.jpg"
    for _ in range(3):
        tab.keyboard.press("ArrowLeft")
    assert tab.locator(".pane .caption .name b").inner_text() == "IMG_1.jpg"
    tab.keyboard.press("z")
    assert "100 %" in tab.locator(".pane .scale").inner_text()
    tab.keyboard.press("c")
    assert tab.locator(".pane").count() == 2
    tab.keyboard.press("Escape")
    assert not tab.locator("#lightbox").is_visible()
    # The focus is where the lightbox was left.
    _until(tab, "document.activeElement.querySelector('.name')?.textContent === 'IMG_3.jpg'")
    tab.keyboard.press("?")
    assert tab.get_by_role("heading", name="Keyboard").is_visible()


@pytest.mark.parametrize(("key", "shown"), [("Enter", "IMG_1.jpg"), ("End", HOSTILE_NAME)])
def test_keys_work_as_soon_as_the_page_is_open(key: str, shown: str, shoot: Path, tab: Any) -> None:
    _open(tab, shoot)
    tab.keyboard.press(key)
    if key != "Enter":
        tab.keyboard.press("Enter")
    assert tab.locator(".pane .caption .name b").inner_text() == shown


def test_keys_work_when_what_had_the_focus_is_filtered_out(shoot: Path, tab: Any) -> None:
    _open(tab, shoot)
    # The first arrow shows where one is.
    tab.keyboard.press("ArrowDown")
    assert tab.evaluate("document.activeElement.querySelector('.name')?.textContent") == "IMG_1.jpg"
    for _ in range(3):
        tab.keyboard.press("ArrowRight")
    for _ in range(20):
        tab.keyboard.press("]")
    tab.evaluate("document.getElementById('hide-below').click()")
    assert tab.evaluate("document.activeElement === document.body")
    tab.keyboard.press("ArrowLeft")
    tab.keyboard.press("Enter")
    assert tab.locator(".pane .caption .name b").inner_text() == "IMG_1.jpg"


def test_keys_that_somebody_types_stay_in_their_field(shoot: Path, tab: Any) -> None:
    _open(tab, shoot)
    tab.keyboard.press("/")
    tab.keyboard.type("img_1")
    tab.keyboard.press("Home")
    tab.keyboard.press("Enter")
    assert not tab.locator("#lightbox").is_visible()
    assert tab.evaluate("document.activeElement.id") == "search"


def test_the_map_of_a_pick_is_shown_on_request(shoot: Path, tab: Any) -> None:
    _open(tab, shoot)
    tab.locator(".card").first.click()
    assert not tab.locator(".pane .map").is_visible()
    tab.get_by_role("button", name="Map", exact=True).click()
    _until(tab, "document.querySelector('.pane .map').naturalWidth === 160")
    assert tab.locator("#legend").is_visible()
    tab.keyboard.press("ArrowRight")
    assert not tab.locator(".pane .map").is_visible()
    assert tab.get_by_role("button", name="Copy map command").is_visible()


def test_a_photo_that_cannot_be_read_opens_with_its_reason(shoot: Path, tab: Any) -> None:
    _open(tab, shoot)
    tab.locator(".card").nth(4).click()
    assert tab.locator(".pane .message").inner_text() == "the file is truncated"
    assert tab.locator(".pane .caption .name b").inner_text() == HOSTILE_NAME


def test_a_photo_that_was_moved_is_shown_as_its_thumbnail(tmp_path: Path, browser: Any) -> None:
    name = saved(tmp_path, "a.jpg")
    page, _ = page_of(tmp_path, [PagePhoto(name, 50.0, width=640, height=480)])
    Path(name).unlink()
    # The browser itself reports the missing file as an error.
    tab = browser.new_page()
    _open(tab, page)
    tab.locator(".card").click()
    tab.wait_for_selector(".message:has-text('The file is not where it was')")
    assert tab.evaluate("document.querySelector('.pane .photo').naturalWidth") == 360
    tab.close()


def test_the_names_that_are_shown_can_be_saved(shoot: Path, tab: Any) -> None:
    _open(tab, shoot)
    tab.get_by_role("button", name="Pick").click()
    with tab.expect_download() as download:
        tab.get_by_role("button", name="Save names").click()
    assert Path(download.value.path()).read_text() == f"{shoot.parent / 'IMG_1.jpg'}\n"


@pytest.mark.parametrize(
    ("names", "separator"),
    [
        ([b"esc\x1b[31m.jpg", b"\xff\xe4.jpg", "Zoë.jpg".encode()], b"\n"),
        ([b"line\nbreak.jpg", b"cr\r.jpg", b"\xff.jpg"], b"\0"),
    ],
)
def test_saved_names_are_those_of_the_files(
    names: list[bytes], separator: bytes, tmp_path: Path, tab: Any
) -> None:
    paths = [os.fsdecode(name) for name in names]
    page, _ = page_of(tmp_path, [PagePhoto(path, 50.0) for path in paths])
    _open(tab, page)
    tab.get_by_label("Sort", exact=True).select_option("listed")
    with tab.expect_download() as download:
        tab.get_by_role("button", name="Save names").click()
    saved_names = Path(download.value.path())
    assert saved_names.read_bytes() == b"".join(name + separator for name in names)
    assert list(read_names(str(saved_names), nul_separated=separator == b"\0")) == paths
    assert tab.locator("#toast").is_visible() == (separator == b"\0")


def test_copied_names_are_those_of_the_files(tmp_path: Path, browser: Any) -> None:
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    tab = context.new_page()
    paths = ["esc\x1b[31m.jpg", os.fsdecode(b"\xff.jpg"), "b.jpg"]
    page, _ = page_of(tmp_path, [PagePhoto(path, 50.0) for path in paths])
    _open(tab, page)
    tab.get_by_role("button", name="Copy names").click()
    tab.wait_for_selector(
        "#toast:has-text('2 names are copied. 1 name is no text: use Save names.')"
    )
    assert tab.evaluate("navigator.clipboard.readText()").split("\n") == [paths[0], paths[2]]
    context.close()


def test_photos_of_one_name_are_told_apart(tmp_path: Path, tab: Any) -> None:
    paths = ["a/card/1.jpg", "a/web/1.jpg", "b/web/1.jpg", "a/2.jpg"]
    page, _ = page_of(tmp_path, [PagePhoto(path, 50.0) for path in paths])
    _open(tab, page)
    assert sorted(_names(tab)) == ["2.jpg", "a/web/1.jpg", "b/web/1.jpg", "card/1.jpg"]


def test_of_3000_photos_only_those_near_the_window_are_in_the_page(many: Path, tab: Any) -> None:
    _open(tab, many)
    total = tab.evaluate("document.documentElement.scrollHeight")
    for part in (0.25, 0.5, 1):
        tab.evaluate(f"scrollTo(0, {total * part})")
        _until(
            tab,
            """() => {
              const seen = [...document.querySelectorAll(".row")]
                .map(row => row.getBoundingClientRect());
              const list = document.getElementById("photos").getBoundingClientRect();
              return Math.min(...seen.map(r => r.top)) <= Math.max(0, list.top)
                && Math.max(...seen.map(r => r.bottom)) >= Math.min(innerHeight, list.bottom) - 20;
            }""",
        )
        assert 15 <= tab.locator(".card").count() < 80
    assert _names(tab)[-1] == "IMG_2999.jpg"
    tab.keyboard.press("Home")
    _slide(tab, 90)
    _until(
        tab, "document.getElementById('counts').innerText === '300 at or above 90 · 2,700 below'"
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_contrast_in_both_themes(scheme: str, shoot: Path, browser: Any) -> None:
    tab = browser.new_page(color_scheme=scheme)
    _open(tab, shoot)
    assert tab.evaluate("document.documentElement.dataset.theme") == scheme
    assert _lowest_contrast(tab) >= 4.5
    tab.locator("#theme").click()
    assert _lowest_contrast(tab) >= 4.5
    tab.close()


def _lowest_contrast(tab: Any) -> float:
    """Return the lowest ratio of WCAG between text and what it stands on."""
    lowest: float = tab.evaluate(
        """() => {
          const canvas = document.createElement("canvas").getContext("2d");
          const rgb = colour => {
            canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
            return [...canvas.getImageData(0, 0, 1, 1).data];
          };
          const light = ([r, g, b]) => {
            const linear = [r, g, b].map(v => v / 255)
              .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
            return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
          };
          const behind = node => {
            for (let at = node; at; at = at.parentElement) {
              const colour = rgb(getComputedStyle(at).backgroundColor);
              if (colour[3] > 150) return colour;
            }
            return [255, 255, 255];
          };
          const texts = document.querySelectorAll(
            "h1, .summary, .quiet, .counts, .check, .chip, .chip-count, .link, .group, .score," +
            ".stars, .name, .facts, .error, .flaw, .decision");
          return Math.min(...[...texts].map(node => {
            const [a, b] = [light(rgb(getComputedStyle(node).color)), light(behind(node))];
            return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
          }));
        }"""
    )
    return lowest


@pytest.mark.parametrize("width", [360, 390, 768])
def test_a_narrow_window_needs_no_scrolling_sideways(width: int, shoot: Path, browser: Any) -> None:
    tab = browser.new_page(viewport={"width": width, "height": 844})
    _open(tab, shoot)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    tab.locator(".card").first.click()
    tab.keyboard.press("c")
    close = tab.locator("#close").bounding_box()
    assert close["x"] + close["width"] <= width
    first, second = (tab.locator(".pane").nth(n).bounding_box() for n in (0, 1))
    assert first["height"] > 150 and second["y"] + second["height"] <= 844
    for number in (0, 1):
        tab.locator(".frame-button").nth(number).click()
        tab.keyboard.press("s")
        assert _covered(tab) == []
    tab.close()


def _covered(tab: Any) -> list[str]:
    """Return the texts of captions that something lies over."""
    covered: list[str] = tab.evaluate(
        """() => [...document.querySelectorAll(".caption *")]
          .filter(node => node.textContent.trim() && !node.children.length)
          .filter(node => {
            const range = document.createRange();
            range.selectNodeContents(node);
            return [...range.getClientRects()].some(({left, right, top, height}) =>
              [left + 2, (left + right) / 2, right - 2].some(x => {
                const above = document.elementFromPoint(x, top + height / 2);
                return !node.contains(above) && !above?.contains(node);
              }));
          })
          .map(node => node.textContent)"""
    )
    return covered


def test_the_scatter_shows_a_photo_and_opens_it(tmp_path: Path, tab: Any) -> None:
    names = [saved(tmp_path, f"{n}.jpg", seed=n) for n in range(3)]
    rows = [PagePhoto(name, 20.0 + 30 * n, label=25.0 + 10 * n) for n, name in enumerate(names)]
    heading = Heading("Agreement", model="m", tables=(Table("m on d", ("srcc",), (("1.000",),)),))
    page, _ = page_of(tmp_path, rows, heading=heading)
    _open(tab, page)
    # The photo whose score is farthest from the label comes first.
    assert _names(tab) == ["2.jpg", "1.jpg", "0.jpg"]
    facts = tab.locator(".card .facts").all_text_contents()
    assert facts == ["MOS 45.0", "MOS 35.0", "MOS 25.0"]
    tab.locator("#scatter circle").nth(1).hover()
    assert tab.locator("#scatter .preview").inner_text() == "1.jpg\nscore 50.0, MOS 35.0"
    tab.locator("#scatter circle").nth(1).click()
    assert tab.locator(".pane .caption .name b").inner_text() == "1.jpg"
    tab.set_viewport_size({"width": 390, "height": 844})
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390
