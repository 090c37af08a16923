"""Simulate caches: on a trace, or on a function that runs."""
