"""Waiting for quiet ends when a core is free, and never lasts longer than it may."""

import pytest

from perflab.timing import quiet


@pytest.fixture
def books(monkeypatch):
    """Let the kernel's books say, at each look, how idle each core was; return how often was slept."""

    def keep(looks):
        slept, at = [], dict.fromkeys(range(len(looks[0])), (0, 0))
        written = iter(
            [dict(at)]
            + [
                at.update({core: (at[core][0] + share, at[core][1] + 100) for core, share in enumerate(look)})
                or dict(at)
                for look in looks
            ]
        )
        last = [None]

        def read(cores):
            last[0] = next(written, last[0])
            return last[0]

        monkeypatch.setattr(quiet, "_idle_ticks", read)
        monkeypatch.setattr(quiet.time, "monotonic", lambda: len(slept) * quiet.LOOK_EVERY)
        monkeypatch.setattr(quiet.time, "sleep", slept.append)
        return slept

    return keep


def test_it_goes_on_when_a_core_is_free(books):
    slept = books([(0, 10), (20, 60), (90, 80), (100, 100)])
    quiet.wait_for_quiet(60)
    assert len(slept) == 3


def test_it_never_waits_longer_than_it_may(books):
    slept = books([(0, 0)] * 20)
    quiet.wait_for_quiet(2.0)
    assert sum(slept) == 2.0


def test_one_core_need_not_be_more_than_half_idle(books):
    slept = books([(40,), (60,)])
    quiet.wait_for_quiet(60)
    assert len(slept) == 2


def test_where_nothing_is_known_nothing_is_waited_for(monkeypatch):
    monkeypatch.setattr(quiet, "_idle_ticks", lambda cores: {})
    monkeypatch.setattr(quiet.time, "sleep", lambda seconds: pytest.fail("slept"))
    quiet.wait_for_quiet(60)


def test_the_books_of_this_machine_add_up():
    import os

    cores = os.sched_getaffinity(0)
    before = quiet._idle_ticks(cores)
    assert set(before) == cores
    assert all(0 <= idle <= total for idle, total in before.values())
    quiet.time.sleep(0.05)
    assert all(0 <= share <= 1 for share in quiet.shares(before, quiet._idle_ticks(cores)))
