"""Making a model: synthetic scans, conversations, the loss, the loop that resumes to the same state."""
