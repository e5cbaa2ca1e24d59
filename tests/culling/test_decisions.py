from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biqa_cli.culling.decisions import decide
from biqa_cli.culling.records import Decision, Shot
from biqa_cli.culling.stars import Stars, stars_of
from biqa_cli.results import Flaw, ImageResult


def _shot(
    path: str, score: float | None, group: int = 1, *, placed: bool = False, with_: str = ""
) -> Shot:
    status = "error" if score is None else "ok"
    result = ImageResult(path, score, None, None, None, "m", 8, 8, status, error="is damaged")
    return Shot(result, group, companions=(with_,) if with_ else (), is_placed=placed)


def _decisions(*shots: Shot, **options: object) -> dict[str, str]:
    return {row.path: row.decision.value for row in decide(shots, **options)}  # type: ignore[arg-type]  options of the test


def test_the_best_of_each_group_is_picked_and_the_others_rejected() -> None:
    shots = [_shot("a", 50), _shot("b", 60), _shot("c", 55), _shot("d", 10, group=2)]
    rows = decide(shots)
    assert [(row.path, row.rank, row.decision) for row in rows] == [
        ("b", 1, Decision.pick),
        ("c", 2, Decision.reject),
        ("a", 3, Decision.reject),
        ("d", 1, Decision.pick),
    ]
    assert [row.reason for row in rows] == [
        "the best of 3",
        "number 2 of 3, 5.0 points under the best",
        "number 3 of 3, 10.0 points under the best",
        "the only one of its moment",
    ]


def test_so_many_of_each_group_are_kept() -> None:
    shots = [_shot("a", 50), _shot("b", 60), _shot("c", 55)]
    assert _decisions(*shots, keep=2) == {"b": "pick", "c": "keep", "a": "reject"}
    assert _decisions(*shots, keep=9) == {"b": "pick", "c": "keep", "a": "keep"}


def test_the_reason_of_a_reject_ends_with_its_flaws() -> None:
    flaws = (Flaw("blurred", 0.9), Flaw("dark", 0.4))
    shots = [_shot("a", 60), _shot("b", 50), _shot("c", 20, group=2)]
    rows = decide([replace(shot, flaws=flaws) for shot in shots], reject_under=30)
    assert [row.reason for row in rows] == [
        "the best of 2",
        "number 2 of 2, 10.0 points under the best (blurred, dark)",
        "its score is under 30 (blurred, dark)",
    ]
    rows = decide([replace(shot, flaws=()) for shot in shots], reject_under=30)
    assert rows[2].reason == "its score is under 30"


def test_the_reason_of_an_exact_copy_ends_with_its_flaws() -> None:
    shots = [replace(_shot(name, 50), copies=0, flaws=(Flaw("dark", 0.4),)) for name in "ab"]
    assert [row.reason for row in decide(shots)] == [
        "the best of 2",
        "number 2 of 2, an exact copy of a (dark)",
    ]


def test_equal_scores_are_ranked_by_path() -> None:
    assert _decisions(_shot("b", 50), _shot("a", 50)) == {"a": "pick", "b": "reject"}


def test_an_exact_copy_says_of_which_photo_by_the_shortest_name_that_tells() -> None:
    paths = ("card/IMG_1.jpg", "web/a/IMG_1.jpg", "web/b/IMG_1.jpg", "web/b/IMG_2.jpg")
    shots = [replace(_shot(path, 50), copies=None if "_2" in path else 0) for path in paths]
    rows = decide(shots, keep=2)
    assert [row.reason for row in rows] == [
        "the best of 4",
        "number 2 of 4, an exact copy of card/IMG_1.jpg",
        "number 3 of 4, an exact copy of card/IMG_1.jpg",
        "number 4 of 4, 0.0 points under the best",
    ]


def test_a_score_under_the_threshold_is_rejected_even_if_it_is_the_best() -> None:
    shots = [_shot("a", 29.9), _shot("b", 12), _shot("c", 30, group=2)]
    assert _decisions(*shots, keep=3, reject_under=30) == {
        "a": "reject",
        "b": "reject",
        "c": "pick",
    }


def test_what_cannot_be_scored_is_kept_and_says_why() -> None:
    rows = decide([_shot("a", None), _shot("b", 3), _shot("c", None, group=2)], reject_under=2)
    assert [(row.path, row.decision, row.rank, row.stars) for row in rows] == [
        ("b", Decision.pick, 1, 1),
        ("a", Decision.keep, None, None),
        ("c", Decision.keep, None, None),
    ]
    assert rows[1].reason == "it could not be scored: is damaged"


def test_a_photo_in_the_folder_for_picks_takes_the_place_of_the_pick() -> None:
    shots = [_shot("c", 50, placed=True), _shot("a", 50), _shot("b", 40)]
    rows = decide(shots)
    assert [(row.path, row.decision.value, row.reason) for row in rows] == [
        ("c", "pick", "it lies in the folder for picks"),
        ("a", "reject", "number 2 of 3, 0.0 points under the best"),
        ("b", "reject", "number 3 of 3, 10.0 points under the best"),
    ]
    assert _decisions(*shots, keep=2) == {"c": "pick", "a": "keep", "b": "reject"}


@pytest.mark.parametrize("keep", [1, 2, 9])
def test_a_photo_that_is_better_than_the_placed_pick_is_kept(keep: int) -> None:
    shots = [_shot("a", 50, placed=True), _shot("b", 60), _shot("c", 50.1), _shot("d", 49)]
    rows = decide(shots, keep=keep)
    assert [(row.path, row.decision.value) for row in rows[:3]] == [
        ("b", "keep"),
        ("c", "keep"),
        ("a", "pick"),
    ]
    assert {row.reason for row in rows[:2]} == {"better than the pick of its moment"}
    assert rows[3].decision is (Decision.keep if keep == 9 else Decision.reject)


def test_beside_a_placed_pick_without_a_score_nothing_is_rejected() -> None:
    rows = decide([_shot("a", None, placed=True), _shot("b", 60)])
    assert [(row.path, row.decision.value, row.reason) for row in rows] == [
        ("b", "keep", "the pick of its moment could not be scored"),
        ("a", "pick", "it lies in the folder for picks"),
    ]


def test_the_best_of_several_placed_picks_is_what_a_photo_must_beat() -> None:
    shots = [_shot("a", 50, placed=True), _shot("b", 60, placed=True), _shot("c", 55)]
    assert _decisions(*shots) == {"a": "pick", "b": "pick", "c": "reject"}


def test_reject_under_holds_beside_a_placed_pick_too() -> None:
    shots = [_shot("a", 10, placed=True), _shot("b", 20)]
    assert _decisions(*shots, reject_under=30) == {"a": "pick", "b": "reject"}


def test_companions_share_the_fate_of_their_photo() -> None:
    first, second = decide([_shot("IMG_1.JPG", 70, with_="IMG_1.CR2")])
    assert second.path == "IMG_1.CR2" and second.reason == "it goes with IMG_1.JPG"
    assert (second.decision, second.score, second.rank, second.stars) == (
        first.decision,
        first.score,
        first.rank,
        first.stars,
    )


@pytest.mark.parametrize(
    ("score", "stars"),
    [(0, 1), (19.99, 1), (20, 2), (40, 3), (60, 4), (79.9, 4), (80, 5), (100, 5)],
)
def test_absolute_stars_are_the_five_classes_of_a_rating(score: float, stars: int) -> None:
    assert stars_of([score], Stars.absolute) == [stars]


def test_relative_stars_are_shares_of_the_shoot() -> None:
    stars = stars_of([n / 2 for n in range(100)], Stars.relative)
    assert [stars.count(n) for n in (1, 2, 3, 4, 5)] == [10, 20, 40, 20, 10]


@given(st.lists(st.floats(0, 100), max_size=30), st.sampled_from(Stars))
def test_stars_follow_scores(scores: list[float], scale: Stars) -> None:
    pairs = sorted(zip(scores, stars_of(scores, scale), strict=True))
    stars = [star for _, star in pairs]
    assert stars == sorted(stars) and all(1 <= star <= 5 for star in stars)
    assert len(set(pairs)) == len(set(scores))
