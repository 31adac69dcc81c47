"""MedSeg-QA: the format of conversations about scans, its checking, and the annotator that writes them."""
