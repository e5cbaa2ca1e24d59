"""The table of data sets: what each is, where to get it, and under which terms. Data only."""

from dataclasses import dataclass

from biqa_cli.datasets.base import Kind, LabelScale
from biqa_cli.errors import UsageError, did_you_mean


@dataclass(frozen=True, slots=True)
class DatasetInfo:
    """What is known of a data set before its files are seen."""

    name: str
    title: str
    kind: Kind
    count: int
    """Images with a label in the authors' release."""
    references: int | None
    """Pristine images; None for authentic photos."""
    scale: LabelScale
    columns: tuple[str, ...]
    """What a record holds beside the label."""
    layout: str
    """What the root holds, to end the words "the root holds"."""
    source: str
    terms: str
    citation: str

    @property
    def hint(self) -> str:
        """What to tell a user who names the wrong folder."""
        return (
            f"The root holds {self.layout}; `biqa datasets info {self.name}` says where to get it"
        )


_UNCHECKED = "Its terms are on the authors' page; they were not checked for this table."

_TABLE = (
    DatasetInfo(
        name="live",
        title="LIVE Image Quality Assessment Database, release 2",
        kind="synthetic",
        count=779,
        references=29,
        scale=LabelScale(-2.7, 111.8, higher_is_better=False, meaning="realigned DMOS"),
        columns=("std", "reference", "distortion"),
        layout=(
            "dmos_realigned.mat, refnames_all.mat and the folders jp2k, jpeg, wn, gblur and"
            " fastfading"
        ),
        source="https://live.ece.utexas.edu/research/quality/subjective.htm",
        terms=(
            "Free to use, copy, modify and distribute with its copyright notice; name LIVE and"
            " the University of Texas at Austin in publications. A form gives the password."
        ),
        citation=(
            "H. R. Sheikh, M. F. Sabir, A. C. Bovik: A Statistical Evaluation of Recent Full"
            " Reference Image Quality Assessment Algorithms, IEEE TIP 15(11), 2006"
        ),
    ),
    DatasetInfo(
        name="csiq",
        title="CSIQ, Categorical Subjective Image Quality",
        kind="synthetic",
        count=866,
        references=30,
        scale=LabelScale(0, 1, higher_is_better=False, meaning="DMOS"),
        columns=("std", "reference", "distortion", "level"),
        layout=(
            "csiq.DMOS.xlsx and dst_imgs with the folders awgn, blur, contrast, fnoise, jpeg and"
            " jpeg2000"
        ),
        source="https://s2.smu.edu/~eclarson/csiq.html",
        terms=f"Free download; no licence stands beside it. {_UNCHECKED}",
        citation=(
            "E. C. Larson, D. M. Chandler: Most Apparent Distortion: Full-Reference Image"
            " Quality Assessment and the Role of Strategy, Journal of Electronic Imaging 19(1),"
            " 2010"
        ),
    ),
    DatasetInfo(
        name="tid2013",
        title="TID2013, Tampere Image Database",
        kind="synthetic",
        count=3000,
        references=25,
        scale=LabelScale(0, 9, higher_is_better=True, meaning="MOS"),
        columns=("std", "reference", "distortion", "level"),
        layout="mos_with_names.txt, mos_std.txt and distorted_images",
        source="https://www.ponomarenko.info/tid2013.htm",
        terms=(
            "Education and research only, free of charge, with its copyright notice and the"
            " authors' names on every copy; not to be modified without their permission."
        ),
        citation=(
            "N. Ponomarenko et al.: Image Database TID2013: Peculiarities, Results and"
            " Perspectives, Signal Processing: Image Communication 30, 2015"
        ),
    ),
    DatasetInfo(
        name="kadid10k",
        title="KADID-10k, Konstanz Artificially Distorted Image Quality Database",
        kind="synthetic",
        count=10125,
        references=81,
        scale=LabelScale(1, 5, higher_is_better=True, meaning="the column dmos, in truth a MOS"),
        columns=("std", "reference", "distortion", "level"),
        layout="dmos.csv and images",
        source="https://database.mmsp-kn.de/kadid-10k-database.html",
        terms=f"Free download for research. {_UNCHECKED}",
        citation=(
            "H. Lin, V. Hosu, D. Saupe: KADID-10k: A Large-Scale Artificially Distorted IQA"
            " Database, QoMEX 2019"
        ),
    ),
    DatasetInfo(
        name="clive",
        title="LIVE In the Wild Image Quality Challenge Database",
        kind="authentic",
        count=1162,
        references=None,
        scale=LabelScale(0, 100, higher_is_better=True, meaning="MOS"),
        columns=("std",),
        layout=(
            "Data with AllImages_release.mat, AllMOS_release.mat and AllStdDev_release.mat, and"
            " Images"
        ),
        source="https://live.ece.utexas.edu/research/ChallengeDB/index.html",
        terms=(
            "Free to use, copy, modify and distribute with its copyright notice; name LIVE and"
            " the University of Texas at Austin in publications. A form gives the password."
        ),
        citation=(
            "D. Ghadiyaram, A. C. Bovik: Massive Online Crowdsourced Study of Subjective and"
            " Objective Picture Quality, IEEE TIP 25(1), 2016"
        ),
    ),
    DatasetInfo(
        name="koniq10k",
        title="KonIQ-10k",
        kind="authentic",
        count=10073,
        references=None,
        scale=LabelScale(0, 100, higher_is_better=True, meaning="MOS of z-scores (MOS_zscore)"),
        columns=("official part",),
        layout=(
            "koniq10k_scores_and_distributions.csv or koniq10k_distributions_sets.csv (which has"
            " the official split), and 1024x768 or 512x384"
        ),
        source="https://database.mmsp-kn.de/koniq-10k-database.html",
        terms=f"Photos of YFCC100M under Creative Commons licences. {_UNCHECKED}",
        citation=(
            "V. Hosu, H. Lin, T. Sziranyi, D. Saupe: KonIQ-10k: An Ecologically Valid Database"
            " for Deep Learning of Blind Image Quality Assessment, IEEE TIP 29, 2020"
        ),
    ),
    DatasetInfo(
        name="agiqa3k",
        title="AGIQA-3K, AI-generated images",
        kind="generated",
        count=2982,
        references=None,
        scale=LabelScale(0, 5, higher_is_better=True, meaning="MOS of the quality"),
        columns=("std", "subset", "scene"),
        layout="data.csv and the images, beside it or in the folder AGIQA-3K",
        source="https://github.com/lcysyzxdxc/AGIQA-3k-Database",
        terms="MIT licence, says the authors' repository.",
        citation=(
            "C. Li et al.: AGIQA-3K: An Open Database for AI-Generated Image Quality Assessment,"
            " IEEE TCSVT 34(8), 2024"
        ),
    ),
    DatasetInfo(
        name="bid",
        title="BID, Blurred Image Database",
        kind="authentic",
        count=586,
        references=None,
        scale=LabelScale(0, 5, higher_is_better=True, meaning="MOS"),
        columns=("std",),
        layout="DatabaseGrades.xlsx and the photos DatabaseImage0001.JPG …, or ImageDatabase",
        source="http://www02.smt.ufrj.br/~eduardo/ImageDatabase.htm",
        terms=f"Free download, at times out of reach. {_UNCHECKED}",
        citation=(
            "A. Ciancio et al.: No-Reference Blur Assessment of Digital Pictures Based on"
            " Multifeature Classifiers, IEEE TIP 20(1), 2011"
        ),
    ),
    DatasetInfo(
        name="spaq",
        title="SPAQ, Smartphone Photography Attribute and Quality",
        kind="authentic",
        count=11125,
        references=None,
        scale=LabelScale(0, 100, higher_is_better=True, meaning="MOS"),
        columns=(),
        layout="Annotations with `MOS and Image attribute scores.xlsx`, and TestImage",
        source="https://github.com/h4nwei/SPAQ",
        terms="Free download; its repository states no licence. Ask the authors.",
        citation=(
            "Y. Fang, H. Zhu, Y. Zeng, K. Ma, Z. Wang: Perceptual Quality Assessment of"
            " Smartphone Photography, CVPR 2020"
        ),
    ),
    DatasetInfo(
        name="cid2013",
        title="CID2013, Camera Image Database",
        kind="authentic",
        count=474,
        references=None,
        scale=LabelScale(-10, 100, higher_is_better=True, meaning="realigned MOS"),
        columns=("subset", "scene"),
        layout="`CID2013 data - version 12112014.xlsx` and the folders IS1 to IS6",
        source="https://zenodo.org/records/2647033",
        terms=(
            "Free to use, copy, modify and distribute with its copyright notice; name the"
            " University of Helsinki's groups in publications. Single images not outside the"
            " scope of the database."
        ),
        citation=(
            "T. Virtanen, M. Nuutinen, M. Vaahteranoksa, P. Oittinen, J. Häkkinen: CID2013: A"
            " Database for Evaluating No-Reference Image Quality Assessment Algorithms, IEEE"
            " TIP 24(1), 2015"
        ),
    ),
    DatasetInfo(
        name="biq2021",
        title="BIQ2021",
        kind="authentic",
        count=12000,
        references=None,
        scale=LabelScale(0, 1, higher_is_better=True, meaning="MOS"),
        columns=("subset", "scene", "official part", "clean part"),
        layout="`Train (Images and MOS).csv`, `Test (Images and MOS).csv` and Images",
        source="https://github.com/nisarahmedrana/BIQ2021",
        terms=(
            "Free for research and development, says the paper; its repository states no"
            " licence, and private people are in the photos."
        ),
        citation=(
            "N. Ahmed, S. Asif: BIQ2021: A Large-Scale Blind Image Quality Assessment Database,"
            " Journal of Electronic Imaging 31(5), 2022"
        ),
    ),
)

DATASETS = {info.name: info for info in _TABLE}


def find_dataset(name: str) -> DatasetInfo:
    """Return what is known of a data set.

    Raises:
        UsageError: If there is none of that name.
    """
    info = DATASETS.get(name.casefold())
    if info is None:
        hint = did_you_mean(name, DATASETS)
        msg = f"there is no data set {name!r}: {hint} (csv:FILE reads your own)"
        raise UsageError(msg)
    return info
