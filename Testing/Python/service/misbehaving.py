"""A worker without a model that misbehaves in one way, named by its first argument.

python misbehaving.py WAY PRIVATE_FOLDER
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def main(way: str, folder: str) -> None:
    if way == "chatters first":
        os.write(1, b"warning: your shell says hello\r\n\x93MS")
    if way == "chatters only":
        os.write(1, b"no frame " * 200_000)
        time.sleep(60)
    if way == "dies at once":
        sys.exit("Traceback: the Python is broken")
    requests, replies = os.dup(0), os.dup(1)
    os.dup2(2, 1)
    sys.path.insert(0, str(ROOT))
    import MedSegRLib
    from MedSegRLib.answers import Answer, Finding, FindingReady, Finished, Planned, Provenance, Text
    from MedSegRLib.answers import Question as Asked
    from MedSegRLib.imaging import Plane, window_for
    from MedSegRLib.service.hello import LIBRARY
    from MedSegRLib.service.packing import Packer
    from MedSegRLib.service.protocol import PROTOCOL, message
    from MedSegRLib.service.voxel_files import read_handed_over
    from MedSegRLib.service.worker_pipe import Pipe

    pipe = Pipe(requests, replies, folder)
    hello = {
        "protocol": PROTOCOL + 1 if way == "other protocol" else PROTOCOL,
        "software_version": "0.0.0" if way == "other version" else MedSegRLib.__version__,
        "library": "/somewhere/else" if way == "other library" else LIBRARY,
        "python": "3",
        "executable": sys.executable,
        "torch": "none",
        "transformers": "none",
        "device": "none",
        "models": [],
    }
    pipe.send(message("hello", **hello))
    if way == "garbage":
        os.write(replies, b"printed where only frames may be")
    while True:
        asked = pipe.next_request().header
        if asked["type"] != "ask":
            continue
        number, packer = asked["id"], Packer()
        volume, question = read_handed_over(Path(folder), asked["volume"]), Asked.from_dict(asked["question"])
        window = window_for(volume)
        shown = {"low": window.low, "high": window.high, "name": window.name}
        begun = {"model": "none", "model_version": "0", "window": shown, "plane": "axial"}
        if way == "dies":
            print("RuntimeError: shapes do not fit", file=sys.stderr)
            os._exit(3)
        if way == "crashes":
            os.abort()
        if way == "nonsense":
            pipe.send(message("event", id=number, event="finding", finding={}))
        if way == "never begins":
            time.sleep(60)
        pipe.send(message("begun", id=number, **begun))
        pipe.send(packer.pack(number, Planned((0, 1), Plane.AXIAL)))
        pipe.send(packer.pack(number, Text("This is")))
        finding = Finding.of("left hippocampus", volume.voxels > 100, volume, Plane.AXIAL, 0.5)
        pipe.send(packer.pack(number, FindingReady(finding)))
        if way == "deaf":
            # With a child of its own, which must not outlive it.
            child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
            print("child", child.pid, file=sys.stderr, flush=True)
            time.sleep(60)
        if way == "floods":
            for _ in range(400):
                print("x" * 29_999)
                os.write(2, b"y" * 30_000)
            for n in range(5000):
                pipe.send(packer.pack(number, Text(f" {n}")))
        said = "This is" + "".join(f" {n}" for n in range(5000) if way == "floods")
        provenance = Provenance("none", "0", window, Plane.AXIAL, (0, 1), "ground", 0, MedSegRLib.__version__)
        answer = Answer(question, said, (finding,), ("heart",), provenance, volume, "raw")
        pipe.send(packer.pack(number, Finished(answer)))


if __name__ == "__main__":
    main(*sys.argv[1:])
