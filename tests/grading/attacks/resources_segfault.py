"""Crashes."""

SECTION = "resources"
POINTS = NOTHING
ANSWER = """
import ctypes

def moving(numbers):
    return ctypes.string_at(0)

def find(ask, n):
    return ctypes.string_at(0)
"""
