"""Ask a question about the scan that is loaded, and print what was found with its millilitres.

In Slicer's Python console, with a scan loaded:

    exec(open("/path/to/SlicerMedSegR/Examples/ask.py").read())

From a terminal; Slicer stays open and shows what was outlined:

    Slicer --python-script /path/to/SlicerMedSegR/Examples/ask.py scan.nrrd

Research use, not for diagnosis.
"""

import sys

import slicer

from MedSegRLib.scene import volume_nodes

QUESTION = "Which structure is the first to shrink in Alzheimer's disease?"

volumes = volume_nodes(slicer.mrmlScene)
volume = volumes[0] if volumes else slicer.util.loadVolume(sys.argv[1])

# Waits; Slicer's window does not react meanwhile. Examples/stream.py does not wait.
answer = slicer.util.getModuleLogic("MedSegR").ask(volume, QUESTION)

print(answer.text)
for finding in answer.findings:
    millilitres = finding.measurements.volume_ml
    print(f"{finding.name}: {millilitres:.2f} ml, confidence {finding.confidence:.0%}")
for phrase in answer.absent:
    print(f"not seen: {phrase}")
