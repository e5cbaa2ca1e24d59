from collections import Counter

from biqa_cli.datasets.biq2021 import load_scenes


def test_the_scenes_that_came_with_the_package_are_whole() -> None:
    scenes = load_scenes()
    sizes = Counter(scenes.scene_of.values())
    assert (len(sizes), len(scenes.scene_of), len(scenes.val)) == (625, 1722, 951)
    assert min(sizes.values()) == 2
    # A scene is called as the first of its photos.
    assert all(scenes.scene_of[scene] == scene for scene in sizes)


def test_validation_takes_whole_scenes() -> None:
    scenes = load_scenes()
    inside = Counter(scenes.scene_of[photo] for photo in scenes.val if photo in scenes.scene_of)
    assert all(Counter(scenes.scene_of.values())[scene] == count for scene, count in inside.items())
    assert inside
