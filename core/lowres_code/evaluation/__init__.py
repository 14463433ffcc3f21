"""Measuring a model: every sample is kept, every figure follows from the samples."""
