"""Batch: many studies, each asked the questions that fit it."""

from MedSegRLib.batch.found import LeftOut
from MedSegRLib.batch.plan import Plan, Task, plan
from MedSegRLib.batch.question_file import read_questions
from MedSegRLib.batch.questions import BatchQuestion, QuestionFile, SeriesRules
from MedSegRLib.batch.study import Kind, Study

__all__ = [
    "BatchQuestion",
    "Kind",
    "LeftOut",
    "Plan",
    "QuestionFile",
    "SeriesRules",
    "Study",
    "Task",
    "plan",
    "read_questions",
]
