from functools import cache
from pathlib import Path

import numpy as np
import pytest
from fakes import EXAMPLES
from PIL import Image
from tool_loading import load_benchmark

from biqa_cli.distortions.eight_bits import from_bytes

PHOTO = np.random.default_rng(0).random((3, 60, 80), dtype=np.float32)


_benchmark = cache(load_benchmark)


@pytest.mark.parametrize(
    ("good", "spoilt", "share"),
    [([3, 4], [1, 2], 1), ([1, 2], [3, 4], 0), ([2, 2], [2, 2], 0.5), ([1, 3], [2, 0], 0.75)],
)
def test_the_share_in_order_counts_all_pairs_across_photos_and_ties_a_half(
    good: list[float], spoilt: list[float], share: float
) -> None:
    assert _benchmark("plain_failures").in_order(good, spoilt) == share


def test_there_are_twelve_plain_failures_and_each_changes_a_photo() -> None:
    states = list(_benchmark("plain_failures").states(PHOTO, 3))
    assert len(states) == 13 and states[0][0] == "good"
    for name, state in states[1:]:
        assert state.shape == PHOTO.shape, name
        assert np.sqrt(np.mean((np.clip(state, 0, 1) - PHOTO) ** 2)) > 0.05, name


@pytest.mark.parametrize(
    "line", ["{score} I01_08_5.BMP", "TID2013/distorted_images/i01_08_5.bmp,GB,x/i01.bmp,{score}"]
)
def test_both_forms_of_the_ratings_of_tid2013_are_read(line: str, tmp_path: Path) -> None:
    text = "\n".join([line.format(score=2.5), line.replace("01_", "02_").format(score=3.5)])
    (tmp_path / "mos.txt").write_text(f"dis_img_path,score\n{text}\n")
    opinions = _benchmark("flaws_by_people").tid_opinions(tmp_path / "mos.txt")
    assert opinions == {(8, 5): 3.0}


@pytest.mark.parametrize("kind", ["gaussian-blur", "white-noise-rgb", "jpeg"])
@pytest.mark.parametrize("target", [21.0, 27.0])
def test_the_strength_is_found_that_has_a_psnr(kind: str, target: float) -> None:
    module = _benchmark("flaws_by_people")
    with Image.open(EXAMPLES / "raccoon.jpg") as image:
        photo = from_bytes(np.asarray(image.convert("RGB").resize((192, 144))))
    (search,) = (one for one in module.SEARCHES if one.kind == kind)
    found = module.at_psnr(photo, search, target=target, seed=0)
    assert found is not None
    assert module.psnr(found, photo) == pytest.approx(target, abs=module.TOLERANCE)


def test_a_psnr_that_a_kind_cannot_reach_gives_no_cell() -> None:
    module = _benchmark("flaws_by_people")
    flat = np.full((3, 32, 32), 0.5, np.float32)
    (search,) = (one for one in module.SEARCHES if one.kind == "gaussian-blur")
    assert module.at_psnr(flat, search, target=21.0, seed=0) is None


@pytest.mark.parametrize(("shape", "cut"), [((512, 768), (384, 512)), ((768, 512), (512, 384))])
def test_the_centre_of_a_photo_is_upright_as_the_photo_is(
    shape: tuple[int, int], cut: tuple[int, int]
) -> None:
    photo = np.zeros((3, *shape), np.float32)
    photo[:, shape[0] // 2, shape[1] // 2] = 1
    middle = _benchmark("flaws_by_people").centre(photo)
    assert middle.shape == (3, *cut) and middle[0, cut[0] // 2, cut[1] // 2] == 1


def test_agreement_is_one_where_scores_go_with_opinions() -> None:
    module = _benchmark("flaws_by_people")
    opinions = {("jpeg", level): 5.0 - level for level in (1, 2, 3, 4)}
    scored = {cell: 20 * opinion for cell, opinion in opinions.items()}
    found = module.agreement(scored, opinions)
    assert (found["cells"], found["srcc"], found["plcc"]) == (4, 1, 1)
    assert found["means"]["jpeg 4"] == {"people": 1.0, "score": 20.0}


def test_frames_of_a_burst_are_shifted_and_only_the_worse_ones_are_worse() -> None:
    module = _benchmark("bursts")
    frames = list(module.frames(PHOTO, 0))
    kinds = [kind for kind, _ in frames]
    assert kinds == ["sharp"] * 2 + ["blur of 1.5 pixels"] * 2 + ["motion of 5 pixels"] * 2
    for kind, frame in frames:
        assert frame.shape == (3, 52, 72)
        cuts = {
            PHOTO[:, top : top + 52, left : left + 72].tobytes()
            for top in range(9)
            for left in range(9)
        }
        assert (frame.tobytes() in cuts) == (kind == "sharp")


def test_a_photo_without_fine_detail_is_no_sharp_frame() -> None:
    module = _benchmark("bursts")
    texture = np.random.default_rng(0).random((3, 256, 256), dtype=np.float32)
    assert module.is_sharp(texture)
    assert not module.is_sharp(module.gaussian_blur(texture, sigma=4))


def test_a_thin_frame_is_black_and_the_photo_inside_is_whole() -> None:
    module = _benchmark("invariance")
    framed = module.framed(PHOTO)
    assert framed.shape == (3, 62, 82) and not framed[:, 0].any()
    np.testing.assert_array_equal(framed[:, 1:-1, 1:-1], PHOTO)
    assert np.ptp(module.grey(PHOTO), axis=0).max() == 0


def test_the_area_under_the_curve_counts_pairs_and_ties_a_half() -> None:
    auc = _benchmark("why").auc
    assert auc(np.array([0.9, 0.8]), np.array([0.1, 0.8])) == pytest.approx((1 + 1 + 1 + 0.5) / 4)
    assert auc(np.array([0.1]), np.array([0.2, 0.3])) == 0


def test_every_flaw_is_made_on_every_photo() -> None:
    benchmark = _benchmark("why")
    names = [name for name, _ in benchmark.states([PHOTO])]
    assert set(names) == {"", *benchmark.FLAWS}
    assert names.count("") == 1
