import pytest

from biqa_cli.culling.companions import files_by_stem, photos_of, renamed


def test_a_raw_file_and_its_jpeg_are_one_photo_and_the_jpeg_is_scored() -> None:
    assert photos_of(["d/1.CR2", "d/1.JPG", "d/10.JPG", "e/1.JPG"]) == [
        ("d/1.JPG", "d/1.CR2"),
        ("d/10.JPG",),
        ("e/1.JPG",),
    ]


def test_names_without_a_known_suffix_are_photos_of_their_own() -> None:
    assert photos_of(["d/a.b", "d/a.c", "d/a"]) == [("d/a.b",), ("d/a.c",), ("d/a",)]


@pytest.mark.parametrize(
    "sidecar",
    ["a.xmp", "a.XMP", "a.CR2.xmp", "a.jpg.xmp", "a.CR2.pp3", "a.CR2.dop", "a.AAE", "a_07.CR2.xmp"],
)
def test_sidecars_of_every_program_belong_to_their_photo(sidecar: str) -> None:
    assert files_by_stem(["a.CR2", sidecar]) == {"a": ["a.CR2", sidecar]}


@pytest.mark.parametrize("other", ["ab.xmp", "a.txt", "a.CR2.xmp.bak", "a", "a_7.CR2.xmp"])
def test_other_files_do_not(other: str) -> None:
    assert files_by_stem(["a.CR2", other]) == {"a": ["a.CR2"]}


def test_what_may_be_a_version_belongs_to_the_photo_of_its_whole_name_first() -> None:
    found = files_by_stem(["a.CR2", "a_01.CR2", "a_01.CR2.xmp", "a_02.CR2.xmp"])
    assert found == {"a": ["a.CR2", "a_02.CR2.xmp"], "a_01": ["a_01.CR2", "a_01.CR2.xmp"]}


def test_all_files_of_a_photo_get_its_new_name() -> None:
    assert renamed("a.CR2.xmp", "a", "a-2") == "a-2.CR2.xmp"
    assert renamed("a.JPG", "a", "a-2") == "a-2.JPG"
