"""A session of questions: what is asked now, what was answered, and one step back."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from biqa_cli.errors import UsageError
from biqa_cli.tuning.answers import Answers

SKIP, BACK = "skip", "back"
Question = tuple[str, ...]
"""The name of a photo to be rated, or of two of which the better one is chosen."""


@dataclass(slots=True)
class Session:
    """Asks one question after the other; every answer is on disk before the next is asked."""

    questions: Sequence[Question]
    answers: Answers
    allowed: tuple[str, ...]
    """Ratings from the worst to the best; of pairs "1" and "2", the photo that is better."""
    place: int = 0
    _steps: list[str] = field(default_factory=list)

    @property
    def question(self) -> Question | None:
        """What is asked now; None after the last."""
        return self.questions[self.place] if self.place < len(self.questions) else None

    @property
    def done(self) -> int:
        """How many answers the table has."""
        return len(self.answers.rows)

    def give(self, answer: str) -> None:
        """Take an answer, `SKIP` for none, or `BACK` to take back what was said last.

        Raises:
            UsageError: If it is none of them, or there is nothing to take back or to answer.
        """
        if answer == BACK:
            if not self._steps:
                raise UsageError("this is the first question: there is nothing to take back")
            if self._steps.pop() != SKIP:
                self.answers.undo()
            self.place -= 1
            return
        question = self.question
        if question is None or answer not in (*self.allowed, SKIP):
            ends = f"{self.allowed[0]} to {self.allowed[-1]}"
            msg = f"{answer!r} is no answer: give {ends}, {SKIP} or {BACK}"
            raise UsageError(msg)
        if answer != SKIP:
            self.answers.add(*_row(question, answer))
        self._steps.append(answer)
        self.place += 1


def _row(question: Question, answer: str) -> tuple[str, ...]:
    if len(question) == 1:
        return (*question, answer)
    return question if answer == "1" else question[::-1]
