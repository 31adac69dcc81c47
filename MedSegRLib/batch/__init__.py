"""Batch: many studies, each asked the questions that fit it.

From Python:

    from MedSegRLib.batch import run
    result = run("studies/", "questions.toml", "out/", workers=2)
"""

from MedSegRLib.batch.engine import planned, run
from MedSegRLib.batch.failures import Failure
from MedSegRLib.batch.found import LeftOut
from MedSegRLib.batch.plan import Plan, Task, plan
from MedSegRLib.batch.progress import PlainLines, Progress
from MedSegRLib.batch.question_file import read_questions
from MedSegRLib.batch.questions import BatchQuestion, QuestionFile, SeriesRules
from MedSegRLib.batch.result import BatchResult
from MedSegRLib.batch.settings import FORMATS, Format
from MedSegRLib.batch.study import Kind, Study

__all__ = [
    "FORMATS",
    "BatchQuestion",
    "BatchResult",
    "Failure",
    "Format",
    "Kind",
    "LeftOut",
    "PlainLines",
    "Plan",
    "Progress",
    "QuestionFile",
    "SeriesRules",
    "Study",
    "Task",
    "plan",
    "planned",
    "read_questions",
    "run",
]
