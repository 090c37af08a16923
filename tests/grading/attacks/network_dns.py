"""Looks up a name, which tells its owner what was asked."""

SECTION = "network"
NOT_ON_STOCK = "it would leave this machine"
POINTS = NOTHING
ANSWER = """
import socket

def moving(numbers):
    socket.getaddrinfo("example.org", 80)
    return np.zeros(1)

def find(ask, n):
    return 0
"""
