import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from biqa_cli.datasets.base import Dataset, RatedImage
from biqa_cli.datasets.catalog import DATASETS
from biqa_cli.datasets.loading import READERS, load_dataset, load_labels
from biqa_cli.datasets.splits import default_protocol
from biqa_cli.errors import UsageError

Release = Callable[[str], Path]


def _by_path(dataset: Dataset) -> dict[str, RatedImage]:
    return {image.path: image for image in dataset.images}


def test_every_data_set_of_the_catalogue_has_a_reader() -> None:
    assert list(READERS) == list(DATASETS)


@pytest.mark.parametrize("name", DATASETS)
def test_a_whole_release_has_no_problems_and_its_paths_exist(name: str, release: Release) -> None:
    dataset = load_dataset(name.upper(), release(name))
    assert dataset.problems == ()
    assert dataset.name == name and dataset.scale == DATASETS[name].scale
    assert all(dataset.file(index).is_file() for index in range(len(dataset.images)))
    synthetic = DATASETS[name].kind == "synthetic"
    assert all((image.reference is not None) == synthetic for image in dataset.images)


def test_live_leaves_out_the_undistorted_files(release: Release) -> None:
    dataset = load_dataset("live", release("live"))
    assert len(dataset.images) == 982 - 5
    assert dataset.images[1] == RatedImage(
        path="jp2k/img2.bmp", mos=0.1, std=1.5, reference="woman", distortion="jp2k"
    )
    # Labels follow the folders in the order jp2k, jpeg, wn, gblur, fastfading.
    firsts = {image.distortion: image.mos for image in reversed(dataset.images)}
    assert firsts == {"jp2k": 0, "jpeg": 22.7, "wn": 46, "gblur": 63.4, "fastfading": 80.8}


def test_csiq_reads_a_sheet_that_starts_in_the_middle(release: Release) -> None:
    dataset = load_dataset("csiq", release("csiq"))
    assert dataset.images[0] == RatedImage(
        path="dst_imgs/awgn/1600.AWGN.1.png",
        mos=0.061989,
        std=0.06,
        reference="1600",
        distortion="awgn",
        level=1,
    )
    assert [image.distortion for image in dataset.images] == ["awgn", "jpeg2000", "contrast"]


def test_tid2013_joins_names_of_any_case(release: Release) -> None:
    dataset = load_dataset("tid2013", release("tid2013"))
    assert [image.path.removeprefix("distorted_images/") for image in dataset.images] == [
        "I01_01_1.BMP",
        "i01_01_2.bmp",
        "i01_11_1.bmp",
        "I25_24_5.BMP",
    ]
    assert [image.reference for image in dataset.images] == ["i01", "i01", "i01", "i25"]
    last = dataset.images[-1]
    assert (last.distortion, last.level) == ("sparse sampling and reconstruction", 5)
    assert (last.mos, last.std) == (2.77143, 0.15186)


def test_kadid10k_rises_with_quality_whatever_its_column_is_called(release: Release) -> None:
    dataset = load_dataset("kadid10k", release("kadid10k"))
    assert dataset.scale.higher_is_better
    assert dataset.images[1] == RatedImage(
        path="images/I01_25_05.png",
        mos=3.1,
        std=0.9,
        reference="i01",
        distortion="contrast change",
        level=5,
    )


def test_clive_leaves_out_the_seven_training_images(release: Release) -> None:
    images = load_dataset("clive", release("clive")).images
    assert [(i.path, i.mos, i.std) for i in images] == [
        ("Images/100.bmp", 7, 17),
        ("Images/101.bmp", 8, 18),
        ("Images/1001.JPG", 9, 19),
    ]


def test_koniq10k_has_the_official_split(release: Release) -> None:
    images = load_dataset("koniq10k", release("koniq10k")).images
    assert [image.official_part for image in images] == ["train", "test", "val"]
    assert images[0].mos == pytest.approx(77.38, abs=0.01)
    # The spread in the file is on the scale 1 to 5 of the votes.
    assert all(math.isnan(image.std) for image in images)


def test_koniq10k_reads_mos_zscore_where_mos_is_on_another_scale(release: Release) -> None:
    root = release("koniq10k")
    (root / "koniq10k_distributions_sets.csv").unlink()
    (root / "koniq10k_scores_and_distributions.csv").write_text(
        '"image_name","c1","c2","c3","c4","c5","c_total","MOS","SD","MOS_zscore"\n'
        '"10004473376.jpg",0,0,25,73,7,105,3.82857142857143,0.527,77.38362\n'
    )
    (image,) = load_dataset("koniq10k", root).images
    assert image.mos == 77.38362 and image.official_part is None


def test_koniq10k_comes_in_half_size_too(release: Release) -> None:
    root = release("koniq10k")
    (root / "1024x768").rename(root / "512x384")
    assert load_dataset("koniq10k", root).images[0].path == "512x384/10004473376.jpg"


def test_agiqa3k_has_generators_and_keeps_the_images_of_a_prompt_together(
    release: Release,
) -> None:
    root = release("agiqa3k")
    dataset = load_dataset("agiqa3k", root)
    assert [image.subset for image in dataset.images] == ["AttnGAN", "midjourney", "xl2.2"]
    assert [image.scene for image in dataset.images] == ["prompt 000", "prompt 000", "prompt 012"]
    assert dataset.images[0].path == "ACGIQA-3K/AttnGAN_normal_000.jpg"
    assert (dataset.images[0].mos, dataset.images[0].std) == (0.965602553, 0.223270101)
    assert default_protocol(dataset) == "scene"
    for image in (root / "ACGIQA-3K").iterdir():
        image.rename(root / image.name)
    (root / "ACGIQA-3K").rmdir()
    with (root / "data.csv").open("a") as file:
        file.write("cat.jpg,,,,,1,1,1,1\nglide_normal_001.jpg,,,,,good,1,1,1\n")
    dataset = load_dataset("agiqa3k", root)
    assert dataset.images[2].path == "xl2.2_normal_012.jpg"
    assert dataset.problems == (
        "data.csv row 5: name is 'cat.jpg', not a name such as glide_normal_001.jpg",
        "data.csv row 6: mos_quality is 'good', not a number",
    )


def test_bid_numbers_its_photos(release: Release) -> None:
    root = release("bid")
    image = load_dataset("bid", root).images[1]
    assert (image.path, image.mos, image.std) == ("ImageDatabase/DatabaseImage0004.JPG", 1.2, 0.5)
    for photo in (root / "ImageDatabase").iterdir():
        photo.rename(root / photo.name)
    (root / "ImageDatabase").rmdir()
    assert load_dataset("bid", root).images[1].path == "DatabaseImage0004.JPG"


def test_spaq_is_found_with_its_workbook_beside_the_photos(release: Release) -> None:
    root = release("spaq")
    workbook = root / "Annotations/MOS and Image attribute scores.xlsx"
    workbook.rename(root / workbook.name)
    assert [image.mos for image in load_dataset("spaq", root).images] == [48.86, 62.5]


def test_cid2013_says_image_set_and_scene(release: Release) -> None:
    first, _, last = load_dataset("cid2013", release("cid2013")).images
    assert (first.subset, first.scene, first.mos) == ("IS1", "IS1/co1", 3.34364303351907)
    assert (last.subset, last.scene, last.mos) == ("IS6", "IS6/co8", -9.54906308259536)


def test_biq2021_drops_what_shares_a_scene_with_the_test_part(release: Release) -> None:
    images = _by_path(load_dataset("biq2021", release("biq2021")))
    parts = {path: (i.official_part, i.clean_part) for path, i in images.items()}
    held_out = next(path for path, part in parts.items() if part == ("train", "val"))
    assert parts == {
        "Images/ss01 (14).jpg": ("train", "dropped"),
        "Images/ss02 (1014).JPG": ("train", "train"),
        "Images/ss03 (1).jpg": ("train", "train"),
        held_out: ("train", "val"),
        "Images/ss01 (12).jpg": ("test", "test"),
    }
    assert images["Images/ss01 (14).jpg"].scene == images["Images/ss01 (12).jpg"].scene
    assert images["Images/ss03 (1).jpg"].subset == "ss03"


@pytest.mark.parametrize("name", DATASETS)
def test_a_missing_image_is_told_and_left_out(name: str, release: Release) -> None:
    root = release(name)
    whole = load_dataset(name, root)
    whole.file(0).unlink()
    rest = load_dataset(name, root)
    assert rest.images == whole.images[1:]
    (problem,) = rest.problems
    assert problem.endswith("not found")
    assert problem.split(":")[0].casefold() == whole.images[0].path.casefold()


@pytest.mark.parametrize("name", DATASETS)
def test_a_wrong_root_is_told_which_file_was_expected_where(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not look like .* expected") as raised:
        load_dataset(name, tmp_path)
    assert str(tmp_path) in str(raised.value)
    assert f"biqa datasets info {name}" in str(raised.value)
    with pytest.raises(UsageError, match="is not a folder: --root is where"):
        load_dataset(name, tmp_path / "nowhere")


@pytest.mark.parametrize("name", DATASETS)
def test_labels_without_any_image_are_refused(name: str, release: Release) -> None:
    root = release(name)
    dataset = load_dataset(name, root)
    for index in range(len(dataset.images)):
        dataset.file(index).unlink()
    with pytest.raises(UsageError, match="none of the images of .* expected .* more"):
        load_dataset(name, root)


@pytest.mark.parametrize("name", DATASETS)
def test_labels_are_read_without_any_image(name: str, release: Release) -> None:
    root = release(name)
    whole = load_dataset(name, root)
    for index in range(len(whole.images)):
        whole.file(index).unlink()
    labels = load_labels(name, root)
    assert [image.mos for image in labels.images] == [image.mos for image in whole.images]
    assert len(labels.problems) == len(labels.images)


def test_a_name_or_a_root_that_lacks_is_told() -> None:
    with pytest.raises(UsageError, match="there is no data set 'tid2008': did you mean 'tid2013'"):
        load_dataset("tid2008", Path())
    with pytest.raises(UsageError, match="there is no data set 'mine': there are live, csiq, "):
        load_dataset("mine", Path())
    with pytest.raises(UsageError, match="kadid10k needs --root"):
        load_dataset("kadid10k")


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("I02.png,I02.png,3,1", "dmos.csv row 5: dist_img is 'I02.png', not a name such as"),
        ("I02_26_01.png,I02.png,3,1", "dist_img is 'I02_26_01.png'"),
        ("I02_01_06.png,I02.png,3,1", "dist_img is 'I02_01_06.png'"),
        ("I02_01_01.png,I02.png,,1", "dmos is '', not a number"),
        ("I02_01_01.png,I02.png,nan,1", "dmos is 'nan', not a number"),
        ("I02_01_01.png,I02.png,4", "var is '', not a number"),
        ("I02_01_01.png,I02.png,45.7,1", "images/I02_01_01.png: the label 45.7 is not on"),
        ("I01_01_01.png,I01.png,2,1", "images/I01_01_01.png: listed more than once"),
        ("I02_01_01.png,I02.png,4,1", "images/I02_01_01.png: not found"),
    ],
)
def test_a_bad_row_is_told_and_left_out(row: str, problem: str, release: Release) -> None:
    root = release("kadid10k")
    with (root / "dmos.csv").open("a") as file:
        file.write(f"{row}\n\n")
    dataset = load_dataset("kadid10k", root)
    assert len(dataset.images) == 3
    assert dataset.images[0].mos == 4.57
    (told,) = dataset.problems
    assert problem in told


@pytest.mark.parametrize(
    ("name", "row", "problem"),
    [
        ("csiq", [None, 1, "noise", 1, 0.1, 0.2], "image is ''"),
        ("csiq", ["woman", 1, "hail", 1, 0.1, 0.2], "dst_type is 'hail', not one of noise"),
        ("csiq", ["woman", 1, "noise", 1.5, 0.1, 0.2], "dst_lev is '1.5', not a level"),
        ("csiq", ["woman", 1, "noise", 1, 0.1, "#REF!"], "dmos is '#REF!'"),
        ("bid", ["x", 3], "Image Number is 'x', not a whole number"),
        ("bid", [7, None], "Average Subjective Grade is ''"),
        ("spaq", [None, 3], "Image name is ''"),
        ("spaq", ["00003.jpg", "?"], "MOS is '?'"),
        ("cid2013", ["IS_VII_C01_D01", 1, 2], "Source_ID is 'IS_VII_C01_D01', not a name such as"),
        ("cid2013", ["IS_I_C01_D03", 1, None], "Realigned MOS is ''"),
    ],
)
def test_a_bad_row_of_a_workbook_is_told(
    name: str,
    row: list[object],
    problem: str,
    release: Release,
    write_workbook: Callable[..., None],
) -> None:
    root = release(name)
    headings = {
        "csiq": ["image", "dst_idx", "dst_type", "dst_lev", "dmos_std", "dmos"],
        "bid": ["Image Number", "Average Subjective Grade"],
        "spaq": ["Image name", "MOS"],
        "cid2013": ["Source_ID", "Image set specific MOS", "Realigned MOS"],
    }
    good = {
        "csiq": [1600, 1, "noise", 1, 0.06, 0.06],
        "bid": [1, 3.45],
        "spaq": ["00001.jpg", 48.86],
        "cid2013": ["IS_I_C01_D01", 12.3, 3.3],
    }
    sheet = {"csiq": "all_by_image", "cid2013": "CID2013 MOS"}.get(name, "Sheet1")
    (workbook,) = root.rglob("*.xlsx")
    write_workbook(workbook, {sheet: [headings[name], good[name], row]})
    dataset = load_dataset(name, root)
    assert len(dataset.images) == 1
    assert problem in dataset.problems[0] and "row 3" in dataset.problems[0]


def test_bad_lines_of_tid2013_are_told(release: Release) -> None:
    root = release("tid2013")
    for file, lines in (
        ("mos_with_names.txt", "five i02_01_1.bmp\n4.0 i02_25_1.bmp\n4.0 i02_01_2.bmp\n"),
        ("mos_std.txt", "0.1\n0.1\nx\n"),
    ):
        with (root / file).open("a") as stream:
            stream.write(lines)
    assert load_dataset("tid2013", root).problems == (
        "mos_with_names.txt line 5: 'five i02_01_1.bmp' is not a score and a name",
        "mos_with_names.txt line 6: '4.0 i02_25_1.bmp' is not a score and a name",
        "mos_std.txt line 7: 'x' is not a number",
    )
    (root / "mos_std.txt").write_text("0.1\n")
    with pytest.raises(UsageError, match="has 7 lines and mos_std.txt 1: they must fit"):
        load_dataset("tid2013", root)


def test_bad_rows_of_biq2021_and_koniq10k_are_told(release: Release) -> None:
    root = release("biq2021")
    with (root / "Train (Images and MOS).csv").open("a") as file:
        file.write("subset 3,0.5,,\nss03 (2).jpg,good,,\n,,,\n")
    assert load_dataset("biq2021", root).problems == (
        "Train (Images and MOS).csv row 6: Image Name is 'subset 3', not a name that ends in .jpg",
        "Train (Images and MOS).csv row 7: MOS is 'good', not a number",
    )
    root = release("koniq10k")
    with (root / "koniq10k_distributions_sets.csv").open("a") as file:
        file.write(
            "1.jpg,0,0,0,1,0,9,50,1,holdout\n,0,0,0,1,0,9,50,1,test\n2.jpg,0,0,0,1,0,9,,1,test\n"
        )
    problems = load_dataset("koniq10k", root).problems
    assert [problem.split(": ")[1] for problem in problems] == [
        "set is 'holdout', not one of training, validation, test",
        "image_name is '', not a name",
        "MOS is '', not a number",
    ]


@pytest.mark.parametrize(
    ("name", "file"), [("kadid10k", "dmos.csv"), ("koniq10k", "koniq10k_distributions_sets.csv")]
)
def test_a_table_without_its_columns_is_refused(name: str, file: str, release: Release) -> None:
    root = release(name)
    (root / file).write_text("a,b\n1,2\n")
    with pytest.raises(UsageError, match="has no heading with .*: its first row has a, b"):
        load_dataset(name, root)
    (root / file).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="as a table with commas"):
        load_dataset(name, root)


def test_files_of_live_that_do_not_fit_together_are_refused(release: Release) -> None:
    root = release("live")
    names = np.empty((1, 779), dtype=object)
    names[0, :] = "bikes.bmp"
    savemat(root / "refnames_all.mat", {"refnames_all": names})
    with pytest.raises(UsageError, match="refnames_all has 779 names, expected 982"):
        load_dataset("live", root)
    savemat(root / "dmos_realigned.mat", {"dmos_new": np.zeros((1, 779))})
    with pytest.raises(UsageError, match="dmos_new has 779 values of type float64, expected 982"):
        load_dataset("live", root)
    savemat(root / "dmos_realigned.mat", {"dmos": np.zeros((1, 982))})
    with pytest.raises(UsageError, match="has no variable dmos_new"):
        load_dataset("live", root)


def test_a_damaged_matlab_file_is_told(release: Release) -> None:
    root = release("clive")
    scores = root / "Data/AllMOS_release.mat"
    for damaged in (b"", b"no MATLAB file", scores.read_bytes()[:150]):
        scores.write_bytes(damaged)
        with pytest.raises(UsageError, match="cannot read .* as a MATLAB file|has no variable"):
            load_dataset("clive", root)


def test_a_table_of_ones_own(tmp_path: Path) -> None:
    source = tmp_path / "mine.csv"
    source.write_text(
        "path,MOS,std,reference,type\nb/1.png,3,0.5,r1,blur\n./b/2.png,4,,r1,\nb/3.png,x,1,r2,\n"
        "../c.png,5,,,\nb/4.png,2,x,,\nb/5.png,2,-1,,\n,3,,,\n"
    )
    for name in ("b/1.png", "b/2.png", "b/3.png", "b/4.png", "b/5.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    dataset = load_dataset(f"csv:{source}")
    assert dataset.kind == "synthetic" and dataset.name == "csv:mine.csv"
    assert (dataset.scale.lowest, dataset.scale.highest) == (3, 5)
    assert dataset.scale.higher_is_better
    first, second = dataset.images
    assert first == RatedImage("b/1.png", 3, 0.5, reference="r1", distortion="blur")
    assert second.path == "b/2.png" and math.isnan(second.std) and second.distortion is None
    assert [problem.split(": ")[-1] for problem in dataset.problems] == [
        "mos is 'x', not a number",
        "std is 'x', not a number of 0 or more",
        "std is '-1', not a number of 0 or more",
        "path is '', not a path",
        "not found",
    ]


def test_a_column_dmos_is_lower_is_better_and_never_flipped(tmp_path: Path) -> None:
    source = tmp_path / "mine.csv"
    source.write_text("path,dmos\n1.png,70\n2.png,10\n")
    root = tmp_path / "photos"
    root.mkdir()
    for name in ("1.png", "2.png"):
        (root / name).touch()
    dataset = load_dataset(f"csv:{source}", root)
    assert not dataset.scale.higher_is_better
    assert dataset.kind == "authentic"
    assert [image.mos for image in dataset.images] == [70, 10]
    assert not DATASETS["live"].scale.higher_is_better
    assert not DATASETS["csiq"].scale.higher_is_better


@pytest.mark.parametrize("heading", ["name,mos", "path,score", "path,mos,dmos", ""])
def test_a_table_without_path_and_one_label_is_refused(heading: str, tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text(f"{heading}\n1.png,3\n")
    with pytest.raises(UsageError, match="needs a heading with `path` and either `mos`"):
        load_dataset(f"csv:{tmp_path / 'mine.csv'}")


def test_a_table_without_rows_or_that_is_missing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("path,mos\n")
    with pytest.raises(UsageError, match="no row with a path and a number: it is empty"):
        load_dataset(f"csv:{tmp_path / 'mine.csv'}")
    with pytest.raises(UsageError, match="cannot read .* as a table with commas"):
        load_dataset(f"csv:{tmp_path / 'none.csv'}")
