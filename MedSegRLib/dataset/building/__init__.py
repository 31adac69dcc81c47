"""Building MedSeg-QA: facts computed from scans, conversations written from them, checks, a build that resumes."""
