"""Importing: from the files that people have, scans and masks, to `Source`; one kind of file, one module."""
