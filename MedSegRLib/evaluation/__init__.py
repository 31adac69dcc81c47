"""Judging a model: masks, absent and present targets, right targets, calibration, speed."""
