"""Starts threads without end."""

SECTION = "resources"
NOT_ON_STOCK = "it would stop this machine"
POINTS = NOTHING
ANSWER = """
import threading, time

def moving(numbers):
    while True:
        threading.Thread(target=time.sleep, args=(60,)).start()

def find(ask, n):
    return 0
"""
