"""Ask many studies overnight, in 3D Slicer without a window.

    Slicer --no-splash --no-main-window --python-script MedSegR/Scripts/batch.py \\
        --input studies/ --questions questions.toml --output out/

The same batch as `medsegr batch` in a terminal; --help lists the options. Slicer ends by itself: with code 0
if every study was answered, 1 if some failed, 2 if what was given cannot be used. The model runs in the
Python that the module's set-up names, or in Slicer's own. Research use, not for diagnosis.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import slicer

_MODULE = Path(__file__).resolve().parents[1]
_HOME = _MODULE if (_MODULE / "MedSegRLib").is_dir() else _MODULE.parent
if str(_HOME) not in sys.path:
    sys.path.append(str(_HOME))


def tell(line: str) -> None:
    """Print a line at once, which Slicer would keep back."""
    print(line, flush=True)


def chosen(arguments: list[str]) -> argparse.Namespace:
    """Read the arguments; argparse exits with code 2 for those that make no sense."""
    from MedSegRLib.batch import FORMATS

    parser = argparse.ArgumentParser("batch.py", description="Ask many studies the questions that fit them.")
    parser.add_argument("--input", action="append", required=True, type=Path, metavar="FOLDER|FILE",
                        help="scans, nested as they are; may be given several times")  # fmt: skip
    parser.add_argument("--questions", required=True, type=Path, metavar="FILE.toml")
    parser.add_argument("--output", required=True, type=Path, metavar="FOLDER")
    parser.add_argument("--workers", default=1, type=int, metavar="N", help="how many processes answer")
    parser.add_argument("--format", action="append", default=[], choices=FORMATS,
                        help="written beside .seg.nrrd, JSON and report")  # fmt: skip
    parser.add_argument("--dry-run", action="store_true", help="only tell what would be asked of what")
    parser.add_argument("--deidentify", action="store_true", help="pseudonyms for scans in all results")
    parser.add_argument("--names", action="store_true", help="name patients, here and in the table")
    parser.add_argument("--model", default="mini", metavar="NAME|FOLDER")
    return parser.parse_args(arguments)


def batch(arguments: list[str]) -> int:
    """Run the batch; the exit code."""
    from MedSegRLib.batch import PlainLines, planned, run
    from MedSegRLib.errors import MedSegRError
    from MedSegRLib.panel.view_settings import QtSettings

    options = chosen(arguments)
    try:
        if options.dry_run:
            for line in planned(options.input, options.questions).lines(names=options.names):
                tell(line)
            return 0
        result = run(
            options.input,
            options.questions,
            options.output,
            model=options.model,
            workers=options.workers,
            formats=options.format,
            deidentify=options.deidentify,
            names=options.names,
            python=QtSettings().get("python") or None,
            show=PlainLines(tell).show,
        )
    except MedSegRError as error:
        tell(str(error))
        return error.exit_code
    for line in result.in_words():
        tell(line)
    return result.exit_code


# Slicer stays open after a script that fails, so the end is said whatever happens.
exit_code = 1
try:
    exit_code = batch(sys.argv[1:])
except SystemExit as ended:
    exit_code = ended.code if isinstance(ended.code, int) else 2
finally:
    slicer.util.exit(exit_code)
