"""`biqa rate`: ratings or choices of one's own, for `biqa tune`."""

import shlex
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from biqa_cli.cli import _options, _output, _photos, _progress
from biqa_cli.cli._targets import refuse_to_overwrite
from biqa_cli.errors import UsageError
from biqa_cli.models.catalog import DEFAULT_MODEL

if TYPE_CHECKING:
    from biqa_cli.images.limits import Limits
    from biqa_cli.tuning.session import Session


def rate(
    paths: _options.Photos,
    output: Annotated[
        Path,
        typer.Option("-o", "--output", metavar="FILE.csv", help="The table; it is gone on with."),
    ],
    pairs: Annotated[
        bool, typer.Option("--pairs", help="Ask which of two photos is better.")
    ] = False,
    scale: Annotated[
        str, typer.Option("--scale", metavar="LOW:HIGH", help="Of the ratings: whole numbers.")
    ] = "1:5",
    count: Annotated[int, typer.Option("--count", min=1, help="Questions at most.")] = 50,
    page: Annotated[
        bool, typer.Option("--page", help="Ask on a page at 127.0.0.1, which shows the photos.")
    ] = False,
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="Of the page; 0 is any that is free.")
    ] = 0,
    exclude: _options.Exclude = None,
    model: _options.Model = DEFAULT_MODEL,
    device: _options.Device = "auto",
    workers: _options.Workers = None,
    max_megapixels: _options.MaxMegapixels = _options.DEFAULT_MEGAPIXELS,
    memory: _options.Memory = _options.DEFAULT_MEMORY,
    seconds_per_photo: _options.SecondsPerPhoto = _options.DEFAULT_SECONDS,
    store: _options.StoreFile = None,
    fresh: _options.Fresh = False,
    no_store: _options.NoStore = False,
    offline: _options.Offline = False,
    quiet: _options.Quiet = False,
    verbose: _options.Verbose = 0,
) -> None:
    """Ask for your ratings or choices, and write each into a table at once.

    The photos are asked about in an order in which few answers teach much. On the terminal biqa
    opens nothing: look at the photos as you like. Ctrl-C ends; the same command goes on.

    Example: biqa rate photos/ -o ratings.csv --page
    """
    from biqa_cli.models.loading import load_model
    from biqa_cli.tuning.answers import CHOICES, RATINGS, Answers, folder_of
    from biqa_cli.tuning.descriptions import describe_photos
    from biqa_cli.tuning.questions import questions_of
    from biqa_cli.tuning.session import Session

    _output.set_up_logging(verbose)
    allowed = ("1", "2") if pairs else _values(scale)
    names = _photos.named_photos(paths or [], exclude=exclude)
    refuse_to_overwrite([output], map(Path, names))
    for strange in (name for name in names if not _is_utf8(name)):
        _output.problem(f"{strange}: is left out: a table needs names in UTF-8: rename it")
    names = [name for name in names if _is_utf8(name)]
    answers = Answers(output, CHOICES) if pairs else Answers(output, RATINGS, allowed=allowed)
    ready = load_model(model, device=device, offline=offline, features=True)
    limits = _options.limits_of(
        max_megapixels=max_megapixels, memory=memory, seconds=seconds_per_photo
    )
    with _options.store_of(store, fresh=fresh, unused=no_store) as known:
        described = list(
            _progress.with_progress(
                describe_photos(names, ready, workers=workers, limits=limits, store=known),
                len(names),
                unit="photo",
                quiet=quiet,
            )
        )
    for problem in (f"{one.path}: {one.error}" for one in described if one.error):
        _output.problem(problem)
    folder = folder_of(names, output=output)
    questions = questions_of(
        described, folder=folder, asked=answers.asked(), pairs=pairs, count=count
    )
    session = Session(questions, answers, allowed)
    if not questions:
        _output.say("all that could be asked is answered")
    options = [] if folder == output.absolute().parent else ["--root", str(folder)]
    options += [] if pairs else ["--label-range", scale]
    made = shlex.join(["biqa", "tune", str(output), *options, "-o", "mine.safetensors"])
    if page and questions:
        _on_page(session, folder, port=port, limits=limits)
    else:
        _on_terminal(session, folder, ask=lambda text: typer.prompt(text, prompt_suffix=" "))
    given = _output.counted(session.done, "answer")
    _output.say(f"{given} in {output}; a model from 20 on: {made}")


def _is_utf8(name: str) -> bool:
    """Return whether a name can be written; Python stands surrogates for other bytes."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _values(scale: str) -> tuple[str, ...]:
    low, _, high = scale.partition(":")
    if not (low.isdecimal() and high.isdecimal() and 1 <= int(high) - int(low) <= 100):  # noqa: PLR2004
        msg = f"--scale {scale} is no range of whole numbers: write LOW:HIGH, such as 1:5"
        raise UsageError(msg)
    return tuple(str(value) for value in range(int(low), int(high) + 1))


def _on_terminal(session: "Session", folder: Path, *, ask: Callable[[str], str]) -> None:
    """Ask one question after the other; q or the end of the input ends."""
    from biqa_cli.tuning.session import BACK, SKIP

    words = {"s": SKIP, "b": BACK}
    ends = f"{session.allowed[0]}-{session.allowed[-1]}"
    while session.question is not None:
        for number, name in enumerate(session.question, start=1):
            which = f"{number}: " if len(session.question) > 1 else ""
            _output.say(f"{which}{folder / name}")
        what = "better photo" if len(session.question) > 1 else "rating"
        try:
            said = ask(f"{what} ({ends}, s skip, b back, q quit)?").strip().lower()
            if said == "q":
                return
            session.give(words.get(said, said))
        except (typer.Abort, EOFError):
            _output.say("")  # ends the line of the question
            return
        except UsageError as error:
            _output.problem(str(error))


def _on_page(session: "Session", folder: Path, *, port: int, limits: "Limits") -> None:
    """Serve the page until Ctrl-C."""
    from biqa_cli.tuning.page import RatingServer, serve

    try:
        server = RatingServer(session, folder, limits=limits, port=port)
    except OSError as error:
        msg = f"cannot listen on port {port}: {error.strerror}: choose another with --port"
        raise UsageError(msg) from error
    _output.say("Ctrl-C ends")
    # Every answer is on disk: the end of the session is no failure, as on the terminal.
    with suppress(KeyboardInterrupt):
        serve(server, when_ready=_output.print_line)
