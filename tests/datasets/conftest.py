"""Miniature copies of the data sets, in the layouts of their authors."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from openpyxl import Workbook
from scipy.io import savemat

from biqa_cli.datasets.live import FOLDERS, image_names

Sheets = Mapping[str, Sequence[Sequence[object]]]


def _touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def _write_workbook(path: Path, sheets: Sheets, *, first_cell: tuple[int, int] = (1, 1)) -> None:
    """Write a workbook.

    Args:
        path: Of the workbook.
        sheets: Name of a sheet → rows of cells, None for an empty one.
        first_cell: Row and column, from 1, of the first cell.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    book = Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        page = book.create_sheet(name)
        for row_number, row in enumerate(rows, start=first_cell[0]):
            for column, value in enumerate(row, start=first_cell[1]):
                page.cell(row_number, column, value)
    book.save(path)


def _live(root: Path) -> None:
    names = image_names()
    # The last file of each folder is an undistorted one here; the label counts the files.
    undistorted = [
        name == f"{name.split('/')[0]}/img{FOLDERS[name.split('/')[0]]}.bmp" for name in names
    ]
    references = np.empty((1, len(names)), dtype=object)
    references[0, :] = [("bikes.bmp", "woman.bmp")[index % 2] for index in range(len(names))]
    savemat(
        root / "dmos_realigned.mat",
        {
            "dmos_new": np.arange(len(names), dtype=float)[None] / 10,
            "dmos_std": np.full((1, len(names)), 1.5),
            "orgs": np.array([undistorted], dtype=np.uint8),
        },
    )
    savemat(root / "refnames_all.mat", {"refnames_all": references})
    _touch(root, *names)


def _csiq(root: Path) -> None:
    heading = ["image", "dst_idx", "dst_type", "dst_lev", "dmos_std", "dmos"]
    rows = [
        [1600, 1, "noise", 1, 0.06, 0.061989],
        [1600, 3, "jpeg 2000", 4, 0.05, 0.575],
        ["snow_leaves", 6, "contrast", 5, 0.07, 0.9],
    ]
    _write_workbook(
        root / "csiq.DMOS.xlsx",
        {"all_by_distortion": [["other"]], "all_by_image": [["title"], heading, *rows]},
        first_cell=(3, 4),
    )
    _touch(
        root,
        "dst_imgs/awgn/1600.AWGN.1.png",
        "dst_imgs/jpeg2000/1600.jpeg2000.4.png",
        "dst_imgs/contrast/snow_leaves.contrast.5.png",
    )


def _tid2013(root: Path) -> None:
    (root / "mos_with_names.txt").write_text(
        "5.51429 I01_01_1.bmp\n5.56757 i01_01_2.bmp\n5.91429 I01_11_1.BMP\n2.77143 i25_24_5.bmp\n"
    )
    (root / "mos_std.txt").write_text("0.13013\n0.16008\n0.16349\n0.15186\n")
    _touch(root, *(f"distorted_images/{n}" for n in ("I01_01_1.BMP", "i01_01_2.bmp")))
    _touch(root, *(f"distorted_images/{n}" for n in ("i01_11_1.bmp", "I25_24_5.BMP")))


def _kadid10k(root: Path) -> None:
    (root / "dmos.csv").write_text(
        "dist_img,ref_img,dmos,var\n"
        "I01_01_01.png,I01.png,4.57,0.496\n"
        "I01_25_05.png,I01.png,3.1,0.9\n"
        "I81_03_02.png,I81.png,4.33,0.869\n"
    )
    _touch(root, *(f"images/{n}.png" for n in ("I01_01_01", "I01_25_05", "I81_03_02")))


def _clive(root: Path) -> None:
    names = np.empty((10, 1), dtype=object)
    names[:, 0] = [*(f"t{n}.bmp" for n in range(1, 8)), "100.bmp", "101.bmp", "1001.JPG"]
    (root / "Data").mkdir()
    savemat(root / "Data/AllImages_release.mat", {"AllImages_release": names})
    for name, values in (("AllMOS", np.arange(10.0)), ("AllStdDev", np.arange(10.0) + 10)):
        savemat(root / f"Data/{name}_release.mat", {f"{name}_release": values[None]})
    _touch(root, "Images/100.bmp", "Images/101.bmp", "Images/1001.JPG")
    _touch(root, *(f"Images/trainingImages/t{n}.bmp" for n in range(1, 8)))


def _koniq10k(root: Path) -> None:
    (root / "koniq10k_distributions_sets.csv").write_text(
        "image_name,c1,c2,c3,c4,c5,c_total,MOS,SD,set\n"
        "10004473376.jpg,0.0,0.0,0.238,0.695,0.067,105,77.3836206897,0.527,training\n"
        "10007357496.jpg,0.0,0.031,0.469,0.490,0.010,96,68.7285714286,0.580,test\n"
        "10007903636.jpg,0.0,0.0,0.3,0.6,0.1,100,72.1,0.5,validation\n"
    )
    _touch(root, *(f"1024x768/{n}.jpg" for n in (10004473376, 10007357496, 10007903636)))


def _agiqa3k(root: Path) -> None:
    names = ("AttnGAN_normal_000.jpg", "midjourney_lowstep_000.jpg", "xl2.2_normal_012.jpg")
    (root / "data.csv").write_text(
        "name,prompt,adj1,adj2,style,mos_quality,std_quality,mos_align,std_align\n"
        f"{names[0]},statue of a man,,,,0.965602553,0.223270101,0.40889324,0.615607722\n"
        f"{names[1]},statue of a man,,,,2.5,0.4,3.1,0.5\n"
        f'{names[2]},"cat, sitting",,,anime style,4.1,0.3,3.9,0.2\n'
    )
    _touch(root, *(f"ACGIQA-3K/{name}" for name in names))


def _bid(root: Path) -> None:
    heading = ["Image Number", "Average Subjective Grade", "std", "grade 1"]
    rows = [[1, 3.45, 0.6, 3], [4, 1.2, 0.5, 1], [585, 4.9, 0.3, 5]]
    _write_workbook(root / "DatabaseGrades.xlsx", {"Plan1": [heading, *rows]})
    _touch(root, *(f"ImageDatabase/DatabaseImage{n:04d}.JPG" for n in (1, 4, 585)))


def _spaq(root: Path) -> None:
    heading = ["Image name", "MOS", "Brightness", "Colorfulness"]
    rows = [["00001.jpg", 48.86, 50.1, 47], ["00002.jpg", 62.5, 60, 61.2]]
    path = root / "Annotations/MOS and Image attribute scores.xlsx"
    _write_workbook(path, {"Sheet1": [heading, *rows]})
    _touch(root, "TestImage/00001.jpg", "TestImage/00002.jpg")


def _cid2013(root: Path) -> None:
    heading = ["Source_ID", "Image set specific  MOS", "Realigned  MOS", "Sharpness"]
    rows = [
        ["IS_I_C01_D01", 12.3, 3.34364303351907, 40],
        ["IS_I_C01_D02", 80, 71.1818902079248, 70],
        ["IS_VI_C08_D13", 30, -9.54906308259536, 20],
    ]
    path = root / "CID2013 data - version 12112014.xlsx"
    _write_workbook(path, {"Read me": [["text"]], "CID2013 MOS": [heading, *rows]})
    _touch(root, "IS1/co1/IS_I_C01_D01.jpg", "IS1/co1/IS_I_C01_D02.jpg")
    _touch(root, "IS6/co8/IS_VI_C08_D13.jpg")


def _biq2021(root: Path) -> None:
    # ss01 (12) and ss01 (14) show one scene; ss01 (3) is held out for validation.
    (root / "Train (Images and MOS).csv").write_text(
        "\ufeffImage Name,MOS,,\nss01 (14).jpg,0.84,,\nss02 (1014).jpg,0.28,,\n"
        "ss03 (1).jpg,0.5,,\nss01 (VAL).jpg,0.7,,\n".replace("VAL", str(_a_val_photo())),
        encoding="utf-8",
    )
    (root / "Test (Images and MOS).csv").write_text("Image Name,MOS\nss01 (12).jpg,0.73\n")
    names = ["ss01 (14).jpg", "ss02 (1014).JPG", "ss03 (1).jpg", "ss01 (12).jpg"]
    _touch(root, *(f"Images/{n}" for n in (*names, f"ss01 ({_a_val_photo()}).jpg")))


def _a_val_photo() -> int:
    from biqa_cli.datasets.biq2021 import load_scenes

    numbers = (name[6:-1] for name in load_scenes().val if name.startswith("ss01 "))
    return min(map(int, numbers))


RELEASES: dict[str, Callable[[Path], None]] = {
    "live": _live,
    "csiq": _csiq,
    "tid2013": _tid2013,
    "kadid10k": _kadid10k,
    "clive": _clive,
    "koniq10k": _koniq10k,
    "agiqa3k": _agiqa3k,
    "bid": _bid,
    "spaq": _spaq,
    "cid2013": _cid2013,
    "biq2021": _biq2021,
}


@pytest.fixture
def release(tmp_path: Path) -> Callable[[str], Path]:
    """Return a function that writes a miniature release and returns its root."""

    def write(name: str) -> Path:
        root = tmp_path / name
        root.mkdir()
        RELEASES[name](root)
        return root

    return write


@pytest.fixture
def write_workbook() -> Callable[..., None]:
    return _write_workbook
