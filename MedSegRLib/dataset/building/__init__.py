"""Building MedSeg-QA: facts from scans, conversations written from them, checks, a build that resumes."""
