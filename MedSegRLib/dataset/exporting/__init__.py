"""Exporting: from MedSeg-QA to the formats of others; one format, one module."""
