"""Simulators that count what a machine would do, so that a count never flakes."""
