import codecs
import time
from xml.etree.ElementTree import fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sidecars import CAPTURE_ONE, DARKTABLE, DIGIKAM, LIGHTROOM, PROGRAMS, foreign, keywords, value

from biqa_cli.culling.xmp import BIQA, XMP, Marks, merge
from biqa_cli.culling.xmp import DIGIKAM as DIGIKAM_NS
from biqa_cli.culling.xmp import LIGHTROOM as LR
from biqa_cli.errors import SidecarError

RATING, LABEL = f"{{{XMP}}}Rating", f"{{{XMP}}}Label"
MARKS = Marks(4, "Green", ("blur", "a <b> & c"), 71.25)


def test_a_new_sidecar_has_all_marks() -> None:
    data = merge(None, MARKS).data
    assert (value(data, RATING), value(data, LABEL)) == ("4", "Green")
    assert keywords(data) == ["flaw: blur", "flaw: a <b> & c"]
    assert value(data, f"{{{BIQA}}}Score") == "71.25"


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_foreign_element_stays(program: str) -> None:
    before = PROGRAMS[program].encode()
    after = merge(before, MARKS).data
    assert foreign(after) == foreign(before)
    assert {"flaw: blur", "flaw: a <b> & c"} <= set(keywords(after))


@pytest.mark.parametrize("program", PROGRAMS)
def test_bytes_that_do_not_change_stay_where_they_are(program: str) -> None:
    before = PROGRAMS[program].encode()
    after = merge(before, Marks(score=50)).data
    # Only added to: what was there is there, in its order, with its quotes, spaces and line ends.
    left = iter(after)
    assert all(byte in left for byte in before)
    assert len(after) < len(before) + 120


@pytest.mark.parametrize("program", PROGRAMS)
def test_merged_again_a_sidecar_is_the_same(program: str) -> None:
    once = merge(PROGRAMS[program].encode(), MARKS).data
    assert merge(once, MARKS).data == once


@pytest.mark.parametrize("text", [LIGHTROOM, CAPTURE_ONE, DIGIKAM])
def test_zero_stars_and_an_empty_label_are_no_rating(text: str) -> None:
    merged = merge(text.encode(), MARKS)
    assert (value(merged.data, RATING), value(merged.data, LABEL)) == ("4", "Green")
    assert merged.kept == ()


@pytest.mark.parametrize("rating", ["1", "5", "-1"])
def test_the_rating_of_a_person_stays(rating: str) -> None:
    text = DARKTABLE.replace('xmp:Rating="1"', f'xmp:Rating="{rating}" xmp:Label="Yellow"')
    merged = merge(text.encode(), MARKS)
    assert (value(merged.data, RATING), value(merged.data, LABEL)) == (rating, "Yellow")
    assert merged.kept == ("rating", "label")


def test_its_own_rating_is_replaced_until_a_person_changes_it() -> None:
    first = merge(LIGHTROOM.encode(), Marks(2, "Red")).data
    second = merge(first, Marks(5)).data
    assert (value(second, RATING), value(second, LABEL)) == ("5", "")
    changed = second.replace(b'xmp:Rating="5"', b'xmp:Rating="3"')
    third = merge(changed, Marks(1, "Green"))
    assert (value(third.data, RATING), value(third.data, LABEL)) == ("3", "Green")
    assert third.kept == ("rating",)


def test_own_lists_of_programs_get_the_keyword_too() -> None:
    flaws = Marks(flaws=("blur",))
    digikam = merge(DIGIKAM.encode(), flaws).data
    assert keywords(digikam, f"{{{DIGIKAM_NS}}}TagsList") == ["Places/Garden", "flaw: blur"]
    lightroom = merge(LIGHTROOM.encode(), flaws).data
    assert keywords(lightroom, f"{{{LR}}}hierarchicalSubject")[-1] == "flaw: blur"
    assert keywords(merge(DARKTABLE.encode(), flaws).data) == ["flaw: blur"]


def test_flaws_that_are_gone_leave_and_other_keywords_stay() -> None:
    flawed = merge(LIGHTROOM.encode(), Marks(flaws=("blur", "noise"))).data
    assert keywords(merge(flawed, Marks(flaws=("noise",))).data) == [
        "wedding",
        "Zoë & Max",
        "flaw: noise",
    ]
    assert keywords(merge(flawed, Marks(flaws=())).data) == ["wedding", "Zoë & Max"]
    assert len(keywords(merge(flawed, Marks(flaws=None)).data)) == 4


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-8-sig", "latin-1"])
def test_the_encoding_of_a_sidecar_stays(encoding: str) -> None:
    marks = {"utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}
    text = LIGHTROOM
    if encoding == "latin-1":
        text = f'<?xml version="1.0" encoding="ISO-8859-1"?>\n{text}'
    before = marks.get(encoding, b"") + text.encode(encoding)
    after = merge(before, MARKS).data
    assert after.startswith(before[:60])
    again = after.removeprefix(marks.get(encoding, b"")).decode(encoding).encode()
    assert value(again.replace(b"ISO-8859-1", b"UTF-8"), RATING) == "4"


@pytest.mark.parametrize(
    "text",
    [
        '<r:RDF xmlns:r="{rdf}"/>',
        '<RDF xmlns="{rdf}"/>',
        '<RDF xmlns="{rdf}" xmlns:rdf="urn:other"></RDF>',
        '<r:RDF xmlns:r="{rdf}"><r:Description/></r:RDF>',
        '<RDF xmlns="{rdf}"><Description xmlns:xmp="urn:other" xmp:Rating="2"/></RDF>',
        (
            '<x><a:RDF xmlns:a="{rdf}"><a:Description xmlns:s="{dc}"><s:subject/>'
            "</a:Description></a:RDF></x>"
        ),
    ],
)
def test_unusual_forms_are_merged(text: str) -> None:
    rdf, dc = "http://www.w3.org/1999/02/22-rdf-syntax-ns#", "http://purl.org/dc/elements/1.1/"
    before = text.format(rdf=rdf, dc=dc).encode()
    after = merge(before, MARKS).data
    assert (value(after, RATING), value(after, LABEL)) == ("4", "Green")
    assert keywords(after) == ["flaw: blur", "flaw: a <b> & c"]
    abouts = [e.get(f"{{{rdf}}}about") for e in fromstring(after).iter(f"{{{rdf}}}Description")]
    assert abouts in ([""], [None])
    assert merge(after, MARKS).data == after


_BOMB = (
    '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">'
    + "".join(
        f'<!ENTITY {name} "{f"&{before};" * 10}">'
        for before, name in zip("abcdefghi", "bcdefghij", strict=True)
    )
    + "]><x>&j;</x>"
)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (_BOMB.encode(), "document type"),
        (b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>', "document type"),
        (b"", "not well-formed"),
        (b"<x><y></x>", "not well-formed"),
        (b"<x/>", "no rdf:RDF"),
        (b"<p:x/>", "no namespace"),
        (b"\xff\xfe<", "not text in utf-16-le"),
        (b'<?xml version="1.0" encoding="no-such"?><x/>', "not text in no-such"),
        (b"\0" * 100, "not well-formed"),
        (b"\x89PNG\r\n\x1a\n", "not text in utf-8"),
        (b"<x>" * 200, "too deeply"),
        (b" " * 16_000_001, "more than"),
    ],
)
def test_what_is_no_xmp_is_refused_at_once(data: bytes, reason: str) -> None:
    began = time.monotonic()
    with pytest.raises(SidecarError, match=reason):
        merge(data, MARKS)
    assert time.monotonic() - began < 2


@pytest.mark.slow
def test_many_namespaces_and_elements_take_bounded_time_and_memory() -> None:
    began = time.monotonic()
    many = " ".join(f'xmlns:n{number}="urn:{number}"' for number in range(10_000))
    below = '<n1:a xmlns:m="urn:m"/>' * 20_000
    text = (
        f'<r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#" {many}>'
        f"<r:Description>{below}</r:Description></r:RDF>"
    )
    assert b'xmp:Rating="3"' in merge(text.encode(), Marks(3)).data
    assert time.monotonic() - began < 5


@given(st.binary(max_size=60), st.integers(0, len(LIGHTROOM) - 1), st.integers(0, 40))
def test_damaged_sidecars_are_merged_or_refused(noise: bytes, place: int, lost: int) -> None:
    data = LIGHTROOM.encode()
    damaged = data[:place] + noise + data[place + lost :]
    try:
        merged = merge(damaged, MARKS).data
    except SidecarError:
        return
    assert merge(merged, MARKS).data == merged
