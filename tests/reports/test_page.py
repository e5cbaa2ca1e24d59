import base64
import errno
import hashlib
import io
import os
import re
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest
from page_photos import HOSTILE, data_of, page_of, saved
from PIL import Image

from biqa_cli.errors import UsageError
from biqa_cli.images.discovery import find_images
from biqa_cli.images.limits import Limits
from biqa_cli.reports.page import writing
from biqa_cli.reports.page.document import Heading, Table
from biqa_cli.reports.page.links import address_of, heatmap_command
from biqa_cli.reports.page.pictures import RENDERING_SIDE, THUMBNAIL_SIDE, pictures_of
from biqa_cli.reports.page.records import PagePhoto, photo_of_result
from biqa_cli.reports.page.writing import check_page, folder_of, write_page
from biqa_cli.reports.rows import printable
from biqa_cli.results import Flaw, ImageResult


class _Elements(HTMLParser):
    """The elements of a page and the text of scripts and styles, as a browser reads them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.inside: dict[str, list[str]] = {"script": [], "style": []}
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1] in self.inside and data.strip():
            self.inside[self.tags[-1]].append(data)


def _picture(data: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(data.removeprefix("data:image/jpeg;base64,"))))


def test_a_hostile_name_adds_no_element_and_comes_through_unchanged(tmp_path: Path) -> None:
    rows = [PagePhoto(HOSTILE, None, error=HOSTILE, note=HOSTILE, flaws=((HOSTILE, 0.5),))]
    tables = (Table(HOSTILE, (HOSTILE,), ((HOSTILE,),)),)
    hostile = Heading(HOSTILE, model=HOSTILE, facts=((HOSTILE, HOSTILE),), tables=tables)
    _, page = page_of(tmp_path, rows, heading=hostile)
    plain = Heading("t", model="m", facts=(("a", "b"),), tables=(Table("c", ("d",), (("e",),)),))
    _, without = page_of(tmp_path, [PagePhoto("a.jpg", None)], heading=plain)
    elements, expected = _Elements(page), _Elements(without)
    assert elements.tags == expected.tags
    assert not [name for name, _ in elements.attributes if name.startswith("on")]
    (facts,) = data_of(page)["photos"]
    assert facts["path"] == facts["error"] == facts["note"] == facts["flaws"][0][0] == HOSTILE


def test_nothing_comes_from_outside_and_only_our_own_script_may_run(tmp_path: Path) -> None:
    _, page = page_of(tmp_path, [PagePhoto(saved(tmp_path, "a.jpg"), 70.0)])
    # The name of SVG elements is no address that is fetched.
    assert set(re.findall(r"(?:https?:)?//[\w.-]+\.\w+[\w./]*", page)) == {
        "http://www.w3.org/2000/svg"
    }
    elements = _Elements(page)
    (style,), (_, script) = elements.inside["style"], elements.inside["script"]
    hashes = [
        "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"
        for text in (style, script)
    ]
    policy = next(value for _, value in elements.attributes if value and "default-src" in value)
    assert policy == (
        f"default-src 'none'; img-src 'self' data: file:; style-src {hashes[0]}; "
        f"script-src {hashes[1]}; base-uri 'none'; form-action 'none'"
    )


def test_what_is_known_of_a_photo_is_in_the_page_and_nothing_else(tmp_path: Path) -> None:
    full = PagePhoto(
        path=saved(tmp_path, "a.jpg"),
        score=0.0,
        low=0.0,
        high=12.5,
        width=640,
        height=480,
        time=datetime(2026, 5, 2, 10, 30),  # noqa: DTZ001  cameras tell no offset
        flaws=(("blur", 0.75),),
        group=3,
        rank=1,
        decision="reject",
        stars=0,
        reason="too dark",
    )
    _, page = page_of(tmp_path, [full, PagePhoto("gone.jpg", None, error="no such file")])
    one, other = data_of(page)["photos"]
    assert one.pop("thumbnail").startswith("data:image/jpeg;base64,")
    assert one.pop("command").startswith("biqa heatmap ")
    assert one == {
        "name": "a.jpg",
        "path": full.path,
        "score": 0.0,
        "low": 0.0,
        "high": 12.5,
        "width": 640,
        "height": 480,
        "time": "2026-05-02 10:30:00",
        "moment": datetime(2026, 5, 2, 10, 30, tzinfo=UTC).timestamp(),
        "flaws": [["blur", 0.75]],
        "group": 3,
        "rank": 1,
        "decision": "reject",
        "stars": 0,
        "reason": "too dark",
        "photo": "./a.jpg",
    }
    assert other == {"name": "gone.jpg", "path": "gone.jpg", "error": "no such file"}


def test_times_with_an_offset_are_sorted_as_moments(tmp_path: Path) -> None:
    zone = timezone(timedelta(hours=2))
    _, page = page_of(
        tmp_path, [PagePhoto("a.jpg", 1.0, time=datetime(2026, 5, 2, 12, tzinfo=zone))]
    )
    (facts,) = data_of(page)["photos"]
    assert facts["moment"] == datetime(2026, 5, 2, 10, tzinfo=UTC).timestamp()
    assert facts["time"] == "2026-05-02 12:00:00+02:00"


def test_a_result_becomes_a_photo_of_the_page() -> None:
    result = ImageResult("a.jpg", 71.5, 60.0, 80.0, 0.7, "m", 640, 480, "ok", note="of a preview")
    assert photo_of_result(result) == PagePhoto(
        "a.jpg", 71.5, 60.0, 80.0, note="of a preview", width=640, height=480
    )
    flawed = replace(result, flaws=(Flaw("blurred", 0.8), Flaw("dark", 0.62)))
    assert photo_of_result(flawed).flaws == (("blurred", 0.8), ("dark", 0.62))


def test_few_thumbnails_are_inside_the_page_and_it_needs_no_folder(tmp_path: Path) -> None:
    path, page = page_of(tmp_path, [PagePhoto(saved(tmp_path, "a.jpg", width=900), 70.0)])
    thumbnail = _picture(data_of(page)["photos"][0]["thumbnail"])
    assert thumbnail.size == (THUMBNAIL_SIDE, 192)
    assert not folder_of(path).exists()


def test_many_thumbnails_are_in_a_folder_beside_the_page(tmp_path: Path) -> None:
    names = [saved(tmp_path, f"{n}.jpg", seed=n) for n in range(3)]
    path, page = page_of(tmp_path, [PagePhoto(name, 70.0) for name in names], most_inside=2)
    thumbnails = [facts["thumbnail"] for facts in data_of(page)["photos"]]
    assert thumbnails == [f"./out_biqa_files/0000{n}.jpg" for n in (1, 2, 3)]
    for name, thumbnail in zip(names, thumbnails, strict=True):
        with Image.open(tmp_path / thumbnail) as small, Image.open(name) as whole:
            same = whole.convert("RGB").resize(small.size)
            assert abs(small.getpixel((9, 9))[1] - same.getpixel((9, 9))[1]) < 40
    assert path.stat().st_size < 100_000


def test_a_page_that_is_written_again_keeps_only_its_own_and_foreign_files(tmp_path: Path) -> None:
    rows = [PagePhoto(saved(tmp_path, f"{n}.jpg"), 70.0) for n in range(3)]
    path, _ = page_of(tmp_path, rows, most_inside=0)
    # Names like those of pictures are somebody's as well.
    (folder_of(path) / "00077.jpg").write_bytes(b"")
    page_of(tmp_path, rows[:1], most_inside=0)
    assert sorted(file.name for file in folder_of(path).iterdir()) == [
        "00001.jpg",
        "00077.jpg",
        "biqa-pictures.txt",
    ]
    (folder_of(path) / "00077.jpg").unlink()
    page_of(tmp_path, rows[:1])
    assert not folder_of(path).exists()


def test_thumbnails_are_not_found_as_photos(tmp_path: Path) -> None:
    name = saved(tmp_path, "a.jpg")
    page_of(tmp_path, [PagePhoto(name, 70.0)], most_inside=0)
    assert list(find_images([str(tmp_path)])) == [name]


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".bmp"])
def test_the_lightbox_shows_the_file_itself_where_browsers_can(suffix: str, tmp_path: Path) -> None:
    _, page = page_of(tmp_path, [PagePhoto(saved(tmp_path, f"a{suffix}"), 70.0)])
    (facts,) = data_of(page)["photos"]
    assert facts["photo"] == f"./a{suffix}" and "rendered" not in facts


def test_a_photo_that_browsers_do_not_show_gets_a_rendering(tmp_path: Path) -> None:
    # The content decides, not the suffix.
    file = tmp_path / "a.jpg"
    Image.new("RGB", (2500, 100), (10, 200, 30)).save(file, "TIFF")
    _, page = page_of(tmp_path, [PagePhoto(str(file), 70.0)])
    (facts,) = data_of(page)["photos"]
    assert facts["photo"] == "./out_biqa_files/00001-large.jpg" and facts["rendered"] is True
    with Image.open(tmp_path / facts["photo"]) as rendering:
        assert rendering.size == (RENDERING_SIDE, 82)


@pytest.mark.parametrize("name", ["gone.jpg", "a\0b.jpg", ""])
def test_a_photo_that_cannot_be_read_has_no_picture(name: str, tmp_path: Path) -> None:
    _, page = page_of(tmp_path, [PagePhoto(name, None, error="gone")])
    (facts,) = data_of(page)["photos"]
    assert not {"thumbnail", "photo", "rendered"} & facts.keys()


def test_a_damaged_photo_and_one_over_the_limits_have_no_picture(tmp_path: Path) -> None:
    name = saved(tmp_path, "a.jpg")
    assert pictures_of(name).thumbnail is not None
    assert pictures_of(name, limits=Limits(max_pixels=1000)).thumbnail is None
    damaged = tmp_path / "b.jpg"
    damaged.write_bytes(Path(name).read_bytes()[:900])
    assert pictures_of(str(damaged)).thumbnail is None


def test_maps_are_drawn_where_they_are_wanted(tmp_path: Path) -> None:
    rows = [
        PagePhoto(saved(tmp_path, "a.jpg"), 70.0, decision="pick"),
        PagePhoto(saved(tmp_path, "b.jpg"), 60.0, decision="reject"),
    ]

    def draw(photo: PagePhoto) -> Image.Image | None:
        return Image.new("RGB", (64, 48), (0, 200, 0)) if photo.decision == "pick" else None

    _, page = page_of(tmp_path, rows, heatmap=draw)
    one, other = data_of(page)["photos"]
    with Image.open(tmp_path / one["heatmap"]) as drawn:
        assert drawn.size == (64, 48)
    assert "heatmap" not in other


def test_an_address_is_relative_below_the_page_and_absolute_elsewhere(tmp_path: Path) -> None:
    page = tmp_path / "reports" / "out.html"
    below = address_of(tmp_path / "reports" / "a b" / "100%#1?.jpg", page=page)
    assert below == "./a%20b/100%25%231%3F.jpg"
    elsewhere = address_of(tmp_path / "reports.old" / "a.jpg", page=page)
    assert elsewhere == f"file://{tmp_path.as_posix()}/reports.old/a.jpg"


@pytest.mark.skipif(sys.platform != "linux", reason="names are bytes on Linux only")
def test_a_name_that_is_not_utf_8_has_an_address_and_is_shown_with_escapes(tmp_path: Path) -> None:
    name = os.fsdecode(os.fsencode(tmp_path) + b"/\xff.jpg")
    Path(name).write_bytes(Path(saved(tmp_path, "a.jpg")).read_bytes())
    _, page = page_of(tmp_path, [PagePhoto(name, 70.0)])
    (facts,) = data_of(page)["photos"]
    assert facts["photo"] == "./%FF.jpg" and unquote(facts["photo"]) != facts["photo"]
    assert facts["path"].endswith("\\udcff.jpg")
    assert "command" not in facts


@pytest.mark.parametrize(
    ("path", "command"),
    [
        ("a.jpg", "biqa heatmap a.jpg -m m"),
        ("it's; rm *.jpg", "biqa heatmap 'it'\"'\"'s; rm *.jpg' -m m"),
        ("-o.jpg", "biqa heatmap ./-o.jpg -m m"),
        ("a\nb.jpg", ""),
    ],
)
def test_the_command_for_a_map_can_be_pasted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, command: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(path).touch()
    assert heatmap_command(path, model="m") == command
    own = heatmap_command(path, model="my own.safetensors")
    assert own == (command and command.replace("-m m", "-m 'my own.safetensors'"))
    assert heatmap_command(path, model="a\nb.safetensors") == ""


@pytest.mark.parametrize("path", ["s3://b/a.jpg", "p.tar/a.jpg", "t.parquet#0", "n" * 300])
def test_a_photo_that_is_no_file_has_no_command_for_a_map(tmp_path: Path, path: str) -> None:
    _, page = page_of(tmp_path, [PagePhoto(path, 70.0)])
    (facts,) = data_of(page)["photos"]
    assert facts["path"] == path and "command" not in facts


@pytest.mark.parametrize(
    ("name", "message"),
    [("out.htm", "'out.htm' does not end in .html"), ("dir.html", "it is a folder")],
)
def test_a_page_has_a_name_that_browsers_open(name: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "dir.html").mkdir()
    with pytest.raises(UsageError, match=message):
        write_page(tmp_path / name, [], heading=Heading("t", model="m"))


def test_a_page_whose_folder_cannot_be_written_to_is_refused_before_it_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A folder that is missing is made.
    check_page(tmp_path / "new" / "out.html")
    assert list(tmp_path.iterdir()) == []

    def full(**_: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(writing, "TemporaryFile", full)
    with pytest.raises(UsageError, match="cannot write .*out.html: Permission denied"):
        check_page(tmp_path / "out.html")


def test_an_empty_report_is_a_page(tmp_path: Path) -> None:
    _, page = page_of(tmp_path, [])
    assert data_of(page)["photos"] == []


@pytest.mark.slow
def test_the_text_of_a_page_of_3000_photos_takes_less_than_a_megabyte(tmp_path: Path) -> None:
    rows = [
        PagePhoto(
            f"card/DCIM/IMG_{n:05}.jpg",
            n / 30,
            n / 30 - 5,
            n / 30 + 5,
            width=6000,
            height=4000,
            flaws=(("blur", 0.5),),
            group=n // 3,
            rank=n % 3 + 1,
            decision="keep",
            stars=3,
        )
        for n in range(3000)
    ]
    path, page = page_of(tmp_path, rows)
    assert len(data_of(page)["photos"]) == 3000
    assert path.stat().st_size < 1_000_000


def test_names_are_whole_where_characters_are_escaped(tmp_path: Path) -> None:
    names = ["new\nline.jpg", "esc\x1b[31m.jpg", "back\\slash.jpg"]
    photos = [PagePhoto(f"shoot/{name}", 50.0) for name in names]
    _, text = page_of(tmp_path, photos)
    shown = [facts["name"] for facts in data_of(text)["photos"]]
    assert [name.endswith(".jpg") and len(name) > 8 for name in shown] == [True] * 3
    assert shown == [printable(name) for name in names]
