import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_training import quick_recipe, tiny_recipe
from training_jobs import TRAIN, VAL, flawed_job, random_job

from biqa_cli.distortions.examples import GOOD_SHARE
from biqa_cli.images.transforms import ViewSize
from biqa_cli.training.augmentation import normalised_views
from biqa_cli.training.batch import Batch, with_pooled
from biqa_cli.training.families import make_phases
from biqa_cli.training.families.base import Phase
from biqa_cli.training.freezing import freeze, slots_of
from biqa_cli.training.further import drawn_examples
from biqa_cli.training.job import Job
from biqa_cli.training.sources import FeatureSource, PhotoSource, Source, open_source, samples_of

CROPS = ("optimiser.batch=4", "input.crop=24", "input.noise=0", "monotonicity.weight=0")
TRIPLES = ("optimiser.batch=4", "monotonicity.weight=3", "monotonicity.photos=6")


def phase_of(job: Job) -> Phase:
    torch.manual_seed(0)
    (phase, *_), _ = make_phases(job.recipe, job.trained, ())
    freeze(phase.learner, slots_of(job.recipe), trainable=job.recipe.optimiser.trainable)
    return phase


def source_of(job: Job) -> Source:
    return open_source(job, phase_of(job))


def epoch_of(source: Source, epoch: int = 0, *, before: int = 0, start: int = 0) -> list[Batch]:
    return list(source.batches(epoch=epoch, before=before, start=start))


def alike(one: list[Batch], other: list[Batch]) -> bool:
    return len(one) == len(other) and all(
        torch.equal(a.inputs, b.inputs)
        and torch.equal(a.labels, b.labels)
        and torch.equal(a.types, b.types)
        and torch.equal(a.generator.get_state(), b.generator.get_state())
        for a, b in zip(one, other, strict=True)
    )


@pytest.mark.parametrize("settings", [CROPS, TRIPLES])
def test_batches_depend_on_seed_epoch_and_place_alone(
    settings: tuple[str, ...], tmp_path: Path
) -> None:
    recipe = quick_recipe(*settings)
    source = source_of(random_job(tmp_path, recipe))
    first = epoch_of(source)
    # With another number of threads, from the second step on, and as an epoch of a later phase.
    assert alike(first, epoch_of(source_of(random_job(tmp_path, recipe, workers=3))))
    assert alike(first[1:], epoch_of(source, start=1))
    assert alike(epoch_of(source, 1), epoch_of(source, 0, before=1))
    assert not alike(first, epoch_of(source, 1))
    seeded = source_of(random_job(tmp_path, quick_recipe(*settings, "seed=2")))
    assert not alike(first, epoch_of(seeded))


def crops_by_photo(job: Job, epoch: int) -> dict[float, torch.Tensor]:
    batches = epoch_of(PhotoSource(job, phase_of(job)), epoch)
    labels = torch.cat([batch.labels for batch in batches]).tolist()
    return dict(zip(labels, torch.cat([batch.inputs for batch in batches]), strict=True))


def test_the_crop_of_a_photo_changes_with_the_seed_and_with_the_epoch(tmp_path: Path) -> None:
    settings = (*CROPS, "input.flip=false", "input.crop=60")
    job = random_job(tmp_path, quick_recipe(*settings))
    other = random_job(tmp_path, quick_recipe(*settings, "seed=2"))
    drawn = crops_by_photo(job, 0), crops_by_photo(job, 1), crops_by_photo(other, 0)
    for again in drawn[1:]:
        shared = drawn[0].keys() & again.keys()
        assert len(shared) >= 9
        # 25 places: one or two may be drawn twice.
        same = sum(torch.equal(drawn[0][label], again[label]) for label in shared)
        assert same <= 3


def test_an_epoch_shows_each_sample_once_and_leaves_out_what_fills_no_batch(
    tmp_path: Path,
) -> None:
    job = random_job(tmp_path, quick_recipe(*CROPS))
    batches = epoch_of(PhotoSource(job, phase_of(job)))
    labels = torch.cat([batch.labels for batch in batches]).tolist()
    assert len(batches) == 3 and len(set(labels)) == 12
    assert all(label * 20 == pytest.approx(round(label * 20)) for label in labels)
    assert batches[0].inputs.shape == (4, 3, 24, 24) and not batches[0].is_cached
    twice = random_job(tmp_path, quick_recipe(*CROPS, "input.crops_per_photo=2"))
    samples = samples_of(twice, 0)
    assert samples.shape == (7, 4) and len(set(samples.flatten().tolist())) == 28
    large = random_job(tmp_path, quick_recipe(*CROPS, "optimiser.batch=64"))
    assert samples_of(large, 0).shape == (1, 15)


def test_labels_and_types_are_those_of_the_photos_in_the_batch(tmp_path: Path) -> None:
    settings = ("optimiser.batch=5", "input.crop=0", "input.flip=false", *CROPS[2:])
    job = random_job(tmp_path, quick_recipe(*settings, "optimiser.trainable=all"))
    mean, std = (np.array(values) for values in (job.contract.mean, job.contract.std))
    for batch in epoch_of(PhotoSource(job, phase_of(job))):
        for image, label, kind in zip(batch.inputs, batch.labels, batch.types, strict=True):
            index = round(20 * label.item())
            expected = (job.photos.store.view(index) / 255 - mean) / std
            assert np.allclose(image.permute(1, 2, 0).numpy(), expected, atol=1e-5)
            assert kind == index % 3


def test_cached_features_are_those_of_the_photos_and_noise_differs_by_epoch(
    tmp_path: Path,
) -> None:
    plain = source_of(random_job(tmp_path, quick_recipe("input.noise=0", "optimiser.batch=5")))
    assert isinstance(plain, FeatureSource)
    for batch in epoch_of(plain):
        assert batch.is_cached
        for values, label in zip(batch.inputs, batch.labels, strict=True):
            expected = plain.seen.of(round(20 * label.item()))
            assert torch.equal(values, torch.from_numpy(np.array(expected)).float())
    noisy = source_of(random_job(tmp_path, quick_recipe("input.noise=0.5", "optimiser.batch=5")))
    by_label = [
        {label: row for b in epoch_of(noisy, e) for label, row in zip(b.labels.tolist(), b.inputs)}  # noqa: B905
        for e in (0, 1)
    ]
    assert by_label[0].keys() == by_label[1].keys()
    assert not any(torch.equal(row, by_label[1][label]) for label, row in by_label[0].items())


def test_a_triple_is_a_photo_and_its_two_degraded_versions(tmp_path: Path) -> None:
    source = source_of(random_job(tmp_path, quick_recipe(*TRIPLES, "input.noise=0")))
    assert isinstance(source, FeatureSource) and source.seen.degraded is not None
    degraded = source.seen.degraded
    known = {
        source.seen.of(index).tobytes(): (values, levels.tolist())
        for index, levels, values in zip(
            degraded.known["indices"], degraded.known["levels"], degraded.values, strict=True
        )
    }
    for batch in epoch_of(source):
        assert batch.triples is not None
        assert batch.triples.inputs.shape[:2] == (2, 3) and batch.triples.levels.shape == (2, 2)
        assert (batch.triples.levels[:, 0] < batch.triples.levels[:, 1]).all()
        for triple, levels in zip(batch.triples.inputs, batch.triples.levels, strict=True):
            values, drawn = known[triple[0].half().numpy().tobytes()]
            assert np.array_equal(triple[1:].half().numpy(), values)
            assert levels.tolist() == drawn


def test_the_noise_of_a_feature_does_not_tell_good_photos_from_flawed_ones(
    tmp_path: Path,
) -> None:
    job = flawed_job(tmp_path)
    source = source_of(job)
    assert isinstance(source, FeatureSource)
    shares = [job.trained.scale.to_share(label) for label in job.photos.labels.tolist()]
    good = [i for i, share in zip(TRAIN, shares, strict=True) if share >= GOOD_SHARE]
    assert 0 < len(good) < len(TRAIN)
    features = {source.seen.of(index).tobytes() for index in good}
    for batch in epoch_of(source):
        assert batch.examples is not None and len(batch.examples.unflawed) == 2
        found = batch.examples.unflawed.numpy().astype(np.float16)
        assert {one.tobytes() for one in found} <= features


LEARNING = ("optimiser.trainable=upper", "input.noise=0", "input.flip=false")


def test_new_heads_meet_photos_and_examples_alike(tmp_path: Path) -> None:
    source = source_of(flawed_job(tmp_path, "optimiser.trainable=head"))
    assert isinstance(source, FeatureSource) and source.seen.examples is not None
    found, made = source.head_features(), torch.tensor(source.seen.examples.values).float()
    assert torch.equal(found, torch.cat([source.seen.some(TRAIN, 500)[::2], made]))


def test_a_backbone_that_learns_sees_the_views_of_examples_and_of_other_data_sets(
    tmp_path: Path,
) -> None:
    job = flawed_job(tmp_path, *LEARNING, "also.weight=1")
    other = replace(job.photos, indices=(7, 2), labels=np.array([3.0, 1.0], np.float32))
    source = source_of(replace(job, also=(other,)))
    assert isinstance(source, PhotoSource)
    drawn = drawn_examples(job)
    known = {
        normalised_views([one.view(ViewSize(64, 64))], job.contract, "cpu").numpy().tobytes(): one
        for one in drawn
    }
    by_label = {label: job.photos.store.view(index) for index, label in ((7, 3.0), (2, 1.0))}
    for batch in epoch_of(source):
        assert batch.examples is not None and batch.also is not None
        for image, kept in zip(batch.examples.inputs, batch.examples.kept, strict=True):
            assert known[image.contiguous().numpy()[None].tobytes()].kept == pytest.approx(kept)
        assert sorted(batch.also.labels.tolist()) == [1, 3]
        for image, label in zip(batch.also.inputs, batch.also.labels.tolist(), strict=True):
            expected = normalised_views([by_label[label]], job.contract, "cpu")[0]
            assert torch.equal(image, expected)


def test_the_views_of_examples_are_made_once(tmp_path: Path) -> None:
    job = flawed_job(tmp_path, *LEARNING)
    first = epoch_of(source_of(job))
    for index in TRAIN:
        # Not read again: what they were made from has the same length and time.
        file = job.dataset.file(index)
        stamp = file.stat()
        file.write_bytes(bytes(stamp.st_size))
        os.utime(file, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    again = epoch_of(source_of(job))
    for one, other in zip(first, again, strict=True):
        assert one.examples is not None and other.examples is not None
        assert torch.equal(one.examples.inputs, other.examples.inputs)


def test_all_images_of_a_batch_go_through_the_backbone_together(tmp_path: Path) -> None:
    job = flawed_job(tmp_path, *LEARNING, "also.weight=1")
    job = replace(job, also=(replace(job.photos, indices=(7, 2), labels=np.ones(2, np.float32)),))
    batch = epoch_of(open_source(job, phase_of(job)))[0]
    passes = []

    class Counting:
        def pooled(self, images: torch.Tensor) -> torch.Tensor:
            passes.append(len(images))
            return images.mean(dim=(2, 3))

        def from_pooled(self, pooled: torch.Tensor) -> torch.Tensor:
            return pooled

    pooled = with_pooled(Counting(), batch)
    assert batch.examples is not None and batch.also is not None
    assert pooled.examples is not None and pooled.also is not None
    assert passes == [4 + 4 + 2 + 2] and pooled.is_cached
    for images, features in (
        (batch.inputs, pooled.inputs),
        (batch.examples.inputs, pooled.examples.inputs),
        (batch.examples.unflawed, pooled.examples.unflawed),
        (batch.also.inputs, pooled.also.inputs),
    ):
        assert torch.equal(images.mean(dim=(2, 3)), features)


def test_both_sources_score_the_validation_photos_alike(tmp_path: Path) -> None:
    job = random_job(tmp_path, tiny_recipe("blockiqa"))
    phase = phase_of(job)
    cached = open_source(job, phase)
    assert isinstance(cached, FeatureSource) and phase.network is not None
    photos = PhotoSource(job, phase)
    assert cached.scores(phase.network) == pytest.approx(photos.scores(phase.network), abs=1e-3)
    assert len(photos.scores(phase.network)) == len(VAL)
    assert photos.head_features() is None  # type: ignore[func-returns-value]
    assert len(cached.head_features()) == len(TRAIN)


@pytest.mark.parametrize(
    ("settings", "cached"),
    [
        ((), True),
        (("input.flip=true",), True),
        (("optimiser.trainable=last",), False),
        (("optimiser.trainable=all",), False),
        (("optimiser.trainable=upper",), False),
        (("input.rotate=10",), False),
        (("input.turn=0.5",), False),
        (("input.crop=32",), False),
        (("input.crops_per_photo=2",), False),
        (("network.attention_first=true",), False),
    ],
)
def test_only_what_every_epoch_sees_alike_is_cached(
    settings: tuple[str, ...], tmp_path: Path, *, cached: bool
) -> None:
    recipe = quick_recipe("input.noise=0", "monotonicity.weight=0", *settings)
    source = source_of(random_job(tmp_path, recipe))
    assert isinstance(source, FeatureSource if cached else PhotoSource)


def test_a_quarter_as_many_photos_are_degraded_block_by_block(tmp_path: Path) -> None:
    recipe = tiny_recipe("shdiqa", "optimiser.batch=8")
    batches = epoch_of(source_of(random_job(tmp_path, recipe)))
    assert len(batches) == 1
    extras = batches[0].extras
    assert extras.keys() == {"degraded", "types", "levels"}
    assert all(len(values) == 2 for values in extras.values())
