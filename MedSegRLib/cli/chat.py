"""medsegr chat: a conversation about one scan in the terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, cast

import typer

from MedSegRLib.cli import options
from MedSegRLib.cli.interrupt import interrupt_asks
from MedSegRLib.cli.opening import open_scan, open_session
from MedSegRLib.cli.outputs import MASKS, REPORT, check_outputs, save_answer
from MedSegRLib.cli.telling import follow, own_notes, tell_findings, tell_notes
from MedSegRLib.errors import MedSegRError, UserInputError

if TYPE_CHECKING:
    from MedSegRLib.answers import Answer, Question
    from MedSegRLib.answers.question import Mode
    from MedSegRLib.reasoning import Session

HELP = """/save FILE     masks of the last answer (.seg.nrrd, .nii.gz, ...), or the answer (.json)
/report FILE   the conversation with pictures (.html)
/forget        begin anew
/help          this
/quit          leave
Ctrl-C stops the question that is being answered."""


def chat(
    scan: options.Scan,
    series: options.Series = None,
    plane: options.PlaneName = None,
    mode: options.ModeName = "ground",
    model: options.ModelName = "mini",
    modality: options.ModalityName = None,
    body_part: options.BodyPart = None,
    seed: options.Seed = 0,
    cache: options.Cache = None,
) -> None:
    """Talk about a scan: question after question, each may refer to the last answer."""
    from MedSegRLib.answers import Question

    chosen = options.plane_of(plane)
    # Refused here and not with the first question.
    Question("Is the mode known?", chosen, mode=cast("Mode", mode), seed=seed)
    volume = open_scan(scan, series, modality)
    session = open_session(volume, model, plane=plane, body_part=body_part, cache=cache)
    talk = Talk(session, scan, lambda text: Question(text, chosen, mode=cast("Mode", mode), seed=seed))
    typer.echo(f"{volume.name}. Research use, not for diagnosis. /help tells the commands.", err=True)
    talk.run()


class Talk:
    """One conversation: lines in, answers out."""

    def __init__(self, session: Session, scan: Path, question_of: Callable[[str], Question]) -> None:
        self._session = session
        self._scan = scan
        self._question_of = question_of
        self._answers: list[Answer] = []

    def run(self) -> None:
        """Take line after line until the user leaves."""
        while (line := _read_line()) is not None:
            command, _, rest = line.partition(" ")
            try:
                if command in ("/quit", "/exit"):
                    return
                if line.startswith("/"):
                    self._obey(command, rest.strip().strip("\"'"))
                elif line:
                    self._ask(line)
            except MedSegRError as error:
                typer.echo(str(error), err=True)
            except KeyboardInterrupt:
                typer.echo("Stopped.", err=True)

    def _ask(self, text: str) -> None:
        question = self._question_of(text)
        with interrupt_asks() as stop:
            answer = follow(self._session.stream(question, stop=stop), live=True)
        self._answers.append(answer)
        if not answer.complete:
            typer.echo("Stopped; what was done until then is kept.", err=True)
        tell_findings(answer)
        tell_notes(own_notes(answer))

    def _obey(self, command: str, rest: str) -> None:
        if command == "/save":
            self._save([_path(command, rest)])
        elif command == "/report":
            self._report(_path(command, rest))
        elif command == "/forget":
            self._session.forget()
            self._answers.clear()
            typer.echo("Forgotten.", err=True)
        elif command == "/help":
            typer.echo(HELP, err=True)
        else:
            raise UserInputError(f"There is no command {command}; /help tells those there are.")

    def _save(self, paths: list[Path]) -> None:
        check_outputs(paths, (*MASKS, ".json"), self._scan)
        for sentence in save_answer(self._said()[-1], paths):
            typer.echo(sentence, err=True)

    def _report(self, path: Path) -> None:
        from MedSegRLib.answers import write_report

        check_outputs([path], REPORT, self._scan)
        write_report(self._said(), path)
        typer.echo(f"Written: {path}", err=True)

    def _said(self) -> list[Answer]:
        if not self._answers:
            raise UserInputError("There is no answer yet; ask a question first.")
        return self._answers


def _path(command: str, rest: str) -> Path:
    if not rest:
        raise UserInputError(f"{command} needs the name of a file.")
    return Path(rest).expanduser()


def _read_line() -> str | None:
    """The next line, None at the end; Ctrl-C while nothing is asked leaves nothing undone."""
    while True:
        try:
            # The prompt is for people: in a pipe it would stand among the answers.
            return input("> " if sys.stdin.isatty() else "").strip()
        except EOFError:
            return None
        except KeyboardInterrupt:
            typer.echo("\n/quit leaves.", err=True)
