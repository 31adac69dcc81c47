"""Ask without waiting: words and slices are printed as they come, and after some slices it is enough.

In Slicer's Python console, with a scan loaded:

    exec(open("/path/to/SlicerMedSegR/Examples/stream.py").read())

Slicer goes on meanwhile. `asked.cancel()` in the console stops the question by hand; what was outlined
until then is kept, here as in the panel. Research use, not for diagnosis.
"""

import slicer

from MedSegRLib.answers import Cancelled, Failed, FindingReady, Finished, SliceDone, Text
from MedSegRLib.scene import volume_nodes

QUESTION = "Outline the brainstem."
ENOUGH_SLICES = 40


def on_event(event):
    """Called by a timer of the module with each event, in Slicer's own thread."""
    if isinstance(event, Text):
        print(event.delta, end="", flush=True)
    elif isinstance(event, SliceDone):
        print(f"\rslice {event.done} of {event.total}", end="", flush=True)
        if event.done == ENOUGH_SLICES:
            asked.cancel()
    elif isinstance(event, FindingReady):
        print(f"\n{event.finding.name} is in the scene")
    elif isinstance(event, Finished | Cancelled):
        print("\nstopped" if isinstance(event, Cancelled) else "\ndone")
        for finding in event.answer.findings:
            print(f"{finding.name}: {finding.measurements.volume_ml:.2f} ml")
    elif isinstance(event, Failed):
        print(f"\n{event.error}")


volume = volume_nodes(slicer.mrmlScene)[0]
asked = slicer.util.getModuleLogic("MedSegR").stream(volume, QUESTION, on_event)
print("asked; Slicer goes on")
