"""Export: a conversation as a report or a plain transcript, and its last answer as JSON or masks."""

from __future__ import annotations

from collections.abc import Callable

from MedSegRLib.answers import Answer, write_report
from MedSegRLib.answers.provenance import DISCLAIMER
from MedSegRLib.errors import OutputError
from MedSegRLib.imaging import atomic_path
from MedSegRLib.panel.conversation import Conversation, Exchange
from MedSegRLib.panel.gateway import SceneGateway
from MedSegRLib.panel.shown import Stage

__all__ = ["export", "transcript"]


def export(
    conversation: Conversation, path: str, gateway: SceneGateway, tr: Callable[[str], str]
) -> tuple[str, ...]:
    """Write a conversation; the ending of the path chooses how.

    Parameters
    ----------
    conversation
        With at least one exchange.
    path
        .html: all answers with pictures; .txt: all that was said; any other ending that `Answer.save`
        knows, such as .json or .seg.nrrd: the last answer.
    gateway
        Has the masks of answers that came with the scene.
    tr
        Translates.

    Returns
    -------
    Sentences about what was left out.

    Raises
    ------
    MedSegRError
        If there is no answer to write, or the file cannot be written.
    """
    if path.lower().endswith(".txt"):
        with atomic_path(path) as partial:
            partial.write_text(transcript(conversation), encoding="utf-8")
        return ()
    given = [exchange for exchange in conversation.exchanges if exchange.told is not None]
    found = [_answer(exchange, conversation.key, gateway) for exchange in given]
    answers = [answer for answer in found if answer is not None]
    if not answers:
        raise OutputError(tr("There is no answer with its outlines to write; ask a question first."))
    if not path.lower().endswith((".html", ".htm")):
        return answers[-1].save(path)
    write_report(answers, path)
    if len(answers) == len(given):
        return ()
    left_out = len(given) - len(answers)
    sentence = tr("{count} earlier answers were left out, since their segments were changed or deleted.")
    return (sentence.format(count=left_out),)


def transcript(conversation: Conversation) -> str:
    """All that was said, as plain text."""
    lines = []
    for exchange in conversation.exchanges:
        lines += [f"> {exchange.question}", exchange.text]
        lines += [f"- {row.name}: {row.amount}, confidence {row.confidence:.0%}" for row in exchange.rows]
        if exchange.stage is Stage.STOPPED:
            lines.append("(stopped before the end)")
        lines += [*(f"({note})" for note in exchange.notes), ""]
    return "\n".join([*lines, DISCLAIMER, ""])


def _answer(exchange: Exchange, key: str, gateway: SceneGateway) -> Answer | None:
    """The whole answer; of one that came with the scene only if its segments are as they were."""
    told = exchange.told
    if exchange.answer is not None:
        return exchange.answer.whole()
    if told is None:
        return None
    volume = gateway.volume(key)
    if told["volume"]["fingerprint"] != volume.fingerprint():
        return None
    drawn = [] if exchange.handle is None else gateway.masks(exchange.handle)
    masks = [mask for mask in drawn if mask is not None]
    voxels = [finding["measurements"]["voxels"] for finding in told["findings"]]
    return Answer.from_dict(told, volume, masks) if [int(m.sum()) for m in masks] == voxels else None
