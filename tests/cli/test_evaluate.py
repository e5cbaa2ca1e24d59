import csv
import io
import json
import random
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from fakes import EXAMPLES, BrightnessEngine, photo
from rated_photos import rated_greys
from typer.testing import CliRunner, Result

from biqa_cli.cli import app
from biqa_cli.metrics.ranges import CATEGORIES
from biqa_cli.models.loading import LoadedModel

LABELS = {0: 1.0, 60: 2.0, 120: 3.0, 180: 4.5, 240: 4.0}


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    return rated_greys(tmp_path, LABELS)


@pytest.fixture
def tool(tmp_path: Path) -> Path:
    path = tmp_path / "tool.csv"
    rows = "".join(f"{value}.png,{value}\n" for value in LABELS)
    path.write_text(f"path,score\n{rows}", encoding="utf-8")
    return path


def _write(path: Path, header: str, rows: Sequence[str]) -> Path:
    path.write_text("\n".join([header, *rows, ""]), encoding="utf-8")
    return path


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_a_tools_csv_is_measured(labels: Path, tool: Path) -> None:
    common = ("--dataset", f"csv:{labels}", "--predictions", tool, "--resamples", 20)
    run = _run("evaluate", *common, "-f", "json")
    assert run.exit_code == 0, run.stderr
    record = json.loads(run.stdout)
    assert (record["model"], record["n"], record["srcc"]) == ("tool", 5, pytest.approx(0.9))


def test_predictions_for_another_data_set_are_no_evaluation(labels: Path, tmp_path: Path) -> None:
    other = _write(tmp_path / "other.csv", "path,score", ["elsewhere.png,3"])
    run = _run("evaluate", "--dataset", f"csv:{labels}", "--predictions", other)
    assert run.exit_code == 2 and run.stdout == ""
    assert "names no image of the data set clearly: it has such names as 'elsewhere.png'" in (
        run.stderr
    )


@pytest.mark.slow
def test_the_default_model_is_measured_with_the_code_of_score(tmp_path: Path) -> None:
    names = ["cat.jpg", "cat-noisy.jpg", "coffee.jpg", "coffee-blurred.jpg"]
    scores = {}
    for line in _run("score", *(EXAMPLES / n for n in names), "-f", "ndjson").stdout.splitlines():
        row = json.loads(line)
        scores[Path(row["path"]).name] = row["score"]
    table = tmp_path / "labels.csv"
    rows = "".join(f"{name},{scores[name] / 10}\n" for name in names)
    table.write_text(f"path,mos\n{rows}", encoding="utf-8")
    run = _run(
        *("evaluate", "--dataset", f"csv:{table}", "--root", EXAMPLES, "--label-range", "0:10"),
        *("-f", "json", "--offline", "--resamples", 0),
    )
    record = json.loads(run.stdout)
    assert (record["n"], record["failed"]) == (4, 0)
    assert record["rmse"] == pytest.approx(0, abs=1e-9)
    assert record["plcc"] == pytest.approx(1)


@pytest.mark.usefixtures("brightness")
def test_missing_and_broken_images_are_counted_and_named(labels: Path, tmp_path: Path) -> None:
    (tmp_path / "60.png").unlink()
    (tmp_path / "120.png").write_bytes(b"no image")
    with labels.open("a") as file:
        file.write("180.png,bad\n")
    run = _run("evaluate", "--dataset", f"csv:{labels}", "-f", "json", "--resamples", 0)
    assert run.exit_code == 3
    record = json.loads(run.stdout)
    assert (record["n"], record["failed"]) == (3, 2)
    assert "60.png: no such file" in run.stderr
    assert "120.png: not an image in a known format" in run.stderr
    assert "row 7: mos is 'bad', not a number" in run.stderr


@pytest.mark.usefixtures("brightness")
def test_errors_without_a_label_range_say_how_to_give_it(labels: Path) -> None:
    run = _run("evaluate", "--dataset", f"csv:{labels}", "--resamples", 0)
    assert (
        "Only fitted deviations are shown: the scale of the labels is unknown, give it with "
        "--label-range LOW:HIGH." in run.stdout
    )
    ranged = _run("evaluate", "--dataset", f"csv:{labels}", "--resamples", 0, "--label-range=1:5")
    assert "not defined" not in ranged.stdout


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "there is no such file"),
        (b"path,mos\n\xff.png,1\n", "its byte 9 is not UTF-8: save it as UTF-8"),
    ],
)
def test_labels_that_cannot_be_read_are_told_in_words(
    tmp_path: Path, content: bytes | None, reason: str
) -> None:
    labels = tmp_path / "labels.csv"
    if content is not None:
        labels.write_bytes(content)
    run = _run("evaluate", "--dataset", f"csv:{labels}")
    assert run.exit_code == 2
    assert run.stderr == f"biqa: cannot read {labels} as a table with commas: {reason}\n"


def test_bad_rows_of_labels_are_told_and_exit_3(labels: Path, tool: Path) -> None:
    common = ("evaluate", "--dataset", f"csv:{labels}", "--predictions", tool, "--resamples", 0)
    good = _run(*common, "-f", "json")
    assert good.exit_code == 0
    with labels.open("a") as file:
        file.write("late.png,bad\n")
    bad = _run(*common, "-f", "json")
    assert bad.exit_code == 3 and bad.stdout == good.stdout
    assert "row 7: mos is 'bad', not a number" in bad.stderr


def test_plots_without_matplotlib_are_refused_before_any_work(
    labels: Path, tool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("biqa_cli.evaluation.drawing.find_spec", lambda _: None)
    common = ("evaluate", "--dataset", f"csv:{labels}", "--predictions", tool)
    run = _run(*common, "--plots", labels.parent / "figures")
    assert (run.exit_code, run.stdout) == (2, "")
    assert run.stderr == (
        "biqa: --plots needs Matplotlib, which is not installed: pip install 'biqa-cli[plots]'\n"
    )


@pytest.mark.usefixtures("brightness")
def test_photos_over_the_limits_have_no_score(labels: Path, tmp_path: Path) -> None:
    photo(40, 40).save(tmp_path / "60.png")
    common = ("evaluate", "--dataset", f"csv:{labels}", "-f", "json", "--resamples", 0)
    run = _run(*common, "--max-megapixels", 0.001)
    assert run.exit_code == 3
    assert json.loads(run.stdout)["failed"] == 1
    assert "60.png: 40×40 is 0 megapixels, over the limit of 0.001" in run.stderr


def test_a_wrong_root_is_one_line_that_says_what_was_expected(tmp_path: Path) -> None:
    run = _run("evaluate", "--dataset", "tid2013", "--root", tmp_path)
    assert run.exit_code == 2
    assert "expected" in run.stderr and "mos_with_names.txt" in run.stderr
    assert run.stdout == ""


def test_a_split_is_saved_and_used_again(tool: Path, tmp_path: Path) -> None:
    more = rated_greys(tmp_path, {v: v / 50 for v in range(0, 240, 8)})
    rows = "".join(f"{v}.png,{v}\n" for v in range(0, 240, 8))
    tool.write_text(f"path,score\n{rows}", encoding="utf-8")
    common = ("evaluate", "--dataset", f"csv:{more}", "--predictions", tool, "-f", "json")
    common = (*common, "--resamples", 0)
    saved = tmp_path / "split.txt"
    first = _run(*common, "--split", "image:test", "--seeds", 4, "--save-split", saved)
    again = _run(*common, "--split", f"{saved}:test")
    assert json.loads(first.stdout)["split_sha256"] == json.loads(again.stdout)["split_sha256"]
    refused = _run(*common, "--split", "image:test", "--seeds", "1-3", "--save-split", saved)
    assert refused.exit_code == 2 and "one split" in refused.stderr


def test_the_table_goes_to_a_file_that_is_whole_or_absent(
    labels: Path, tool: Path, tmp_path: Path
) -> None:
    output = tmp_path / "result.md"
    common = ("evaluate", "--dataset", f"csv:{labels}", "--predictions", tool, "--resamples", 0)
    run = _run(*common, "-o", output)
    assert run.exit_code == 0 and run.stdout == ""
    assert output.read_text("utf-8").startswith("| model | split | n |")
    wrong = _run(*common, "-o", tmp_path / "result.xyz")
    assert wrong.exit_code == 2 and "what format" in wrong.stderr


@pytest.mark.parametrize("option", ["-o", "--save-split"])
def test_what_is_read_is_not_overwritten(labels: Path, tool: Path, option: str) -> None:
    read = (labels, tool, labels.parent / "60.png")
    before = [path.read_bytes() for path in read]
    for name in (labels, tool.parent / "." / tool.name, labels.parent / "60.png"):
        common = ("evaluate", "--dataset", f"csv:{labels}", "--predictions", tool)
        run = _run(*common, "--split", "image", "-f", "csv", option, name)
        assert run.exit_code == 2 and "is a file that is read: choose another" in run.stderr
    assert [path.read_bytes() for path in read] == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--label-range", "5"], "no range of labels"),
        (["--label-range", "2:3"], "does not fit labels"),
        (["--label-range", "5:1"], "5:1 is empty: write the lower end first, LOW:HIGH"),
        (["--save-split", "-", "--split", "image"], "standard output has the report: name a file"),
        (["--seeds", "x"], "no list of seeds"),
        (["--split", "reference:test"], "cannot be split by reference"),
        (["-m", "blockiqa-lite", "-m", "x.safetensors"], "cannot read x.safetensors: No such file"),
    ],
)
def test_wrong_options_are_one_line(labels: Path, options: list[str], message: str) -> None:
    run = _run("evaluate", "--dataset", f"csv:{labels}", *options)
    assert run.exit_code == 2
    assert message in run.stderr and len(run.stderr.splitlines()) == 1


def test_two_tools_are_compared(labels: Path, tool: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text("image,pred\n0.png,1\n60.png,5\n120.png,2\n180.png,3\n240.png,1\n", "utf-8")
    options = ("compare", tool, other, "--dataset", f"csv:{labels}", "--resamples", 50)
    record = json.loads(_run(*options, "-f", "json").stdout)
    assert (record["first"], record["second"], record["n"]) == ("tool", "other", 5)
    assert record["metrics"]["srcc"]["first"] == pytest.approx(0.9)
    run = _run(*options)
    assert run.exit_code == 0 and "On 5 images" in run.stdout


def test_a_comparison_draws_the_versions_of_a_reference_together(tmp_path: Path) -> None:
    rng = random.Random(0)
    mos = [rng.random() for _ in range(64)]
    errors = [rng.gauss(0, 0.3) for _ in range(8)]
    for name, scores in (
        ("by_reference", [m + errors[i % 8] for i, m in enumerate(mos)]),
        ("by_photo", [m + rng.gauss(0, 0.2) for m in mos]),
    ):
        _write(tmp_path / f"{name}.csv", "path,score", [f"{i},{s}" for i, s in enumerate(scores)])

    def width(header: str, row: str) -> float:
        rows = [row.format(i=i, mos=m, reference=i % 8) for i, m in enumerate(mos)]
        table = _write(tmp_path / "labels.csv", header, rows)
        files = (tmp_path / "by_reference.csv", tmp_path / "by_photo.csv")
        run = _run("compare", *files, "--dataset", f"csv:{table}", "--resamples", 100, "-f", "json")
        low, high = json.loads(run.stdout)["metrics"]["srcc"]["ci"]
        return float(high - low)

    with_references = width("path,mos,reference", "{i},{mos},{reference}")
    assert with_references > 1.3 * width("path,mos", "{i},{mos}")


def test_a_comparison_with_constant_scores_is_not_defined(
    labels: Path, tool: Path, tmp_path: Path
) -> None:
    flat = _write(tmp_path / "flat.csv", "path,score", [f"{value}.png,5" for value in LABELS])
    run = _run("compare", tool, flat, "--dataset", f"csv:{labels}", "--resamples", 10)
    assert "is not defined: constant predictions (flat)." in run.stdout
    assert "nan" not in run.stdout and "neither" not in run.stdout


def test_files_of_one_name_are_told_apart_by_their_paths(labels: Path, tmp_path: Path) -> None:
    files = [tmp_path / folder / "x.csv" for folder in "ab"]
    for file, sign in zip(files, (1, -1), strict=True):
        file.parent.mkdir()
        _write(file, "path,score", [f"{value}.png,{sign * value}" for value in LABELS])
    common = ("--dataset", f"csv:{labels}", "--resamples", 10, "-f", "json")
    named = [("--predictions", file) for file in files]
    records = json.loads(_run("evaluate", *named[0], *named[1], *common).stdout)
    assert [record["model"] for record in records] == [str(file) for file in files]
    assert [record["srcc"] for record in records] == pytest.approx([0.9, -0.9])
    compared = json.loads(_run("compare", *files, *common).stdout)
    assert (compared["first"], compared["second"]) == (str(files[0]), str(files[1]))
    for command in (("evaluate", *named[0], *named[0]), ("compare", files[0], files[0])):
        twice = _run(*command, *common)
        assert twice.exit_code == 2 and "x.csv is named twice" in twice.stderr


def test_a_model_and_a_file_of_its_name_are_told_apart(
    labels: Path, tmp_path: Path, brightness: LoadedModel
) -> None:
    file = _write(tmp_path / "brightness.csv", "path,score", ["0.png,1", "60.png,0", "120.png,2"])
    run = _run(
        *("evaluate", "--dataset", f"csv:{labels}", "--predictions", file, "-m", "brightness"),
        *("--resamples", 0, "-f", "json"),
    )
    assert {record["model"] for record in json.loads(run.stdout)} == {"brightness", str(file)}
    assert brightness.spec.name == "brightness"


def test_predictions_are_measured_and_compared_without_any_photo(tmp_path: Path) -> None:
    labels = _write(tmp_path / "labels.csv", "path,mos", [f"far/{i}.png,{i}" for i in range(9)])
    one = _write(tmp_path / "one.txt", "0.png\t1", [f"{i}.png\t{i * i}" for i in range(1, 9)])
    two = _write(tmp_path / "two.csv", "path;score", [f"{i}.png;{9 - i},5" for i in range(9)])
    common = ("--dataset", f"csv:{labels}", "--resamples", 20, "-f", "json")
    run = _run("evaluate", "--predictions", one, "--predictions", two, *common)
    assert run.exit_code == 0, run.stderr
    assert [(r["n"], r["failed"]) for r in json.loads(run.stdout)] == [(9, 0), (9, 0)]
    assert "not found" not in run.stderr
    compared = json.loads(_run("compare", one, two, *common).stdout)
    assert compared["metrics"]["srcc"]["second"] == pytest.approx(-1)
    model = _run("evaluate", "--predictions", one, "-m", "qualitynet-lite", *common)
    assert model.exit_code == 2 and "none of the images" in model.stderr


def test_a_column_of_scores_is_named_with_an_option(labels: Path, tmp_path: Path) -> None:
    rows = [f"{value}.png|{value}|{-value}" for value in LABELS]
    file = _write(tmp_path / "two.csv", "path|niqe|musiq", rows)
    common = ("evaluate", "--dataset", f"csv:{labels}", "--predictions", file)
    for options, offered in (((), "--delimiter"), (("--delimiter", "|"), "--column")):
        refused = _run(*common, *options)
        assert refused.exit_code == 2 and offered in refused.stderr
    for column, srcc in (("niqe", 0.9), ("musiq", -0.9)):
        options = ("--column", column, "--delimiter", "|", "-f", "json", "--resamples", 0)
        assert json.loads(_run(*common, *options).stdout)["srcc"] == pytest.approx(srcc)


def test_a_tool_of_a_declared_range_has_every_measure_in_the_units_of_the_labels(
    tmp_path: Path,
) -> None:
    # Opinions of 1 to 5 with a spread; a tool of 1 to 0, where lower is better, half a point off.
    mos = [1, 2, 3, 4, 5]
    rows = [f"{i}.png,{m},0.1" for i, m in enumerate(mos)]
    labels = _write(tmp_path / "labels.csv", "path,mos,std", rows)
    low = [f"{i}.png,{1 - (m - 1 + (0.5 if m < 5 else -0.5)) / 4}" for i, m in enumerate(mos)]
    tool = _write(tmp_path / "tool.csv", "path,score", low)
    common = ("evaluate", "--dataset", f"csv:{labels}", "--label-range", "1:5", "-f", "json")
    common = (*common, "--predictions", tool, "--resamples", 0)
    unknown = json.loads(_run(*common).stdout)
    assert unknown["rmse"] is unknown["details"]["acr"] is None and unknown["srcc"] < 0
    run = _run(*common, "--prediction-range", "1:0")
    assert (run.exit_code, run.stderr) == (0, "labels: mos of the file, 1 to 5, higher is better\n")
    record = json.loads(run.stdout)
    assert (record["rmse"], record["mae"]) == pytest.approx((0.5, 0.5))
    assert (record["outlier_ratio"], record["srcc"]) == pytest.approx((1.0, 0.9746794))
    details = record["details"]
    assert details["residual_quantiles"]["0.5"] == pytest.approx(-0.5)
    assert details["quantile_loss"]["0.9"] == pytest.approx((4 * 0.1 + 0.9) * 0.5 / 5)
    assert sum(map(sum, details["acr"]["confusion"])) == 5


def test_scores_outside_their_range_are_told_and_ranges_may_be_of_one_file(
    labels: Path, tool: Path, tmp_path: Path
) -> None:
    other = _write(tmp_path / "other.csv", "path,score", [f"{v}.png,{-v}" for v in LABELS])
    files = ("--predictions", tool, "--predictions", other)
    common = ("evaluate", "--dataset", f"csv:{labels}", *files, "--resamples", 0)
    ranges = ("--prediction-range", "0:200", "--prediction-range", "other.csv=0:-255")
    run = _run(*common, *ranges, "-f", "json")
    assert [r["srcc"] for r in json.loads(run.stdout)] == pytest.approx([0.9, 0.9])
    assert "1 of 5 scores of tool.csv lie outside --prediction-range 0:200, such as 240" in (
        run.stderr
    )
    for wrong, message in (
        ("1:1", "is no range: write WORST:BEST"),
        ("x:1", "is no range: write WORST:BEST"),
        ("-1e308:1e308", "is no range: write WORST:BEST"),
        ("third.csv=0:1", "names no file of predictions: there are "),
    ):
        refused = _run(*common, "--prediction-range", wrong)
        assert refused.exit_code == 2 and message in refused.stderr
    twice = _run(*common, "--prediction-range", "0:1", "--prediction-range", "0:2")
    assert twice.exit_code == 2 and "is the second for all files" in twice.stderr


def test_a_tool_that_goes_against_its_declared_range_loses_a_comparison(
    labels: Path, tool: Path, tmp_path: Path
) -> None:
    hardly = _write(
        tmp_path / "hardly.csv",
        "path,score",
        [f"{v}.png,{s}" for v, s in zip(LABELS, (3, 1, 2, 4, 3.5), strict=True)],
    )
    common = ("compare", tool, hardly, "--dataset", f"csv:{labels}", "--resamples", 50)
    seen = json.loads(_run(*common, "-f", "json").stdout)["metrics"]["srcc"]["difference"]
    falling = ("--prediction-range", "tool.csv=240:0", "--prediction-range", "0:5")
    declared = _run(*common, *falling, "-f", "json")
    difference = json.loads(declared.stdout)["metrics"]["srcc"]["difference"]
    assert seen > 0 > difference
    assert "scores fall with quality" not in _run(*common, *falling).stdout


@pytest.mark.slow
def test_tools_on_repeated_splits_are_compared_on_the_photos_in_the_direction_of_each(
    tmp_path: Path,
) -> None:
    rng = random.Random(1)
    mos = [rng.random() for _ in range(80)]
    labels = _write(tmp_path / "labels.csv", "path,mos", [f"{i},{m}" for i, m in enumerate(mos)])
    noise = {"good": 0.1, "fair": 0.6, "alike": 0.1}
    for name, spread in noise.items():
        # All call good low.
        rows = [f"{i},{-m - rng.gauss(0, spread)}" for i, m in enumerate(mos)]
        _write(tmp_path / f"{name}.csv", "path,score", rows)

    def lines(*names: str) -> str:
        files = [part for n in names for part in ("--predictions", tmp_path / f"{n}.csv")]
        options = ("--split", "image:train", "--seeds", "1-4", "--resamples", 20)
        return _run("evaluate", "--dataset", f"csv:{labels}", *files, *options).stdout

    # Four parts of 64 photos are 80 photos, not 256.
    assert "good is better than fair on 80 images (SRCC, images drawn anew, 95 %)." in lines(
        "good", "fair"
    )
    assert "no significant difference between good and alike on 80 images" in lines("good", "alike")


def test_a_leaky_split_is_marked_in_every_row_and_in_the_median(tmp_path: Path) -> None:
    rows = [f"{i}.png,{i},{'abcde'[i % 5]}" for i in range(40)]
    labels = _write(tmp_path / "labels.csv", "path,mos,reference", rows)
    tool = _write(tmp_path / "tool.csv", "path,score", [f"{i}.png,{i % 7}" for i in range(40)])
    common = ("evaluate", "--dataset", f"csv:{labels}", "--predictions", tool, "--resamples", 0)
    seeds = ("--split", "image:test", "--seeds", "1-3")
    table = _run(*common, *seeds).stdout.splitlines()
    assert [line.split()[1:5] for line in table[1:4]] == [
        ["image:test", "LEAKY", "seed", str(seed)] for seed in (1, 2, 3)
    ]
    assert table[4].split()[1:6] == ["image:test", "LEAKY", "median", "of", "3"]
    assert any(line.startswith("LEAKY: 5 of 5 reference images have versions") for line in table)
    assert "LEAKY" in _run(*common, *seeds, "-f", "markdown").stdout
    records = json.loads(_run(*common, *seeds, "-f", "json").stdout)
    assert all(record["leaky"] and len(record["leaks"]) == 1 for record in records)
    rows_of_csv = csv.DictReader(io.StringIO(_run(*common, *seeds, "-f", "csv").stdout))
    assert [row["leaky"] for row in rows_of_csv] == ["True"] * 3
    honest = _run(*common, "--split", "reference:test").stdout
    assert "LEAKY" not in honest


@pytest.fixture
def biq2021(tmp_path: Path) -> Path:
    """Return a copy of BIQ2021 with six photos, three of them in the official training part."""
    (tmp_path / "Images").mkdir()
    photos = {
        "Train": ["ss03 (1)", "ss03 (2)", "ss02 (1014)"],
        "Test": ["ss01 (12)", "ss03 (7805)", "ss01 (1504)"],
    }
    names = iter(sorted(EXAMPLES.glob("*.jpg")))
    for part, stems in photos.items():
        rows = []
        for place, stem in enumerate(stems):
            shutil.copy(next(names), tmp_path / "Images" / f"{stem}.jpg")
            rows.append(f"{stem}.jpg,0.{place + 3}")
        _write(tmp_path / f"{part} (Images and MOS).csv", "Image Name,MOS", rows)
    return tmp_path


@pytest.mark.slow
def test_photos_that_a_listed_model_has_learnt_are_told_and_the_paper_is_quoted(
    biq2021: Path,
) -> None:
    common = ("evaluate", "--dataset", "biq2021", "--root", biq2021, "--resamples", 0, "--offline")
    learnt = _run(*common, "--split", "all")
    assert "all LEAKY" in learnt.stdout
    assert "LEAKY: qualitynet-flaws was trained on 3 of these 6 images." in learnt.stdout
    # The published test part is the default, and what papers print a number for.
    run = _run(*common, "-f", "markdown")
    assert "LEAKY" not in run.stdout
    assert "| 0.86 / 0.85 / 0.67 |" in run.stdout and "| clean:test | 3 |" in run.stdout
    assert (
        "printed: SRCC / PLCC / KRCC of QualityNet, Table 5, on the official test part, after "
        "training on the official training part, shared scenes included." in run.stdout
    )


def test_fresh_scores_again_what_was_kept(labels: Path, brightness: LoadedModel) -> None:
    assert isinstance(brightness.engine, BrightnessEngine)
    command = ("evaluate", "--dataset", f"csv:{labels}", "--resamples", 0)
    scored = []
    for options in ((), (), ("--fresh",)):
        assert _run(*command, *options).exit_code == 0
        scored.append(sum(brightness.engine.batches))
    assert scored == [5, 5, 10]


def test_a_model_is_asked_only_for_what_the_store_does_not_know(
    labels: Path, tmp_path: Path, brightness: LoadedModel
) -> None:
    assert isinstance(brightness.engine, BrightnessEngine)
    command = ("evaluate", "--dataset", f"csv:{labels}", "--resamples", 0, "-f", "json")
    whole = _run(*command, "--no-store")
    scored = [sum(brightness.engine.batches)]
    for options in ((), ("--store", tmp_path / "other.sqlite"), ("--no-store",), ()):
        again = _run(*command, *options)
        assert (again.exit_code, again.stdout, again.stderr) == (0, whole.stdout, whole.stderr)
        scored.append(sum(brightness.engine.batches))
    assert scored == [5, 10, 15, 20, 20]


def test_groups_stand_below_the_table_as_asked(tmp_path: Path) -> None:
    kinds = ("blur", "=HYPERLINK(1)")
    rows = [f"{i}.png,{i},{kinds[i % 2]}" for i in range(12)]
    labels = _write(tmp_path / "labels.csv", "path,mos,type", rows)
    tool = _write(tmp_path / "=1+1.csv", "path,score", [f"{i}.png,{i}" for i in range(12)])
    common = ("evaluate", "--dataset", f"csv:{labels}", "--predictions", tool, "--resamples", 0)
    table = _run(*common, "--per", "type", "--per", "range").stdout
    groups = [line.split()[1:4] for line in table.split("\n\n")[1].splitlines()]
    assert groups == [
        ["by", "group", "n"],
        ["type", "blur", "6"],
        ["type", "=HYPERLINK(1)", "6"],
        *(["range", c, n] for c, n in zip(CATEGORIES, "32223", strict=True)),
    ]
    found = [*csv.DictReader(io.StringIO(_run(*common, "--per", "type", "-f", "csv").stdout))]
    # A spreadsheet would take names that start with = for formulas.
    assert {row["model"] for row in found} == {"'=1+1"}
    assert [row["group"] for row in found] == ["", "blur", "'=HYPERLINK(1)"]


def test_resamples_make_intervals_and_none_leave_them_out(labels: Path, tool: Path) -> None:
    common = ("evaluate", "--dataset", f"csv:{labels}", "--predictions", tool)
    few = json.loads(_run(*common, "--resamples", 5, "-f", "json").stdout)["ci"]["srcc"]
    many = json.loads(_run(*common, "--resamples", 300, "-f", "json").stdout)["ci"]["srcc"]
    assert many[0] < few[0] <= 0.9 <= many[1]
    assert json.loads(_run(*common, "--resamples", 0, "-f", "json").stdout)["ci"] == {}
    assert "[" in _run(*common, "--resamples", 5).stdout
    assert "[" not in _run(*common, "--resamples", 0).stdout


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # Matplotlib's own
def test_plots_are_drawn_into_a_folder_and_named(labels: Path, tool: Path, tmp_path: Path) -> None:
    run = _run(
        *("evaluate", "--dataset", f"csv:{labels}", "--predictions", tool, "--resamples", 0),
        *("--plots", tmp_path / "figures"),
    )
    assert run.exit_code == 0, run.stderr
    (drawn,) = (tmp_path / "figures").iterdir()
    assert drawn.name == "csv-labels.csv-tool-scatter.png" and str(drawn) in run.stderr


@pytest.fixture
def table_of_tools(tmp_path: Path) -> tuple[Path, Path]:
    """Labels of two types, and one table with a column for each of three tools."""
    names = [f"{kind}{n}.png" for n in range(4) for kind in "ba"]
    rows = [f"{name},{i},{'zoom' if name[0] == 'b' else 'blur'}" for i, name in enumerate(names)]
    labels = _write(tmp_path / "labels.csv", "path,mos,type", rows)
    scores = [f"{name},{i},{-i},{i * i - 9}" for i, name in enumerate(names)]
    return labels, _write(tmp_path / "tools.csv", "name,up,down,bent", scores)


def test_columns_of_one_table_are_tools_and_types_stand_beside_each_other(
    table_of_tools: tuple[Path, Path],
) -> None:
    labels, table = table_of_tools
    common = ("evaluate", "--dataset", f"csv:{labels}", "--predictions", table, "--per", "type")
    columns = ("--column", "up", "--column", "down", "--resamples", 0)
    run = _run(*common, *columns, "-q")
    assert run.exit_code == 0, run.stderr
    summary, groups, *_ = run.stdout.split("\n\n")
    assert [line.split()[:3] for line in summary.splitlines()][1:] == [
        ["up", "all", "8"],
        ["down", "all", "8"],
    ]
    # Nobody said on what scale the tools are: what is shown is after the mapping.
    assert summary.splitlines()[0].split()[-2:] == ["rmse_fitted", "mae_fitted"]
    assert "is not defined" not in run.stdout
    assert [line.split() for line in groups.splitlines()] == [
        ["SRCC", "n", "up", "down"],
        ["type", "zoom", "4", "1.0000", "-1.0000"],
        ["type", "blur", "4", "1.0000", "-1.0000"],
    ]
    ranged = _run(*common, *columns, "--prediction-range", "down=-7:0", "-f", "json")
    up, down = json.loads(ranged.stdout)
    assert up["rmse"] is None and down["rmse"] is None and down["srcc"] == pytest.approx(-1)
    short = _run(*common, *columns, "--prediction-range", "down=-1:0")
    assert "scores of down in tools.csv lie outside --prediction-range -1:0" in short.stderr
    twice = _run(*common, "--column", "up", "--column", "up")
    assert twice.exit_code == 2 and "the column up of tools.csv is named twice" in twice.stderr


def test_tables_of_many_tools_fit_80_columns(tmp_path: Path) -> None:
    tools = [f"metric-{n}" for n in range(9)]
    labels = _write(
        tmp_path / "labels.csv", "path,mos,type", [f"{n}.png,{n},blur" for n in range(4)]
    )
    rows = [",".join([f"{n}.png", *[str(n)] * 9]) for n in range(4)]
    table = _write(tmp_path / "tools.csv", ",".join(["name", *tools]), rows)
    columns = [part for tool in tools for part in ("--column", tool)]
    common = ("--dataset", f"csv:{labels}", "--predictions", table, "--resamples", 0)
    run = _run("evaluate", *common, *columns, "--per", "type", "-q")
    tables = [text for text in run.stdout.split("\n\n") if text.startswith("SRCC")]
    assert [name for text in tables for name in text.splitlines()[0].split()[2:]] == tools
    assert len(tables) > 1 and all(len(line) <= 80 for t in tables for line in t.splitlines())


def test_two_columns_of_one_table_are_compared(table_of_tools: tuple[Path, Path]) -> None:
    labels, table = table_of_tools
    common = ("compare", table, table, "--dataset", f"csv:{labels}", "--resamples", 10)
    run = _run(*common, "--column", "up", "--column", "bent", "-f", "json")
    assert run.exit_code == 0, run.stderr
    record = json.loads(run.stdout)
    assert (record["first"], record["second"]) == ("up", "bent")
    refused = _run(*common, *("--column", "up") * 3)
    assert refused.exit_code == 2 and "--column is given 3 times" in refused.stderr


def test_tabulate_puts_tools_by_data_sets(
    table_of_tools: tuple[Path, Path], tmp_path: Path
) -> None:
    labels, table = table_of_tools
    reports = []
    for name in ("one", "two"):
        copy = shutil.copy(labels, tmp_path / f"{name}.csv")
        # The second report lacks a tool.
        columns = ("--column", "down", *(("--column", "up") if name == "one" else ()))
        common = ("--dataset", f"csv:{copy}", "--predictions", table, "--resamples", 0)
        reports.append(tmp_path / f"{name}.json")
        _run("evaluate", *common, *columns, "-o", reports[-1])
    run = _run("tabulate", *reports, "--metric", "srcc")
    assert [line.split() for line in run.stdout.splitlines()] == [
        ["srcc", "csv:one.csv", "csv:two.csv"],
        ["down", "1.0000", "–"],
        ["up", "1.0000", "–"],
        ["tools", "–", "1.0000"],
    ]
    assert _run("tabulate", *reports, "-f", "csv").stdout.splitlines()[:2] == [
        "metric,model,csv:one.csv,csv:two.csv",
        "srcc,down,1.0000,",
    ]
    (down, _, tools) = json.loads(
        _run("tabulate", *reports, "-f", "json", "--metric", "krcc").stdout
    )
    assert down == {"metric": "krcc", "model": "down", "csv:one.csv": 1.0, "csv:two.csv": None}
    assert tools["csv:two.csv"] == 1.0
    for wrong, problem in (
        ((reports[0], reports[0]), "down is evaluated twice on csv:one.csv"),
        ((labels,), "holds no evaluations: write it with `biqa evaluate"),
        (
            (*reports, "--metric", "split"),
            "there are srcc, plcc_fitted, krcc, rmse_fitted, plcc, mae_fitted",
        ),
    ):
        refused = _run("tabulate", *wrong)
        assert refused.exit_code == 2 and problem in refused.stderr
