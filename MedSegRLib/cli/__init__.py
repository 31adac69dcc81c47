"""The command line: medsegr ask, batch, chat, demo, models, train, evaluate, benchmark, convert, dataset.

Conventions: answers in words go to stdout, everything else to stderr; the exit code is 0, 2 for
what the user gave and cannot be used, 130 for Ctrl-C and 1 for anything else.
"""

from MedSegRLib.cli.app import main

__all__ = ["main"]
