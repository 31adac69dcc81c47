"""What can be asked for: structures, their wordings, sides, codes, colours and clinical facts."""

from MedSegRLib.anatomy.structure import Fact, Side, Structure
from MedSegRLib.anatomy.table import AnatomyTable, AnatomyTableError, empty_table, load_table
from MedSegRLib.anatomy.terminology import TerminologyCode, terminology_codes, terminology_entry

__all__ = [
    "AnatomyTable",
    "AnatomyTableError",
    "Fact",
    "Side",
    "Structure",
    "TerminologyCode",
    "empty_table",
    "load_table",
    "terminology_codes",
    "terminology_entry",
]
