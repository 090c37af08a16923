"""Hints to the compiler and the processor, for compiled code: branches, caches, waiting, and a cycle counter."""

from perflab.hints.branches import likely, unlikely
from perflab.hints.caches import empty, prefetch, store_nontemporal
from perflab.hints.waiting import back_off, cycles, pause

__all__ = ["back_off", "cycles", "empty", "likely", "pause", "prefetch", "store_nontemporal", "unlikely"]
