"""Pictures of models show every instruction and every worker, to scale."""

import numpy as np
import pytest
from matplotlib.collections import PolyCollection

from perflab import figures, pictures
from perflab.models import interleaving, schedule
from perflab.models.cache import L1, simulate
from perflab.models.pipeline import SKYLAKE, Instruction, Loop, run

LOOP = Loop(
    "sum",
    (
        Instruction("load", "a[i]", 1, ((2, 1),)),
        Instruction("fadd", "total += a[i] and a rather long comment", 1, ((0, 0), (1, 1))),
        Instruction("add", "i += 1", 1, ((2, 1),)),
    ),
)


def test_a_pipeline_has_a_row_for_each_instruction():
    done = run(LOOP, SKYLAKE, 5)
    fig = pictures.pipeline(done, iterations=2)
    labels = [label.get_text() for label in fig.axes[0].get_yticklabels()]
    assert labels == ["a[i]", "total += a[i] and a ra..", "i += 1"] * 2
    executing = [bar for bar in fig.axes[0].patches if bar.get_height() == pytest.approx(0.7)]
    assert [bar.get_x() for bar in executing] == done.started[:2].ravel().tolist()
    assert [bar.get_width() for bar in executing] == (done.done - done.started)[:2].ravel().tolist()
    assert "svg" in figures.svg(fig, "a pipeline")


def test_a_pipeline_stays_readable():
    fig = pictures.pipeline(run(LOOP, SKYLAKE, 100), iterations=100, cycles=60)
    assert len(fig.axes[0].get_yticklabels()) <= 40
    assert fig.axes[0].get_xlim() == (0, 60)


def test_a_timeline_has_a_row_for_each_worker_and_the_bound():
    plan = schedule.stealing(np.arange(1, 20), 3)
    fig = pictures.timeline(plan)
    bars = [c for c in fig.axes[0].collections if isinstance(c, PolyCollection)]
    assert sum(len(c.get_paths()) for c in bars) == len([s for s in plan.spans if s.start < plan.makespan])
    assert fig.axes[0].lines[0].get_xdata()[0] == plan.bound
    labels = [text.get_text() for text in fig.axes[0].get_legend().get_texts()]
    assert labels == ["a task", "steals", "what no schedule beats"]


def test_a_timeline_goes_where_it_is_told():
    fig, ax = figures.subplots()
    assert pictures.timeline(schedule.dynamic([], 2), until=5, ax=ax) is fig
    assert ax.get_xlim() == (0, 5)


def show_and_look(flags, me):
    flags[me] = 1
    return flags[1 - me]


def count_to(counter, n):
    for _ in range(n):
        counter[0] += 1


def test_a_schedule_has_a_lane_for_each_thread_and_one_for_memory():
    flags = np.zeros(2, np.int64)
    calls = [(show_and_look, (flags, me)) for me in range(2)]
    found = interleaving.explore(calls, check=lambda a, b: a or b)
    ax = pictures.interleaving(found.violation).axes[0]
    heads = [label.get_text() for label in ax.get_xticklabels()]
    assert heads == ["thread 0\nshow_and_look", "thread 1\nshow_and_look", "memory"]
    arrows = [text for text in ax.texts if not text.get_text()]
    words = sorted(text.get_text() for text in ax.texts if text.get_text())
    assert words == sorted(f"flags[{i}] {what}" for i in range(2) for what in ("= 1 waits", "is 0", "= 1 arrives"))
    assert [arrow.xy[0] for arrow in arrows].count(2) == 2  # two stores reach memory
    assert len(arrows) == 4
    waiting = [line for line in ax.lines if line.get_linestyle() == "--"]
    assert len(waiting) == 2


def test_a_long_schedule_is_refused():
    counter = np.zeros(1, np.int64)
    calls = [(count_to, (counter, 25)), (count_to, (counter, 0))]
    found = interleaving.explore(calls, check=lambda *_: counter[0] == 26)
    with pytest.raises(ValueError, match="print its table instead"):
        pictures.interleaving(found.violation)


def test_misses_are_drawn_over_an_array():
    def by_column(a, out):
        for j in range(a.shape[1]):
            for i in range(a.shape[0] - 1):
                out[j] += a[i, j]

    report = simulate(by_column, (np.ones((600, 16)), np.zeros(16)), L1)
    fig = pictures.misses(report, "a")
    shown = fig.axes[0].get_images()[0].get_array()
    assert shown.shape == (256, 16)
    assert (shown == 1).all()
    assert fig.axes[0].get_ylabel() == "row of a"
    row = pictures.misses(report, "out").axes[0].get_images()[0].get_array()
    assert row.shape == (1, 16)
    assert (row < 0.01).all()
    whole = report.over("a")
    assert whole[0][-1].tolist() == [0] * 16
    assert "svg" in figures.svg(fig, "misses")


def test_misses_over_a_cube_are_refused():
    report = simulate(lambda a: a[0, 0, 0], (np.ones((2, 2, 2)),), L1)
    with pytest.raises(ValueError, match="a: 3 dimensions"):
        pictures.misses(report, "a")
