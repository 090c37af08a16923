"""Slows the baseline down by its name."""

SECTION = "timing"
POINTS = SLOW_POINTS
ANSWER = (
    SLOW
    + """
import time

def slow_moving(numbers, fast=slow_moving):
    time.sleep(0.05)
    x = sum(range(10**6))
    return fast(numbers)
"""
)
