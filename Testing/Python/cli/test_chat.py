"""medsegr chat and demo: a conversation line by line, its commands, Ctrl-C, and the scan of the demo."""

from __future__ import annotations

import signal

import numpy as np

from MedSegRLib.answers import Planned
from MedSegRLib.cli import demo


def test_a_conversation_is_answered_saved_and_reported(run, scan, tiny, work):
    lines = ["Where is the left hippocampus?", "", "And the one on the other side?", "/save a b.json"]
    lines += ["/report 'r.html'", "/help", "/quit", "never read"]
    result = run("chat", scan, "--model", tiny, text="\n".join(lines))
    assert result.exit_code == 0, result.output
    assert "Research use, not for diagnosis" in result.stderr
    assert "Written: a b.json" in result.stderr and "Written: r.html" in result.stderr
    assert '"text": "And the one on the other side?"' in (work / "a b.json").read_text(encoding="utf-8")
    page = (work / "r.html").read_text(encoding="utf-8")
    assert page.count("<article") == 2 and "Where is the left hippocampus?" in page
    assert "never read" not in page


def test_what_cannot_be_done_is_told_and_the_conversation_goes_on(run, scan, tiny, work):
    lines = ["???", "/save a.json", "/dance", "/save", "/report none/r.html", "/save scan.nii.gz"]
    before = sorted(work.iterdir())
    result = run("chat", scan, "--model", tiny, text="\n".join([*lines, "/quit"]))
    assert result.exit_code == 0, result.output
    for sentence in [
        "Nothing is asked; write a question in words.",
        "There is no answer yet; ask a question first.",
        "There is no command /dance; /help tells those there are.",
        "/save needs the name of a file.",
        "none/r.html cannot be written, there is no folder none; create it first.",
        "scan.nii.gz is the scan itself, which would be lost; choose another name.",
    ]:
        assert sentence + "\n" in result.stderr
    assert sorted(work.iterdir()) == before


def test_ctrl_c_stops_the_question_and_not_the_program(run, scan, tiny, work, monkeypatch):
    from MedSegRLib.reasoning import Session

    real, asked = Session.stream, []

    def stream(self, question, **options):
        asked.append(question)
        for event in real(self, question, **options):
            yield event
            if len(asked) == 1 and isinstance(event, Planned):
                asked.append("interrupted")
                signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Session, "stream", stream)
    lines = ["Where is the left hippocampus?", "Where is the right one?", "/report r.html", "/quit"]
    result = run("chat", scan, "--model", tiny, text="\n".join(lines))
    assert result.exit_code == 0, result.output
    assert result.stderr.count("Stopped; what was done until then is kept.") == 1
    page = (work / "r.html").read_text(encoding="utf-8")
    assert page.count("<article") == 2 and page.count("Stopped before the end") == 1
    # The program's own way with Ctrl-C is back.
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_the_scan_of_the_demo_is_the_packages_and_says_what_it_is():
    from nilearn.datasets import load_mni152_template

    volume = demo.mni152()
    image = load_mni152_template(resolution=1)
    np.testing.assert_array_equal(volume.ijk_to_ras, image.affine)
    i, j, k = 90, 100, 80
    assert volume.voxels[k, j, i] == np.float32(image.get_fdata()[i, j, k])
    assert volume.spacing_mm == (1.0, 1.0, 1.0)
    assert "average" in demo.ABOUT and "symmetric" in demo.ABOUT and demo.ABOUT in volume.notes


def test_the_demo_asks_three_questions_and_none_about_the_sides():
    assert len(demo.QUESTIONS) == 3
    words = " ".join(demo.QUESTIONS).lower()
    assert not [word for word in ("asymmetr", "side", "smaller", "larger", "compare") if word in words]


def test_the_demo_writes_scan_masks_and_report(run, tiny, work):
    result = run("demo", "--model", tiny)
    assert result.exit_code == 0, result.output
    assert demo.ABOUT in result.stdout
    assert all(f"> {question}" in result.stdout for question in demo.QUESTIONS)
    written = {path.name for path in (work / "medsegr-demo").iterdir()}
    assert {"mni152_t1.nii.gz", "report.html"} <= written
    assert written <= {"mni152_t1.nii.gz", "report.html", *(f"answer{n}.seg.nrrd" for n in (1, 2, 3))}
    page = (work / "medsegr-demo" / "report.html").read_text(encoding="utf-8")
    assert page.count("<article") == 3 and "made symmetric" in page
