"""From decisions to actions: which sidecars are written, and where each file of a photo goes."""

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from biqa_cli.culling.actions import Action, How, MakeFolder, Transfer, WriteSidecar, located
from biqa_cli.culling.companions import files_by_stem, renamed, stem_of
from biqa_cli.culling.placing import are_alike
from biqa_cli.culling.records import CullRow, Decision
from biqa_cli.culling.xmp import Marks, merge
from biqa_cli.errors import SidecarError, UsageError
from biqa_cli.images.suffixes import SUFFIXES

LABELS = {Decision.pick: "Green", Decision.reject: "Red"}
"""As Lightroom (in English) and digiKam call colours; what is kept has none."""
REJECTED = -1


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is to be done with the decisions."""

    how: How | None = None
    picks: Path | None = None
    """Where picks go; None leaves them where they are."""
    rejects: Path | None = None
    xmp: bool = False
    mark_rejects: bool = False
    """Rejects have the rating -1 in place of their stars."""

    def folder_for(self, decision: Decision) -> Path | None:
        """Return where photos of a decision go, None where they stay."""
        return {Decision.pick: self.picks, Decision.reject: self.rejects}.get(decision)


@dataclass(slots=True)
class Plan:
    """What is to be done, and what cannot be."""

    actions: list[Action] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    kept_ratings: int = 0
    """So many sidecars keep the rating or the label that a person gave."""

    @property
    def moved(self) -> dict[str, str]:
        """Where files are to be found once the actions are done, by `located` names before."""
        return {
            str(action.source): str(action.target)
            for action in self.actions
            if isinstance(action, Transfer) and action.how is How.move
        }

    def count(self, kind: type[Action]) -> int:
        """Return how many actions are of a kind."""
        return sum(isinstance(action, kind) for action in self.actions)


def check_links(photos: Iterable[Sequence[str]], wishes: Wishes) -> None:
    """Check before photos are scored that links can lead to them.

    Args:
        photos: The files of each.
        wishes: What the user wants.

    Raises:
        UsageError: If a photo is on another disk than a folder for links.
    """
    if wishes.how is not How.link:
        return
    folders = [folder for folder in (wishes.picks, wishes.rejects) if folder is not None]
    for files in photos:
        for folder in folders:
            # A photo that is not there gets its row, and no link.
            with suppress(OSError):
                _require_one_disk(Path(files[0]), folder.resolve())


def plan(rows: Iterable[CullRow], wishes: Wishes) -> Plan:
    """Return what is to be done with photos; files are listed and sidecars read, none is changed.

    Photos without a score stay as they are.

    Args:
        rows: From `decide`.
        wishes: What the user wants.

    Raises:
        UsageError: If files cannot get where they are wanted, such as by links to another disk.
    """
    planning = _Planning(wishes)
    for row in rows:
        # A companion goes with its photo.
        if row.path == row.shot.result.path and row.score is not None:
            planning.add(row)
    return planning.plan


@dataclass(slots=True)
class _Planning:
    """The plan so far, and what is known of folders."""

    wishes: Wishes
    plan: Plan = field(default_factory=Plan)
    listed: dict[Path, dict[str, list[str]]] = field(default_factory=dict)
    """The files of each photo of a folder, by stem."""
    taken: dict[Path, set[str]] = field(default_factory=dict)
    """Names in target folders, of files that are there or will be; case does not tell apart."""
    written: dict[Path, Path] = field(default_factory=dict)
    """The sidecars that are written, and of which photo each is."""

    def add(self, row: CullRow) -> None:
        first = located(row.path)
        if first.parent not in self.listed:
            self.listed[first.parent] = files_by_stem(_names_in(first.parent))
        stem = stem_of(first.name)
        names = self.listed[first.parent].get(stem, [first.name])
        # What the user has left out by --exclude goes along too: it is a file of the photo.
        files = [path for name in names if (path := first.parent / name).is_file()]
        if first not in files:
            self.plan.problems.append(f"{first} is not there any more: nothing is done with it")
            return
        if self.wishes.xmp:
            files += self._write_sidecars(row, first, files)
        folder = self.wishes.folder_for(row.decision)
        if folder is not None and folder.resolve() != first.parent.resolve():
            self._transfer(first, files, stem, folder.resolve())

    def _write_sidecars(self, row: CullRow, first: Path, files: Sequence[Path]) -> list[Path]:
        """Plan what is written into the sidecars of a photo, and return those that are new."""
        photos = [path for path in files if path.suffix.lower() in SUFFIXES] or [first]
        usual = [first.with_name(f"{stem_of(first.name)}.xmp"), *(_beside(path) for path in photos)]
        lowered = {path.name.lower() for path in usual}
        # Where a program has written one, the photo's programs read that.
        present = [path for path in files if path.name.lower() in lowered]
        marks = _marks_of(row, mark_rejects=self.wishes.mark_rejects)
        for path in present or usual:
            try:
                self._write_sidecar(path, first, marks)
            except (SidecarError, OSError) as error:
                said = error.strerror if isinstance(error, OSError) else error
                self.plan.problems.append(f"{path} stays as it is: {said}")
        return [] if present else [path for path in usual if path in self.written]

    def _write_sidecar(self, path: Path, photo: Path, marks: Marks) -> None:
        # Of a link the file is written that it leads to.
        file = located(path.resolve()) if path.is_symlink() else path
        if not file.is_file() and os.path.lexists(path):
            raise SidecarError("it is no file, or a link that leads to none")
        if file in self.written:
            if self.written[file] == photo:
                return
            msg = f"it is the sidecar of {self.written[file]} too, by a link"
            raise SidecarError(msg)
        if file != path and not (os.access(file, os.W_OK) and os.access(file.parent, os.W_OK)):
            msg = f"it leads to {file}, which cannot be written"
            raise SidecarError(msg)
        old = file.read_bytes() if file.is_file() else None
        merged = merge(old, marks)
        self.plan.kept_ratings += bool(merged.kept)
        self.written[file] = photo
        if merged.data != old:
            time = None if old is None else file.stat().st_mtime_ns
            self.plan.actions.append(WriteSidecar(file, merged.data, old, time))

    def _transfer(self, first: Path, files: Sequence[Path], stem: str, folder: Path) -> None:
        how = self.wishes.how
        if how is None:
            raise UsageError("say how photos get into another folder: --copy, --move or --link")
        links = [path for path in files if path.is_symlink()]
        if links and how is How.move:
            said = "is a link, which may not lead anywhere from another folder: use --copy"
            self.plan.problems.append(f"{links[0]} {said}")
            return
        self._make(folder)
        if how is How.link:
            _require_one_disk(first, folder)
        for number in count(1):
            new_stem = stem if number == 1 else f"{stem}-{number}"
            targets = {path: folder / renamed(path.name, stem, new_stem) for path in files}
            photo = targets[first]
            if how is not How.move and are_alike(first, photo):
                # It was copied before: only what has come since is missing.
                targets = {s: t for s, t in targets.items() if not os.path.lexists(t)}
                break
            if not any(target.name.casefold() in self.taken[folder] for target in targets.values()):
                break
        for source, target in targets.items():
            self.taken[folder].add(target.name.casefold())
            real = source if how is How.move else located(source.resolve())
            goes_with = None if target == photo else photo
            self.plan.actions.append(Transfer(how, real, target, goes_with))

    def _make(self, folder: Path) -> None:
        """Plan a folder and those above it that are missing."""
        if folder in self.taken:
            return
        missing = [path for path in (folder, *folder.parents) if not path.exists()]
        for path in reversed(missing):
            if path not in self.taken:
                self.plan.actions.append(MakeFolder(path))
                self.taken[path] = set()
        if not missing:
            if not folder.is_dir():
                msg = f"{folder} is not a folder: name one for photos"
                raise UsageError(msg)
            self.taken[folder] = {name.casefold() for name in _names_in(folder)}


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.name}.xmp")


def _marks_of(row: CullRow, *, mark_rejects: bool) -> Marks:
    rejected = mark_rejects and row.decision is Decision.reject
    flaws = row.shot.flaws
    return Marks(
        rating=REJECTED if rejected else row.stars,
        label=LABELS.get(row.decision),
        flaws=None if flaws is None else tuple(flaw.name for flaw in flaws),
        score=row.score,
    )


def _names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def _require_one_disk(source: Path, folder: Path) -> None:
    # A folder that is to be made will be on the disk of the one above it.
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if source.stat().st_dev != there.stat().st_dev:
        msg = f"{source} and {folder} are on different disks, which no link connects: use --copy"
        raise UsageError(msg)
