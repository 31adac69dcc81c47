"""MedSeg-QA: conversations about scans with masks; their format, checking, and ways in and out."""
