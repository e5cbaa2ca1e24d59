"""What the five papers print, to stand beside what is measured."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PrintedNumbers:
    """A paper's result for its model on one data set; None where it prints none."""

    srcc: float | None
    plcc: float | None
    krcc: float | None
    where: str
    protocol: str
    """How the paper split the set; a number of another protocol does not compare."""


_BLOCKIQA = "80 % / 20 % by image, versions of one reference on both sides"
_AUTHENTIC_80 = "80 % / 20 % by image"
_REQA = "80 % / 20 % by image, 20 repeats, median"
_SHDIQA = "80 % / 20 % by image, 10 repeats, mean"
_QUALITYNET = "its own train, validation and test parts, shares not stated"

# Keys: family, data set. QualityNet and REQA write SROCC and KROCC for srcc and krcc.
PRINTED: dict[tuple[str, str], PrintedNumbers] = {
    ("blockiqa", "csiq"): PrintedNumbers(0.985, 0.988, None, "BlockIQA, Table 1", _BLOCKIQA),
    ("blockiqa", "live"): PrintedNumbers(0.981, 0.982, None, "BlockIQA, Table 1", _BLOCKIQA),
    ("blockiqa", "tid2013"): PrintedNumbers(0.966, 0.971, None, "BlockIQA, Table 1", _BLOCKIQA),
    ("blockiqa", "kadid10k"): PrintedNumbers(0.970, 0.972, None, "BlockIQA, Table 1", _BLOCKIQA),
    ("blockiqa", "clive"): PrintedNumbers(0.875, 0.892, None, "BlockIQA, Table 1", _AUTHENTIC_80),
    ("blockiqa", "cid2013"): PrintedNumbers(0.941, 0.938, None, "BlockIQA, Table 1", _AUTHENTIC_80),
    ("blockiqa", "spaq"): PrintedNumbers(0.917, 0.920, None, "BlockIQA, Table 1", _AUTHENTIC_80),
    ("qualitynet", "tid2013"): PrintedNumbers(0.93, 0.92, 0.77, "QualityNet, Table 2", _QUALITYNET),
    ("qualitynet", "koniq10k"): PrintedNumbers(
        0.88, 0.89, 0.69, "QualityNet, Table 3", _QUALITYNET
    ),
    ("qualitynet", "clive"): PrintedNumbers(0.84, 0.86, 0.68, "QualityNet, Table 4", _QUALITYNET),
    ("qualitynet", "biq2021"): PrintedNumbers(
        0.86,
        0.85,
        0.67,
        "QualityNet, Table 5",
        "the official test part, after training on the official training part, shared scenes "
        "included",
    ),
    ("shdiqa", "clive"): PrintedNumbers(0.909, 0.922, None, "SHDIQA, supplement, Table 3", _SHDIQA),
    ("shdiqa", "koniq10k"): PrintedNumbers(
        0.937, 0.948, None, "SHDIQA, supplement, Table 3", _SHDIQA
    ),
    ("reqa", "clive"): PrintedNumbers(0.865, 0.880, None, "REQA, Table II", _REQA),
    ("reqa", "bid"): PrintedNumbers(0.874, 0.886, None, "REQA, Table II", _REQA),
    ("reqa", "koniq10k"): PrintedNumbers(0.904, 0.916, None, "REQA, Table II", _REQA),
}


def printed_numbers(family: str, dataset: str) -> PrintedNumbers | None:
    """Return what a family's paper prints for a data set, None where it prints nothing."""
    return PRINTED.get((family, dataset))
