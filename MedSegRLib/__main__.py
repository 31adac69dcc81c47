"""`python -m MedSegRLib`: the command line, where the script `medsegr` is not on the path."""

from MedSegRLib.cli import main

if __name__ == "__main__":
    main(prog_name="medsegr")
