import random
from dataclasses import replace

import pytest
from bursts import burst, glimpse
from fakes import photo
from PIL import Image

from biqa_cli.culling.grouping import Glimpse, by_name, group_photos


def _shoot(*, timed: bool) -> tuple[list[Glimpse], list[int]]:
    """Return three bursts, a frame every 0.2 seconds, and the scene of each frame."""
    glimpses, scenes = [], []
    for scene in range(3):
        for image in burst(scene):
            index = len(glimpses)
            seconds = 0.2 * index if timed else None
            glimpses.append(glimpse(image, f"a/IMG_{index}.jpg", seconds=seconds))
            scenes.append(scene + 1)
    return glimpses, scenes


@pytest.mark.parametrize("timed", [True, False])
def test_bursts_are_found_with_and_without_exif(timed: bool) -> None:
    glimpses, scenes = _shoot(timed=timed)
    assert group_photos(glimpses) == scenes


def test_groups_do_not_depend_on_the_order_of_the_names_given() -> None:
    glimpses, scenes = _shoot(timed=True)
    mixed = list(zip(glimpses, scenes, strict=True))
    random.Random(1).shuffle(mixed)
    assert group_photos([one for one, _ in mixed]) == [scene for _, scene in mixed]


def test_the_same_view_later_is_another_moment() -> None:
    image = photo(seed=1)
    near, far = glimpse(image, "1.jpg", seconds=0), glimpse(image, "2.jpg", seconds=30)
    assert group_photos([near, far]) == [1, 2]
    assert group_photos([near, far], gap=30) == [1, 1]


def test_frames_of_two_cameras_between_each_other_make_two_groups() -> None:
    one, other = photo(300, 200, seed=1), photo(300, 200, seed=2)
    glimpses = [
        glimpse(one if index % 2 else other, f"{index}.jpg", seconds=index) for index in range(8)
    ]
    assert group_photos(glimpses) == [1, 2] * 4


def test_clocks_of_two_zones_are_compared_where_both_tell_theirs() -> None:
    image = photo(seed=1)
    at_home = glimpse(image, "1.jpg", seconds=0, offset=9)
    here = glimpse(image, "2.jpg", seconds=-7 * 3600, offset=2)
    without = glimpse(image, "3.jpg", seconds=0)
    assert group_photos([at_home, here]) == [1, 1]
    assert group_photos([at_home, without]) == [1, 1]


def test_a_copy_in_another_folder_without_its_time_is_found() -> None:
    image = photo(400, 300, seed=1)
    original = glimpse(image, "card/IMG_1.jpg", seconds=0)
    copy = glimpse(image.resize((200, 150)), "web/beach.jpg", seconds=None)
    other = glimpse(photo(400, 300, seed=2), "web/z.jpg", seconds=None)
    assert group_photos([original, copy, other]) == [1, 1, 2]


def test_frames_without_times_and_names_are_found_close_crops_too() -> None:
    glimpses, scenes = _shoot(timed=False)
    scattered = [replace(one, path=f"{index:02}/photo.jpg") for index, one in enumerate(glimpses)]
    assert group_photos(scattered) == scenes
    # Where all have times, those decide.
    far = [
        glimpse(image, f"{index}.jpg", seconds=60 * index)
        for index, image in enumerate(burst(0) + burst(0))
    ]
    assert group_photos(far) == list(range(1, 11))


def test_photos_that_cannot_be_read_and_black_ones_are_alone() -> None:
    black = Image.new("RGB", (64, 48))
    glimpses = [Glimpse("1.jpg"), Glimpse("2.jpg")]
    glimpses += [glimpse(black, "3.jpg", seconds=0), glimpse(black, "4.jpg", seconds=0)]
    # Those with a time come first.
    assert group_photos(glimpses) == [3, 4, 1, 2]


def test_no_photos_have_no_groups() -> None:
    assert group_photos([]) == []


def test_names_are_counted_as_people_do() -> None:
    names = ["b/1.jpg", "a/IMG_100.jpg", "a/IMG_20.jpg", "a/IMG_3.jpg", "a/IMG_٣.jpg"]
    assert sorted(names, key=by_name)[:3] == ["a/IMG_3.jpg", "a/IMG_20.jpg", "a/IMG_100.jpg"]
