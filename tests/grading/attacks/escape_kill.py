"""Kills every process that it can see."""

SECTION = "escape"
NOT_ON_STOCK = "it would stop this machine"
POINTS = NOTHING
ANSWER = """
import os, signal

def moving(numbers):
    os.kill(-1, signal.SIGKILL)

def find(ask, n):
    os.kill(os.getppid(), signal.SIGKILL)
    return 0
"""
