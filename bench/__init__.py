"""Measurements, each as a ratio against a named baseline of the same run."""
