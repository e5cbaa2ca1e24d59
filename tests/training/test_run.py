"""A training ends the same whatever interrupts it, and refuses what cannot be."""

import json
import shutil
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from PIL import Image
from rated_miniature import rated_miniature, use_tiny_backbones
from rated_photos import loaded, rated_greys
from safetensors.numpy import load_file
from tiny_training import (
    Killed,
    Listener,
    assert_same_training,
    log_of,
    quick_recipe,
    request,
    run,
    run_in_pieces,
    tiny_recipe,
)

from biqa_cli.datasets.base import Dataset
from biqa_cli.datasets.learnt import photo_hash
from biqa_cli.datasets.loading import load_dataset
from biqa_cli.datasets.split_files import load_split, save_split
from biqa_cli.datasets.splits import split_of_parts
from biqa_cli.errors import UsageError, WeightsError
from biqa_cli.models.spec import Family
from biqa_cli.models.trained import read_trained
from biqa_cli.recipes.files import load_recipe
from biqa_cli.recipes.record import Recipe
from biqa_cli.training.run import train
from biqa_cli.training.validation import Validation, validate
from biqa_cli.whole_files import write_whole

CROPS = ("input.crop=48", "input.noise=0", "monotonicity.weight=0")
DISTORTED_CROPS = ("input.crop=64", "input.stride=64", *CROPS[1:])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "settings"),
    [
        ("blockiqa", ("input.flip=true",)),
        ("blockiqa", (*CROPS, "optimiser.trainable=all", "input.rotate=10")),
        ("qualitynet", ()),
        ("qualitynet", ("schedule.curve=plateau", "schedule.every=1", "network.chains=1")),
        ("reqa", ("input.val_crops=1",)),
        ("shdiqa", ()),
        ("shdiqa", (*DISTORTED_CROPS, "network.encoder=transformer")),
        ("nlnet", ("network.branches=local",)),
        ("nlnet", ()),
        ("nlnet", ("input.crop=112", *CROPS[1:])),
    ],
)
def test_a_training_interrupted_after_every_step_ends_with_the_same_bits(
    family: Family, settings: tuple[str, ...], rated: Dataset, decoded: Path, tmp_path: Path
) -> None:
    recipe = tiny_recipe(family, *settings)
    whole = request(rated, recipe, tmp_path / "whole", photos=decoded)
    assert run(whole)[0].finished
    pieces = replace(whole, out=tmp_path / "pieces")
    # A run does one step; the last run only validates.
    assert run_in_pieces(pieces) == 2 * len(log_of(whole.out)) + 1
    assert_same_training(whole.out, pieces.out)


@pytest.mark.slow
def test_a_training_may_stop_while_it_decodes_and_while_it_caches(
    rated: Dataset, tmp_path: Path
) -> None:
    recipe = quick_recipe()
    whole = request(rated, recipe, tmp_path / "whole")
    assert run(whole)[0].finished
    pieces = replace(whole, out=tmp_path / "pieces")
    # Besides the steps: features of 26 photos in two parts, of which the last does not stop.
    assert run_in_pieces(pieces) == 5 + 1
    assert_same_training(whole.out, pieces.out)


@pytest.mark.slow
def test_a_training_that_stops_while_it_decodes_has_not_finished(
    rated: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("biqa_cli.images.view_store._AT_ONCE", 4)
    asked = request(rated, quick_recipe(), tmp_path / "out", minutes=0)
    outcome, told = run(asked)
    assert not outcome.finished and outcome.weights is None
    assert not (asked.out / "last.safetensors").exists()
    assert any("photos are decoded" in line for line in told.lines)


def two_rounds() -> Recipe:
    change = {"optimiser": {"rate": 0.003}, "input": {"noise": 0.0}}
    recipe = quick_recipe()
    return msgspec.structs.replace(recipe, rounds=(change,))


@pytest.fixture(scope="session")
def rounds(rated: Dataset, decoded: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("rounds")
    with pytest.MonkeyPatch.context() as patch:
        use_tiny_backbones(patch)
        patch.setattr("biqa_cli.training.summary.draw_curves", lambda *_: False)
        outcome, told = run(request(rated, two_rounds(), out, photos=decoded))
        assert outcome.finished
        assert [line for line in told.lines if line.startswith("round ")] == [
            "round 1 of 2",
            "round 2 of 2",
        ]
    return out


@pytest.mark.slow
def test_a_round_starts_from_the_best_weights_of_the_round_before(
    rounds: Path, rated: Dataset, decoded: Path, tmp_path: Path
) -> None:
    first = rounds / "round-1"
    assert len(log_of(first)) == len(log_of(rounds)) == 2
    summary = json.loads((rounds / "summary.json").read_text())
    assert summary["starts"] == [f"the whole network starts from {first / 'best.safetensors'}"]
    rates = [max(float(row["rate"]) for row in log_of(out)) for out in (first, rounds)]
    assert rates[0] <= 0.001 < rates[1]
    # By hand: the first round alone, then a training that starts from its best weights.
    assert run(request(rated, quick_recipe(), tmp_path / "one", photos=decoded))[0].finished
    best = (tmp_path / "one" / "best.safetensors").read_bytes()
    assert best == (first / "best.safetensors").read_bytes()
    changed = quick_recipe("optimiser.rate=0.003", "input.noise=0")
    second = replace(
        request(rated, changed, tmp_path / "two", photos=decoded),
        starts=(str(tmp_path / "one" / "best.safetensors"),),
    )
    assert run(second)[0].finished
    assert (second.out / "best.safetensors").read_bytes() == (
        rounds / "best.safetensors"
    ).read_bytes()


@pytest.mark.parametrize(
    "killed_after", [1, 5, *(pytest.param(step, marks=pytest.mark.slow) for step in (3, 4, 7, 8))]
)
def test_two_rounds_that_are_killed_and_resumed_end_with_the_same_bits(
    killed_after: int, rounds: Path, rated: Dataset, decoded: Path, tmp_path: Path
) -> None:
    asked = request(rated, two_rounds(), tmp_path, photos=decoded)
    with pytest.raises(Killed):
        train(asked, Listener(killed_after=killed_after))
    resumed, listener = run(replace(asked, resume=True))
    assert resumed.finished
    # No step of an epoch that had ended is done again.
    assert listener.steps == 8 - (killed_after - 1) // 2 * 2
    assert_same_training(rounds, tmp_path)


def test_a_round_that_has_ended_is_not_judged_again(
    rated: Dataset, decoded: Path, tmp_path: Path
) -> None:
    asked = request(rated, two_rounds(), tmp_path, photos=decoded)
    with pytest.raises(Killed):
        train(asked, Listener(killed_after=6))
    _, listener = run(replace(asked, resume=True))
    judged = [line for line in listener.lines if line.startswith("the stored weights score")]
    assert len(judged) == 1


@pytest.mark.slow
def test_a_run_of_a_study_judges_its_weights_by_the_cached_features(
    rated: Dataset, decoded: Path, tmp_path: Path
) -> None:
    alone, told = run(request(rated, quick_recipe(), tmp_path / "alone", photos=decoded))
    asked = replace(request(rated, quick_recipe(), tmp_path / "study", photos=decoded), whole=True)
    outcome, listener = run(asked)
    judged = [any(line.startswith("the stored") for line in x.lines) for x in (told, listener)]
    assert judged == [True, False] and not alone.test_scores and outcome.test_scores
    summaries = [
        json.loads((tmp_path / n / "summary.json").read_text()) for n in ("alone", "study")
    ]
    opened, cached = (each["val_of_stored_weights"] for each in summaries)
    assert cached["loss"] == pytest.approx(opened["loss"], rel=0.05)


@pytest.mark.slow
def test_two_rounds_of_no_time_each_end_with_the_same_bits(
    rounds: Path, rated: Dataset, decoded: Path, tmp_path: Path
) -> None:
    # A stop of the first round says nothing of the second.
    assert run_in_pieces(request(rated, two_rounds(), tmp_path, photos=decoded)) == 9
    assert_same_training(rounds, tmp_path)


def test_finishing_before_the_last_round_is_refused_at_once(
    rated: Dataset, decoded: Path, tmp_path: Path
) -> None:
    asked = request(rated, two_rounds(), tmp_path, photos=decoded)
    with pytest.raises(Killed):
        train(asked, Listener(killed_after=3))
    listener = Listener()
    with pytest.raises(UsageError, match="no epoch of a training in .* continue with --resume"):
        train(replace(asked, finish=True), listener)
    assert listener.steps == 0


@pytest.mark.slow
def test_a_training_killed_at_any_write_resumes_to_the_same_bits(
    rated: Dataset, decoded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = quick_recipe()
    whole = request(rated, recipe, tmp_path / "whole", photos=decoded)
    writes = 0

    def count(path: Path, content: bytes | str) -> None:
        nonlocal writes
        writes += 1
        write_whole(path, content)

    use_writer(monkeypatch, count)
    assert run(whole)[0].finished
    for last in range(1, writes + 1):
        left = last

        def die(path: Path, content: bytes | str) -> None:
            nonlocal left
            left -= 1
            if left:
                write_whole(path, content)
                return
            # Half of the file, under the name that is not its own.
            path.with_name(f"{path.name}.partial").write_bytes(b"\x08")
            raise Killed

        use_writer(monkeypatch, die)
        asked = replace(whole, out=tmp_path / str(last))
        with pytest.raises(Killed):
            run(asked)
        use_writer(monkeypatch, write_whole)
        assert run(replace(asked, resume=True))[0].finished
        assert_same_training(whole.out, asked.out)
    assert writes >= 8


def use_writer(monkeypatch: pytest.MonkeyPatch, writer: object) -> None:
    for module in ("run", "log", "summary", "checkpoints", "state"):
        monkeypatch.setattr(f"biqa_cli.training.{module}.write_whole", writer)


@pytest.mark.slow
def test_a_training_is_finished_early_with_its_best_epoch_and_can_still_go_on(
    rated: Dataset, decoded: Path, tmp_path: Path
) -> None:
    recipe = tiny_recipe("shdiqa")
    asked = request(rated, recipe, tmp_path / "run", photos=decoded)
    finish = replace(asked, finish=True)
    with pytest.raises(UsageError, match="no epoch of a training in"):
        run(finish)
    assert not asked.out.exists()
    no_time = replace(asked, minutes=0, resume=True)
    # The teacher's epoch leaves nothing to score with.
    while not (asked.out / "log.csv").exists():
        assert not run(no_time)[0].finished
    with pytest.raises(UsageError, match="no epoch of a training in"):
        run(finish)
    while len(log_of(asked.out)) == 1:
        assert not run(no_time)[0].finished
    state = (asked.out / "last.safetensors").read_bytes()
    ended, listener = run(finish)
    assert ended.finished and ended.weights == asked.out / "shdiqa-ratings.safetensors"
    assert listener.steps == 0
    summary = json.loads((asked.out / "summary.json").read_text())
    assert summary["finished"] and summary["epochs"] == 2
    assert summary["val_of_stored_weights"].keys() == {"loss", "srcc", "plcc", "krcc"}
    assert (asked.out / "last.safetensors").read_bytes() == state
    assert run(replace(asked, resume=True))[0].finished
    whole = replace(asked, out=tmp_path / "whole")
    assert run(whole)[0].finished
    assert_same_training(whole.out, asked.out)


def test_finishing_after_a_kill_between_weights_and_state_says_whose_weights_they_are(
    rated: Dataset, decoded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = request(rated, quick_recipe(), tmp_path, photos=decoded)
    judged = 0

    def better_each_time(*given: Any) -> Validation:
        nonlocal judged
        judged += 1
        return replace(validate(*given), srcc=judged / 10)

    def die(path: Path, content: bytes | str) -> None:
        # The weights of the second epoch are kept, and then the power fails.
        if path.name == "log.csv" and judged == 2:
            raise Killed
        write_whole(path, content)

    monkeypatch.setattr("biqa_cli.training.loop.validate", better_each_time)
    use_writer(monkeypatch, die)
    with pytest.raises(Killed):
        run(asked)
    use_writer(monkeypatch, write_whole)
    assert [row["epoch"] for row in log_of(tmp_path)] == ["1"]
    run(replace(asked, finish=True))
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert (summary["val"]["epoch"], summary["val"]["srcc"]) == (2, 0.2)
    # The epoch whose end was lost is done again, and is still better than the first.
    assert run(replace(asked, resume=True))[0].finished
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert (summary["val"]["epoch"], summary["val"]["srcc"]) == (2, 0.3)


def test_resuming_what_has_finished_says_so_and_where_the_weights_are(
    rated: Dataset, decoded: Path, tmp_path: Path
) -> None:
    asked = request(rated, quick_recipe("schedule.epochs=1"), tmp_path, photos=decoded)
    outcome, listener = run(asked)
    assert not any("had finished" in line for line in listener.lines)
    again, listener = run(replace(asked, resume=True))
    assert again == outcome and listener.steps == 0
    said = f"the training in {tmp_path} had finished: its weights are {outcome.weights}"
    assert said in listener.lines


def test_a_teacher_says_what_it_has_learnt_from(
    rated: Dataset, decoded: Path, tmp_path: Path
) -> None:
    recipe = tiny_recipe("shdiqa", "schedule.epochs=1")
    run(request(rated, recipe, tmp_path, photos=decoded))
    teacher, best = (read_trained(tmp_path / f"{name}.safetensors") for name in ("teacher", "best"))
    assert teacher is not None and best is not None
    assert best.learnt is not None and len(best.learnt.photos) == 26
    assert teacher.learnt == best.learnt


@pytest.mark.slow
def test_frozen_layers_are_those_of_the_start_when_a_training_resumes(
    rated: Dataset, decoded: Path, tmp_path: Path
) -> None:
    first = request(
        rated,
        tiny_recipe("blockiqa", "seed=7", "schedule.epochs=1"),
        tmp_path / "first",
        photos=decoded,
    )
    assert run(first)[0].finished
    # Of another network: it gives its backbone alone.
    recipe = quick_recipe()
    start = str(first.out / "best.safetensors")
    whole = replace(request(rated, recipe, tmp_path / "whole", photos=decoded), starts=(start,))
    assert run(whole)[0].finished
    pieces = replace(whole, out=tmp_path / "pieces")
    run_in_pieces(pieces)
    assert_same_training(whole.out, pieces.out)
    given, kept = load_file(start), load_file(pieces.out / "best.safetensors")
    name = "layers.0.weight"
    assert np.array_equal(kept[f"backbones.0.{name}"], given[f"backbone.{name}"])


@pytest.mark.slow
def test_the_seed_decides_a_training_and_the_number_of_threads_does_not(
    rated: Dataset, decoded: Path, tmp_path: Path
) -> None:
    asked = request(rated, quick_recipe(*CROPS), tmp_path / "one", photos=decoded)
    run(asked)
    run(replace(asked, out=tmp_path / "three", workers=3))
    assert_same_training(tmp_path / "one", tmp_path / "three")
    seeded = replace(asked, out=tmp_path / "seeded", recipe=quick_recipe(*CROPS, "seed=5"))
    run(seeded)
    assert log_of(seeded.out) != log_of(asked.out)


def test_the_recipe_that_was_written_trains_again_to_the_same_weights(
    rated: Dataset, decoded: Path, tmp_path: Path
) -> None:
    recipe = quick_recipe("network.attention=CA")
    run(request(rated, recipe, tmp_path / "a", photos=decoded))
    again = load_recipe("qualitynet", config=tmp_path / "a" / "recipe.toml")
    assert again == recipe
    run(request(rated, again, tmp_path / "b", photos=decoded))
    assert_same_training(tmp_path / "a", tmp_path / "b")
    # The option travels with the file: other attention, other scores.
    trained = read_trained(tmp_path / "a" / "best.safetensors")
    assert trained is not None and trained.options["attention"] == "CA"


def test_noise_on_features_changes_what_is_learnt(
    rated: Dataset, decoded: Path, tmp_path: Path
) -> None:
    logs = []
    for share in (0, 0.5):
        recipe = quick_recipe(f"input.noise={share}")
        run(request(rated, recipe, tmp_path / str(share), photos=decoded))
        logs.append(log_of(tmp_path / str(share)))
    assert logs[0] != logs[1]


@pytest.mark.slow
def test_monotonicity_is_learnt_beside_the_labels(
    rated: Dataset, decoded: Path, tmp_path: Path
) -> None:
    settings = ("monotonicity.weight=100", "optimiser.rate=0.01")
    recipe = quick_recipe(*settings, "schedule.epochs=12")
    run(request(rated, recipe, tmp_path, photos=decoded))
    missed = [float(row["monotonicity"]) for row in log_of(tmp_path)]
    assert missed[-1] < 0.7 * missed[0]


@pytest.mark.slow
def test_flaws_are_learnt_from_rated_photos_and_from_photos_without_flaws(
    rated: Dataset, ratings: Path, tmp_path: Path
) -> None:
    settings = ["network.flaws=true", "network.pooling=mean+std", "examples.count=12"]
    weights = [f"examples.{name}=1" for name in ("weight", "unflawed_weight", "flaws_weight")]
    with pytest.raises(UsageError, match=r"its scale is .*: set input\.labels=unit"):
        run(request(rated, quick_recipe(*settings, *weights), tmp_path / "run"))
    recipe = quick_recipe(*settings, *weights, "input.labels=unit")
    clean = tmp_path / "clean"
    clean.mkdir()
    for number, name in enumerate(sorted(ratings.parent.rglob("*.png"))[:3]):
        shutil.copy(name, clean / f"{number}.png")
    asked = request(rated, recipe, tmp_path / "run", clean=(clean,))
    outcome, _ = run(asked)
    assert outcome.weights is not None
    for row in log_of(tmp_path / "run"):
        assert all(float(row[name]) > 0 for name in ("unflawed", "ceilings", "flaws"))
    trained = read_trained(outcome.weights)
    assert trained is not None and trained.learnt is not None
    assert trained.options["flaws"] is True
    assert {photo_hash(photo) for photo in clean.iterdir()} <= trained.learnt.photos
    # Other photos without a flaw would make other examples.
    (clean / "0.png").unlink()
    with pytest.raises(UsageError, match=r"began with other photos or ratings \(another clean"):
        run(replace(asked, resume=True, minutes=0))
    shutil.copy(min(ratings.parent.rglob("*.png")), clean / "0.png")
    # What was made of the examples is kept, and a run in pieces ends with the same bits.
    run_in_pieces(replace(asked, out=tmp_path / "pieces", photos=tmp_path / "run" / "photos"))
    assert_same_training(tmp_path / "run", tmp_path / "pieces")


@pytest.mark.slow
def test_a_backbone_learns_from_examples_and_other_data_sets_and_resumes_to_the_same_bits(
    rated: Dataset, tmp_path: Path
) -> None:
    settings = ["network.flaws=true", "network.pooling=mean+std", "examples.count=12"]
    settings += ["examples.weight=1", "examples.flaws_weight=1", "input.labels=unit"]
    settings += ["optimiser.trainable=upper", "optimiser.backbone_rate=1e-3", "also.weight=1"]
    settings += ["input.noise=0", "monotonicity.weight=0", "input.crop=32", "input.turn=0.5"]
    asked = request(rated, quick_recipe(*settings), tmp_path / "run", also=(rated,))
    run(asked)
    for row in log_of(tmp_path / "run"):
        assert all(float(row[name]) > 0 for name in ("also", "ceilings", "flaws"))
    run_in_pieces(replace(asked, out=tmp_path / "pieces", photos=tmp_path / "run" / "photos"))
    assert_same_training(tmp_path / "run", tmp_path / "pieces")


def test_photos_that_a_recipe_has_no_use_for_are_refused_and_so_are_none(
    rated: Dataset, tmp_path: Path
) -> None:
    for recipe, more, message in (
        (quick_recipe("also.weight=5"), {}, "--also and also.weight go together"),
        (quick_recipe(), {"also": (rated,)}, "--also and also.weight go together"),
        (quick_recipe(), {"clean": (tmp_path,)}, "--clean is for recipes with examples"),
    ):
        with pytest.raises(UsageError, match=message):
            run(request(rated, recipe, tmp_path / "run", **more))
    assert not (tmp_path / "run").exists()


def test_another_data_set_teaches_its_order_and_is_remembered(
    rated: Dataset, tmp_path: Path
) -> None:
    # Greys whose labels fall with the light, on another scale and with another direction.
    (tmp_path / "greys").mkdir()
    labels = {value: 99.0 - value for value in range(0, 96, 4)}
    other = replace(loaded(rated_greys(tmp_path / "greys", labels)), name="csv:greys")
    other = replace(other, scale=replace(other.scale, higher_is_better=False))
    recipe = quick_recipe("also.weight=5")
    outcome, listener = run(request(rated, recipe, tmp_path / "run", also=(other,)))
    assert outcome.weights is not None
    assert all(0 < float(row["also"]) < 2 for row in log_of(tmp_path / "run"))
    split = load_split(tmp_path / "run" / "csv-greys-split.txt", other)
    trains = split.parts["train"]
    assert f"{len(trains)} photos of csv:greys train, too" in listener.lines
    trained = read_trained(outcome.weights)
    assert trained is not None and trained.learnt is not None
    assert trained.learnt.photos_among(other, range(24), workers=1) == set(trains)


def test_types_of_distortion_are_learnt_where_the_table_has_them(tmp_path: Path) -> None:
    table = rated_miniature(tmp_path, types=True)
    data = load_dataset(f"csv:{table}", keep_missing=True)
    run(
        request(
            data,
            tiny_recipe("nlnet", "network.branches=local", "schedule.epochs=1"),
            tmp_path / "out",
        )
    )
    assert all(float(row["type"]) > 0 for row in log_of(tmp_path / "out"))
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["types"] == ["blur", "noise"]


def test_a_broken_photo_is_left_out_and_named(tmp_path: Path) -> None:
    table = rated_miniature(tmp_path)
    (tmp_path / "05.png").write_bytes(b"no photo")
    (tmp_path / "06.png").unlink()
    black = np.zeros((1, 1), np.uint8)
    Image.fromarray(black).save(tmp_path / "07.png")
    header = (tmp_path / "07.png").read_bytes()
    side = (20_000).to_bytes(4, "big")
    ihdr = b"IHDR" + side + side + header[24:29]
    crc = zlib.crc32(ihdr).to_bytes(4, "big")
    (tmp_path / "07.png").write_bytes(header[:12] + ihdr + crc + header[33:])
    data = load_dataset(f"csv:{table}", keep_missing=True)
    parts = {"train": range(20), "val": range(20, 28), "test": range(28, 32)}
    indices = {name: tuple(chosen) for name, chosen in parts.items()}
    split = split_of_parts(data, indices, protocol="image", seed=1)
    save_split(split, data, tmp_path / "split.txt")
    recipe = quick_recipe("schedule.epochs=1")
    asked = request(data, recipe, tmp_path / "out", split=str(tmp_path / "split.txt"))
    _, listener = run(asked)
    told = "\n".join(listener.lines)
    assert "left out: 05.png: not an image in a known format" in told
    assert "left out: 06.png: no such file" in told
    # There is no --max-megapixels here.
    assert "07.png: 20000×20000 is 400 megapixels, over the limit of 200: reduce the photo" in told
    assert "17 photos train, 8 validate, 4 are kept for the test" in told
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["left_out"].keys() == {"05.png", "06.png", "07.png"}
    assert summary["split"]["photos"] == {"train": 20, "val": 8, "test": 4}


def test_labels_that_are_all_the_same_are_refused_before_any_feature(tmp_path: Path) -> None:
    data = loaded(rated_greys(tmp_path, dict.fromkeys(range(0, 240, 8), 3.0)))
    data = replace(data, scale=replace(data.scale, lowest=1.0, highest=5.0))
    with pytest.raises(UsageError, match="training photos cannot be ordered: .* all the same"):
        run(request(data, quick_recipe(), tmp_path / "out"))
    assert not list((tmp_path / "out").rglob("features*"))


def test_decoded_photos_are_shared_between_trainings(rated: Dataset, tmp_path: Path) -> None:
    recipe = quick_recipe("schedule.epochs=1")
    asked = request(rated, recipe, tmp_path / "a", photos=tmp_path / "photos")
    run(asked)
    before = {path: path.stat().st_mtime_ns for path in asked.photos.rglob("*.npy")}
    assert len(before) == 3 and not (asked.out / "photos").exists()
    _, listener = run(replace(asked, out=tmp_path / "b"))
    assert {path: path.stat().st_mtime_ns for path in asked.photos.rglob("*.npy")} == before
    assert not any("decoded" in line or "cached" in line for line in listener.lines)


def test_a_folder_that_holds_a_training_is_not_overwritten_by_accident(
    rated: Dataset, decoded: Path, tmp_path: Path
) -> None:
    asked = request(rated, quick_recipe("schedule.epochs=1"), tmp_path, photos=decoded)
    run(asked)
    with pytest.raises(UsageError, match="continue with --resume, or name another --out"):
        run(asked)
    rescaled = replace(rated, scale=replace(rated.scale, highest=7.0))
    with pytest.raises(UsageError, match="began with other photos or ratings"):
        run(replace(asked, dataset=rescaled, resume=True))


def test_weights_that_are_missing_are_told_before_a_photo_is_decoded(
    rated: Dataset, tmp_path: Path
) -> None:
    asked = replace(request(rated, quick_recipe(), tmp_path / "run"), starts=("gone.safetensors",))
    with pytest.raises(WeightsError, match="cannot read gone.safetensors"):
        run(asked)
    assert not asked.out.exists()


def test_a_loss_that_is_not_finite_ends_the_training_with_advice(
    rated: Dataset, decoded: Path, tmp_path: Path
) -> None:
    huge = ("optimiser.rate=1e30", "optimiser.clip=0", "schedule.warmup=0")
    with pytest.raises(UsageError, match=r"smaller rate \(--set optimiser.rate=…\)"):
        run(request(rated, quick_recipe(*huge), tmp_path, photos=decoded))
