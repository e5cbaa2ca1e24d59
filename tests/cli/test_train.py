"""`biqa train` as a user calls it, on the miniature set and networks of a few thousand numbers."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.stats
from rated_miniature import rated_miniature, use_tiny_backbones
from safetensors.numpy import load_file, save_file
from typer.testing import CliRunner, Result

from biqa_cli.cli import app
from biqa_cli.datasets.loading import load_dataset
from biqa_cli.datasets.split_files import save_split
from biqa_cli.datasets.splits import split_of_parts
from biqa_cli.models.trained import read_trained

SMALL = {
    "blockiqa": ("height=64", "width=64", "batch=8"),
    "qualitynet": ("height=64", "width=64", "batch=8"),
    "reqa": ("height=128", "width=128", "crop=112", "stride=112", "val_crops=0", "batch=10"),
    "shdiqa": (
        *("height=64", "width=64", "crop=64", "stride=64", "noise=0"),
        *("teacher_epochs=1", "batch=8"),
    ),
    "nlnet": ("height=112", "width=112", "val_crops=1", "batch=8"),
}
SCORED_WITH = {
    "blockiqa": "blockiqa-lite",
    "qualitynet": "qualitynet-lite",
    "reqa": "reqa-lite",
    "shdiqa": "shdiqa-lite",
    "nlnet": "nlnet-lite",
}


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    use_tiny_backbones(monkeypatch)


@pytest.fixture(scope="module")
def ratings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return rated_miniature(tmp_path_factory.mktemp("photos"))


def train(family: str, ratings: Path, out: Path, *more: str) -> Result:
    settings = [f"--set={setting}" for setting in ("val_share=0.25", *SMALL[family])]
    start = ["-d", "cpu", "-j", "2"]
    if not any(option.startswith("--set=trainable") for option in more):
        start.append("--freeze-backbone")
    if not any(option.startswith("--init") for option in more):
        start.append("--init=none")
    options = [f"--config={family}-cpu", f"--dataset=csv:{ratings}", f"--out={out}", *start]
    return CliRunner().invoke(app, ["train", family, *options, *settings, "--epochs=2", *more])


def log_of(out: Path) -> list[dict[str, str]]:
    """Return the log without what a clock says."""
    with (out / "log.csv").open(newline="") as file:
        return [
            {key: value for key, value in row.items() if key != "seconds"}
            for row in csv.DictReader(file)
        ]


def summary_of(out: Path) -> dict[str, Any]:
    summary: dict[str, Any] = json.loads((out / "summary.json").read_text())
    return summary


def labels_of(ratings: Path) -> dict[str, float]:
    with ratings.open(newline="") as file:
        return {row["path"]: float(row["mos"]) for row in csv.DictReader(file)}


def part_of(out: Path, part: str) -> list[str]:
    lines = (out / "split.txt").read_text().splitlines()
    return [line.split("\t")[1] for line in lines if line.startswith(f"{part}\t")]


@pytest.mark.parametrize("family", SMALL)
def test_every_family_trains_and_its_file_scores_as_validation_did(
    family: str, ratings: Path, tmp_path: Path
) -> None:
    result = train(family, ratings, tmp_path)
    assert result.exit_code == 0, result.output
    weights = tmp_path / f"{family}-ratings.safetensors"
    assert result.stdout.strip() == str(weights)
    assert "the stored weights score 6 validation photos" in result.stderr
    summary = summary_of(tmp_path)
    assert summary["finished"] and summary["model"] == SCORED_WITH[family]
    assert sum(summary["split"]["photos"].values()) == 32

    val = part_of(tmp_path, "val")
    photos = [str(ratings.parent / name) for name in val]
    model = ["-m", summary["model"], "--weights", str(weights), "-d", "cpu"]
    scored = CliRunner().invoke(app, ["score", *photos, *model, "-f", "json"])
    assert scored.exit_code == 0, scored.output
    native = [one["native_score"] for one in json.loads(scored.stdout)["results"]]
    labels = labels_of(ratings)
    agreement = scipy.stats.spearmanr([labels[name] for name in val], native)[0]
    assert agreement == pytest.approx(summary["val_of_stored_weights"]["srcc"], abs=1e-9)


SEEN = ("--set=crop=48", "--set=noise=0", "--set=order_weight=0.1", "--set=order_photos=6")
KEPT = ("--set=crop=0", "--set=noise=0.3", "--set=order_weight=0.1", "--set=order_photos=6")


@pytest.mark.parametrize(
    ("family", "more"),
    [
        ("blockiqa", ()),
        ("blockiqa", SEEN),
        ("qualitynet", ()),
        ("reqa", ()),
        ("shdiqa", ()),
        ("shdiqa", (*KEPT, "--set=degraded_photos=10")),
    ],
)
def test_a_training_that_is_interrupted_at_every_step_ends_bit_for_bit_the_same(
    family: str, more: tuple[str, ...], ratings: Path, tmp_path: Path
) -> None:
    whole, pieces = tmp_path / "whole", tmp_path / "pieces"
    assert train(family, ratings, whole, *more).exit_code == 0
    codes = [train(family, ratings, pieces, "--minutes=0", *more).exit_code]
    while codes[-1] == 3 and len(codes) < 40:
        codes.append(train(family, ratings, pieces, "--minutes=0", "--resume", *more).exit_code)
    assert codes[-1] == 0 and len(codes) > 4
    assert log_of(whole) == log_of(pieces)
    for name in ("best.safetensors", f"{family}-ratings.safetensors", "recipe.toml", "split.txt"):
        assert (whole / name).read_bytes() == (pieces / name).read_bytes(), name
    one, other = (load_file(out / "last.safetensors") for out in (whole, pieces))
    assert one.keys() == other.keys()
    assert all(np.array_equal(one[name], other[name]) for name in one)
    assert summary_of(pieces)["starts"] == summary_of(whole)["starts"]


def test_a_training_is_ended_early_with_its_best_epoch_and_can_still_go_on(
    ratings: Path, tmp_path: Path
) -> None:
    out, file = tmp_path / "run", "shdiqa-ratings.safetensors"
    early = train("shdiqa", ratings, out, "--finish")
    assert early.exit_code == 2 and "no epoch of a training in" in early.stderr
    assert not out.exists()
    assert train("shdiqa", ratings, out, "--minutes=0").exit_code == 3
    # The teacher has epochs of its own, from which there is nothing to score with.
    assert train("shdiqa", ratings, out, "--finish").exit_code == 2
    while not summary_of(out)["val"]:
        assert train("shdiqa", ratings, out, "--minutes=0", "--resume").exit_code == 3
    state = (out / "last.safetensors").read_bytes()
    ended = train("shdiqa", ratings, out, "--finish")
    assert ended.exit_code == 0 and file in ended.stdout, ended.output
    summary = summary_of(out)
    assert summary["finished"] and summary["calibration"] is not None
    assert summary["val_of_stored_weights"]["srcc"] == pytest.approx(
        summary["val"]["srcc"], abs=0.1
    )
    assert (out / "last.safetensors").read_bytes() == state
    whole = tmp_path / "whole"
    assert train("shdiqa", ratings, out, "--resume").exit_code == 0
    assert train("shdiqa", ratings, whole).exit_code == 0
    assert (out / file).read_bytes() == (whole / file).read_bytes()


def test_frozen_layers_are_those_of_the_start_when_a_training_goes_on(
    ratings: Path, tmp_path: Path
) -> None:
    frozen = ("--set=crop=0", "--set=rotate=0")
    assert train("blockiqa", ratings, tmp_path / "start", *frozen, "--seed=7").exit_code == 0
    start = backbone_of(tmp_path / "start" / "best.safetensors", tmp_path)
    starts = (*frozen, f"--init={start}")
    done = train("blockiqa", ratings, tmp_path / "whole", *starts)
    assert done.exit_code == 0, done.output
    pieces, code = tmp_path / "pieces", 3
    while code == 3:
        code = train("blockiqa", ratings, pieces, *starts, "--minutes=0", "--resume").exit_code
    assert code == 0
    assert log_of(tmp_path / "whole") == log_of(pieces)


def backbone_of(checkpoint: Path, folder: Path) -> Path:
    """Write the backbone of a checkpoint, with other numbers than chance would start it with."""
    tensors = load_file(checkpoint)
    backbone = {name: 1.5 * t for name, t in tensors.items() if name.startswith("backbone.")}
    save_file(backbone, folder / "backbone.safetensors")
    return folder / "backbone.safetensors"


def test_the_seed_decides_the_curve_and_the_number_of_threads_does_not(
    ratings: Path, tmp_path: Path
) -> None:
    logs = []
    for name, more in {"a": (), "b": ("-j", "1"), "c": ("--seed=5",)}.items():
        assert train("blockiqa", ratings, tmp_path / name, *more).exit_code == 0
        logs.append(log_of(tmp_path / name))
    assert logs[0] == logs[1] and logs[0] != logs[2]


def test_a_loss_that_is_not_finite_ends_the_training_with_advice(
    ratings: Path, tmp_path: Path
) -> None:
    huge = ("--set=rate=1e30", "--set=backbone_rate=1e30", "--set=clip=0", "--set=warmup=0")
    result = train("reqa", ratings, tmp_path, *huge)
    assert result.exit_code == 2
    assert "begin anew with a smaller rate (--set rate=…" in result.stderr


def test_a_broken_photo_is_left_out_and_named(tmp_path: Path) -> None:
    table = rated_miniature(tmp_path)
    (tmp_path / "05.png").write_bytes(b"no photo")
    (tmp_path / "06.png").unlink()
    out = tmp_path / "out"
    everything = ["--split", str(tmp_path / "split.txt")]
    names = [f"{number:02}.png" for number in range(32)]
    parts = {"train": names[:20], "val": names[20:28], "test": names[28:]}
    data = load_dataset(f"csv:{table}", keep_missing=True)
    place = {image.path: index for index, image in enumerate(data.images)}
    indices = {p: tuple(sorted(place[n] for n in chosen)) for p, chosen in parts.items()}
    split = split_of_parts(data, indices, protocol="image", seed=1)
    save_split(split, data, tmp_path / "split.txt")
    result = train("blockiqa", table, out, *everything)
    assert result.exit_code == 0, result.output
    assert "left out: 05.png: not an image in a known format" in result.stderr
    assert "left out: 06.png: no such file" in result.stderr
    assert "18 photos train, 8 validate, 4 are kept for the test" in result.stderr
    assert summary_of(out)["left_out"].keys() == {"05.png", "06.png"}


def test_the_recipe_that_was_used_trains_again_to_the_same_weights(
    ratings: Path, tmp_path: Path
) -> None:
    assert train("blockiqa", ratings, tmp_path / "a", "--set=similarity=cosine").exit_code == 0
    again = CliRunner().invoke(
        app,
        [
            *("train", "blockiqa", f"--config={tmp_path / 'a' / 'recipe.toml'}", "--init=none"),
            *(f"--dataset=csv:{ratings}", f"--out={tmp_path / 'b'}", "-d", "cpu"),
        ],
    )
    assert again.exit_code == 0, again.output
    weights = [(tmp_path / run / "best.safetensors").read_bytes() for run in ("a", "b")]
    assert weights[0] == weights[1]
    # The option travels with the file: other similarity, other scores.
    assert read_trained(tmp_path / "a" / "best.safetensors").options["similarity"] == "cosine"


def test_noise_on_frozen_features_changes_what_is_learnt(ratings: Path, tmp_path: Path) -> None:
    frozen = ("--freeze-backbone", "--set=crop=0", "--set=rotate=0")
    for out, settings in (("a", ()), ("b", ("--set=noise=0.5",)), ("c", ("--set=noise=0.5",))):
        done = train("blockiqa", ratings, tmp_path / out, *frozen, *settings)
        assert done.exit_code == 0, done.output
    weights = [(tmp_path / out / "best.safetensors").read_bytes() for out in "abc"]
    assert weights[0] != weights[1] and weights[1] == weights[2]


def test_a_new_head_meets_the_backbone_before_it_learns_from_crops_too(
    ratings: Path, tmp_path: Path
) -> None:
    still = ("--set=rate=0", "--set=backbone_rate=0", "--epochs=1", "--set=noise=0")
    done = train("blockiqa", ratings, tmp_path, "--set=crop=48", *still)
    assert done.exit_code == 0, done.output
    smooth = load_file(tmp_path / "best.safetensors")["fpn.smooth.0.weight"]
    # A random start has weights everywhere, this one a rotation in the middle.
    assert np.abs(smooth[:, :, 1, 1]).max() > 0
    assert np.count_nonzero(smooth) == np.count_nonzero(smooth[:, :, 1, 1])


def order_missed(ratings: Path, out: Path, *settings: str) -> list[float]:
    """Return by how much the order is missed in each epoch of a training that learns it."""
    learnt = []
    for weight in (0, 100):
        order = f"--set=order_weight={weight}"
        done = train("blockiqa", ratings, out / str(weight), order, "--set=rate=0.01", *settings)
        assert done.exit_code == 0, done.output
        learnt.append(log_of(out / str(weight)))
    assert "order" not in learnt[0][0]
    return [float(row["order"]) for row in learnt[1]]


def test_the_order_of_degraded_photos_is_learnt_beside_the_labels(
    ratings: Path, tmp_path: Path
) -> None:
    settings = ("--set=order_photos=9", "--set=crop=0", "--epochs=25")
    missed = order_missed(ratings, tmp_path, *settings)
    assert missed[-1] < 0.7 * missed[0]


def test_the_order_is_learnt_from_pixels_too(ratings: Path, tmp_path: Path) -> None:
    # A step sees one triple, so single epochs say little.
    settings = ("--set=crop=64", "--set=noise=0", "--set=order_photos=1", "--epochs=40")
    missed = order_missed(ratings, tmp_path, *settings)
    assert np.mean(missed[-10:]) < 0.7 * np.mean(missed[:10])


def test_a_backbone_imitates_that_of_a_checkpoint(ratings: Path, tmp_path: Path) -> None:
    taught = train("qualitynet", ratings, tmp_path / "teacher")
    assert taught.exit_code == 0, taught.output
    checkpoint = tmp_path / "teacher" / "qualitynet-ratings.safetensors"
    hints = (f"--hint={checkpoint}", "--set=hint_weight=1", "--set=trainable=all")
    settings = ("--set=noise=0", "--set=crop=48", "--set=backbone_rate=1e-2", "--epochs=12")
    out, pieces = tmp_path / "student", tmp_path / "pieces"
    learnt = train("blockiqa", ratings, out, *hints, *settings)
    assert learnt.exit_code == 0, learnt.output
    missed = [float(row["hint"]) for row in log_of(out)]
    assert missed[-1] < 0.7 * missed[0]
    starts = summary_of(out)["starts"]
    assert starts[-1] == f"efficientnet-lite0 imitates efficientnet-lite0 of {checkpoint}"
    # The regressors are needed to go on, not to score.
    stopped = train("blockiqa", ratings, pieces, *hints, *settings, "--minutes=0")
    assert stopped.exit_code == 3
    assert train("blockiqa", ratings, pieces, "--resume", *hints, *settings).exit_code == 0
    file = "blockiqa-ratings.safetensors"
    assert (out / file).read_bytes() == (pieces / file).read_bytes()
    assert not any("regressor" in name for name in load_file(out / file))


def test_the_last_stage_learns_from_what_is_kept_below_it(ratings: Path, tmp_path: Path) -> None:
    assert train("qualitynet", ratings, tmp_path / "teacher").exit_code == 0
    checkpoint = tmp_path / "teacher" / "qualitynet-ratings.safetensors"
    settings = (
        "--backbone=resnet50",
        "--set=trainable=last",
        "--set=backbone_rate=1e-2",
        "--epochs=12",
    )
    hints = (f"--hint={checkpoint}", "--set=hint_weight=1", "--set=blocks=1")
    out, pieces = tmp_path / "student", tmp_path / "pieces"
    learnt = train("blockiqa", ratings, out, *settings, *hints)
    assert learnt.exit_code == 0, learnt.output
    missed = [float(row["hint"]) for row in log_of(out)]
    assert missed[-1] < 0.8 * missed[0]
    (kept,) = (out / "photos").rglob("features-*.npy")
    assert train("blockiqa", ratings, pieces, *settings, *hints, "--minutes=0").exit_code == 3
    assert train("blockiqa", ratings, pieces, "--resume", *settings, *hints).exit_code == 0
    assert (pieces / kept.relative_to(out)).read_bytes() == kept.read_bytes()
    file = "blockiqa-ratings.safetensors"
    assert (out / file).read_bytes() == (pieces / file).read_bytes()
    cut = train("blockiqa", ratings, tmp_path / "cut", *settings, *hints, "--set=blocks=2")
    assert cut.exit_code == 2 and "set blocks=1" in cut.stderr
    photos = f"--photos={out / 'photos'}"
    windows = ("--set=window=32", "--set=order_weight=1", photos)
    parts = train("blockiqa", ratings, tmp_path / "parts", *settings, *hints, *windows)
    assert parts.exit_code == 0, parts.output
    missed = [float(row["hint"]) for row in log_of(tmp_path / "parts")]
    assert missed[-1] < 0.9 * missed[0]
    for setting in ("--freeze-backbone", "--set=trainable=half"):
        whole = train("blockiqa", ratings, tmp_path / "w", setting, "--set=window=32", photos)
        assert whole.exit_code == 2 and "window is for maps that are kept" in whole.stderr


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("--set=hint_weight=1", "--set=trainable=all"), "hint_weight needs --hint FILE"),
        (("--hint=x.safetensors",), "--hint is for --set hint_weight=1"),
        (("--hint=x.safetensors", "--set=hint_weight=1"), "hints are for one backbone that learns"),
    ],
)
def test_hints_that_nobody_gives_or_nobody_takes_are_refused(
    arguments: tuple[str, ...], text: str, ratings: Path, tmp_path: Path
) -> None:
    refused = train("blockiqa", ratings, tmp_path, *arguments)
    assert refused.exit_code == 2 and text in refused.stderr


def test_noise_where_nothing_is_kept_of_the_photos_is_explained(
    ratings: Path, tmp_path: Path
) -> None:
    refused = train("reqa", ratings, tmp_path, "--freeze-backbone", "--set=noise=0.5")
    assert refused.exit_code == 2
    assert "noise is for what frozen layers make of whole photos" in refused.stderr


def test_the_user_says_how_far_the_labels_of_a_file_reach(ratings: Path, tmp_path: Path) -> None:
    wanted = ("--label-range=-10:40", "--set=labels=native")
    assert train("blockiqa", ratings, tmp_path, *wanted).exit_code == 0
    trained = read_trained(tmp_path / "best.safetensors")
    assert trained is not None
    assert (trained.scale.lowest, trained.scale.highest) == (-10, 40)
    other = train("blockiqa", ratings, tmp_path, "--resume", "--set=labels=native")
    assert other.exit_code == 2 and "was trained on other photos" in other.stderr


def test_types_of_distortion_are_learnt_where_the_table_has_them(tmp_path: Path) -> None:
    table = rated_miniature(tmp_path, types=True)
    assert train("nlnet", table, tmp_path / "out").exit_code == 0
    assert all(float(row["type"]) > 0 for row in log_of(tmp_path / "out"))
    assert summary_of(tmp_path / "out")["types"] == ["blur", "noise"]


def test_photos_are_prepared_without_training_and_then_not_decoded_again(
    ratings: Path, tmp_path: Path
) -> None:
    store, out = tmp_path / "store", tmp_path / "out"
    assert train("blockiqa", ratings, out, f"--photos={store}", "--prepare-only").exit_code == 0
    parts = list(store.glob("*/*.npy"))
    assert len(parts) == 1 and not (out / "log.csv").exists()
    before = parts[0].stat().st_mtime_ns
    assert train("blockiqa", ratings, out, f"--photos={store}").exit_code == 0
    assert parts[0].stat().st_mtime_ns == before and not (out / "photos").exists()


def test_a_folder_that_holds_a_training_is_not_overwritten_by_accident(
    ratings: Path, tmp_path: Path
) -> None:
    assert train("blockiqa", ratings, tmp_path).exit_code == 0
    again = train("blockiqa", ratings, tmp_path)
    assert again.exit_code == 2 and "go on with --resume, or name another --out" in again.stderr
    other = train("blockiqa", ratings, tmp_path, "--resume", "--set=blocks=3")
    assert other.exit_code == 2 and "the training began with another blocks" in other.stderr
    photos = train("blockiqa", ratings, tmp_path, "--resume", "--split=scene")
    assert photos.exit_code == 2 and "cannot be split by scene" in photos.stderr


@pytest.mark.parametrize("option", ["--split=scene", "--init=gone.safetensors"])
def test_a_training_that_is_refused_leaves_no_folder(
    option: str, ratings: Path, tmp_path: Path
) -> None:
    assert train("blockiqa", ratings, tmp_path / "run", option).exit_code == 2
    assert not (tmp_path / "run").exists()


def test_a_mean_of_the_weights_is_what_is_kept(ratings: Path, tmp_path: Path) -> None:
    assert train("blockiqa", ratings, tmp_path, "--set=ema=0.9").exit_code == 0
    state, best = (load_file(tmp_path / f"{name}.safetensors") for name in ("last", "best"))
    epoch = summary_of(tmp_path)["val"]["epoch"]
    name = "fusion.0.weight"
    assert epoch < 2 or np.array_equal(best[name], state[f"mean.module.{name}"])
    assert not np.array_equal(best[name], state[f"learner.{name}"])


def test_weights_between_start_and_end_are_what_is_kept_also_after_a_stop(
    ratings: Path, tmp_path: Path
) -> None:
    first, whole, cut = (tmp_path / name for name in ("first", "whole", "cut"))
    assert train("blockiqa", ratings, first).exit_code == 0
    began = load_file(first / "best.safetensors")
    settings = ("start_share=0.25", "select=last", "rate=0.02", "warmup=0")
    settings = (f"--init={first}/best.safetensors", *(f"--set={one}" for one in settings))
    assert train("blockiqa", ratings, whole, *settings).exit_code == 0
    state, best = (load_file(whole / f"{name}.safetensors") for name in ("last", "best"))
    for name, kept in best.items():
        ended = state[f"mean.module.{name}"]
        assert np.allclose(kept, 0.25 * began[name] + 0.75 * ended, atol=1e-6), name
    assert not np.allclose(began["fusion.0.weight"], best["fusion.0.weight"], atol=1e-3)
    assert train("blockiqa", ratings, cut, *settings, "--minutes=0").exit_code == 3
    assert train("blockiqa", ratings, cut, *settings, "--resume").exit_code == 0
    assert all(np.array_equal(best[n], t) for n, t in load_file(cut / "best.safetensors").items())


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["blockiqua"], "there is no family 'blockiqua'"),
        (["blockiqa", "--set", "blocs=3"], "did you mean 'blocks'"),
        (["blockiqa", "--set", "partition=grid"], "--set partition: blockiqa has no such key"),
        (["blockiqa", "--set", "blocks=7"], "blocks of blockiqa cannot be 7: it can be 1, 2, 3"),
        (["blockiqa", "--set", "rate=fast"], "rate must be 0 or more, got 'fast'"),
        (["blockiqa", "--config", "nothing"], "there is no recipe 'nothing'"),
        (["blockiqa", "--config", "reqa-cpu"], "is a recipe for reqa, not for blockiqa"),
        (["blockiqa", "--set", "start_share=2"], "start_share must be 0 to 1, got 2"),
        (["blockiqa", "--backbone", "resnet51"], "did you mean 'resnet50'"),
        (["qualitynet", "--backbone", "resnet50"], "qualitynet needs 2 backbones, got resnet50"),
        (["reqa", "--set", "crop=600"], "crops of 600 do not fit a view of 512×512 pixels"),
        (["reqa", "--set", "batch=4"], "a batch of 4 is too small for reqa: 5 or more"),
        (["shdiqa", "--set", "teacher_epochs=0"], "there is nothing to distil"),
        (["nlnet", "--set", "order_weight=1"], "nlnet learns the order of whole photos"),
    ],
)
def test_what_cannot_be_is_refused_with_a_hint(
    arguments: list[str], text: str, ratings: Path, tmp_path: Path
) -> None:
    small = [] if "crop=600" in arguments else ["--set=height=64", "--set=width=64"]
    crop = {"reqa": ["--set=crop=0"], "shdiqa": ["--set=crop=32", "--set=stride=32"]}
    crop["nlnet"] = ["--set=height=112", "--set=width=112"]
    small += crop.get(arguments[0], []) if "crop=600" not in arguments else []
    options = [f"--dataset=csv:{ratings}", f"--out={tmp_path}", "--init=none", "-d", "cpu"]
    family, *more = arguments
    lite = ["--backbone=efficientnet-lite0"] if family in ("shdiqa", "nlnet") else []
    result = CliRunner().invoke(app, ["train", family, *options, *small, *lite, *more])
    assert result.exit_code == 2 and text in result.stderr
