"""Write the lists of MedSegRLib/CMakeLists.txt anew, one per room, from the Python files that are there.

    python .ci/list_files.py

Testing/Python/extension fails while a file is on disk and not in the lists, or the other way round.
"""

from __future__ import annotations

from pathlib import Path

LIBRARY = Path(__file__).resolve().parents[1] / "MedSegRLib"
BEGIN, END = "# the lists begin\n", "# the lists end\n"


def room_list(room: str) -> str:
    """The CMake command that lists the files of one room; "" for the package's own."""
    files = sorted(path.relative_to(LIBRARY).as_posix() for path in (LIBRARY / room).glob("*.py"))
    title = f"# {room or 'the package itself'}"
    return "\n".join([title, "list(APPEND MODULE_PYTHON_SCRIPTS", *(f"  {f}" for f in files), "  )", ""])


def main() -> None:
    rooms = sorted({path.parent.relative_to(LIBRARY).as_posix() for path in LIBRARY.rglob("*.py")} - {"."})
    file = LIBRARY / "CMakeLists.txt"
    before, _, rest = file.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    lists = "\n".join(room_list(room) for room in ["", *rooms])
    # newline: the extensions index wants LF on every system.
    file.write_text(before + BEGIN + lists + END + after, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
