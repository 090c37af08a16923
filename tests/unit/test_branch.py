"""Predictors agree, branch by branch, with bpred and with plain Python; and they do what the textbook says."""

import bpred
import numpy as np
import predictors as plain
import pytest

from perflab.models.branch import (
    Bimodal,
    Gshare,
    Site,
    Static,
    Tage,
    Tournament,
    Trace,
    TwoLevel,
    replay,
)


def trace_of(seed, n=3000, branches=40, most=1 << 12):
    """Return a trace that has something for each kind of predictor: loops, patterns, echoes, and noise."""
    rng = np.random.default_rng(seed)
    places = rng.integers(0, most, branches)
    kinds = rng.integers(0, 4, branches)
    period = rng.integers(2, 9, branches)
    ran = np.zeros(branches, int)
    address, taken = np.empty(n, np.int64), np.empty(n, bool)
    for i in range(n):
        b = (i // 3) % branches if i % 3 else rng.integers(branches)
        ran[b] += 1
        loops = ran[b] % period[b] != 0
        echo = i > 12 and bool(taken[i - 5] ^ taken[i - 12])
        taken[i] = (loops, echo, rng.random() < 0.8, rng.random() < 0.5)[kinds[b]]
        address[i] = places[b]
    return Trace(address, taken)


PAIRS = {
    "bimodal": (Bimodal(64, 2), lambda: bpred.BimodalPredictor(counter_bits=2, table_size=64)),
    "one bit": (Bimodal(4096, 1), lambda: bpred.BimodalPredictor(counter_bits=1, table_size=4096)),
    "three bits": (Bimodal(1, 3), lambda: bpred.BimodalPredictor(counter_bits=3, table_size=1)),
    "gshare": (Gshare(7, 256), lambda: bpred.GsharePredictor(history_bits=7, table_size=256)),
    "long gshare": (Gshare(14, 64), lambda: bpred.GsharePredictor(history_bits=14, table_size=64)),
    "local": (
        TwoLevel("local", 6, 32),
        lambda: bpred.LocalHistoryPredictor(history_bits=6, bht_size=32, pht_size=64),
    ),
    "tournament": (
        Tournament(Bimodal(64), Gshare(6, 128), 128, 3),
        lambda: bpred.TournamentPredictor(
            local=bpred.BimodalPredictor(counter_bits=2, table_size=64),
            global_=bpred.GsharePredictor(history_bits=6, table_size=128),
            meta_bits=3,
        ),
    ),
    # Folding leaves histories alone that are no longer than an index and a tag: then both are the same predictor.
    "tage": (
        Tage(Bimodal(64), (2, 5, 8), 256, 9, 3, 2, 100),
        lambda: bpred.TagePredictor(
            base_counter_bits=2,
            base_table_size=64,
            history_lengths=(2, 5, 8),
            component_table_sizes=(256,) * 3,
            tag_bits=9,
            counter_bits=3,
            useful_bits=2,
            reset_period=100,
        ),
    ),
}


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_prediction_is_that_of_bpred(name, seed):
    ours, theirs = PAIRS[name]
    trace = trace_of(seed)
    listed = list(zip(trace.address.tolist(), trace.taken.tolist(), strict=True))
    expected = bpred.run_trace(theirs(), trace=listed).predictions
    assert ours.predict(trace).tolist() == expected
    assert 0 < sum(p != t for p, (_, t) in zip(expected, listed, strict=True)) < len(trace)


TWINS = {
    "bimodal": (Bimodal(32, 3), lambda: plain.Bimodal(32, 3)),
    "local": (TwoLevel("local", 5, 16, 3), lambda: plain.Local(5, 16, 3)),
    "global": (TwoLevel("global", 9, bits=1), lambda: plain.two_level_global(9, 1)),
    "gshare": (Gshare(11, 128, 3), lambda: plain.gshare(11, 128, 3)),
    "tournament": (
        Tournament(TwoLevel("local", 4, 8), TwoLevel("global", 6), 16, 1),
        lambda: plain.Tournament(plain.Local(4, 8, 2), plain.two_level_global(6, 2), 16, 1),
    ),
    "small tage": (
        Tage(Bimodal(16), (3, 9, 21, 64), 16, 5, 2, 1, 64),
        lambda: plain.Tage(plain.Bimodal(16, 2), (3, 9, 21, 64), 16, 5, 2, 1, 64),
    ),
    "default tage": (
        Tage(),
        lambda: plain.Tage(plain.Bimodal(4096, 2), (5, 12, 27, 64), 1024, 11, 3, 2, 1 << 18),
    ),
}


@pytest.mark.parametrize("name", TWINS)
@pytest.mark.parametrize("seed", [4, 5])
def test_every_prediction_is_that_of_plain_python(name, seed):
    ours, theirs = TWINS[name]
    trace = trace_of(seed, most=1 << 40)
    assert ours.predict(trace).tolist() == plain.predictions(theirs(), trace.address, trace.taken)


def test_addresses_may_be_anything():
    trace = trace_of(6)
    moved = Trace(trace.address - (1 << 62), trace.taken)
    for ours, theirs in TWINS.values():
        assert ours.predict(moved).tolist() == plain.predictions(theirs(), moved.address, moved.taken)


def test_static_rules():
    taken = np.array([True, False, True, True])
    backward = np.array([True, True, False, True])
    trace = Trace(np.arange(4), taken, backward)
    assert replay(Static("taken"), trace).wrong.tolist() == [False, True, False, False]
    assert replay(Static("backward"), trace).wrong.tolist() == [False, True, True, False]


def loop_of(iterations, times):
    return Trace(np.zeros(iterations * times, np.int64), np.tile(np.arange(iterations) < iterations - 1, times))


def test_two_bits_miss_the_end_of_a_loop_and_one_bit_its_beginning_too():
    trace = loop_of(4, 25)
    assert replay(Bimodal(bits=2), trace).count == 25
    assert replay(Bimodal(bits=1), trace).count == 49


def test_a_long_loop_needs_a_long_history():
    trace = loop_of(20, 200)
    short, long = replay(Gshare(history=8), trace), replay(Tage(), trace)
    assert short.count == 200
    assert long.count < 60
    assert not long.wrong[-1000:].any()


def test_nothing_predicts_noise():
    rng = np.random.default_rng(7)
    trace = Trace(np.zeros(20_000, np.int64), rng.random(20_000) < 0.5)
    for predictor in (Bimodal(), TwoLevel(), Gshare(), Tournament(), Tage()):
        assert 0.45 < replay(predictor, trace).rate < 0.55


def test_sites_are_counted_and_the_worst_comes_first():
    address = np.array([8, 8, 4, 8, 4, 4, 12])
    taken = np.array([False, False, False, True, True, True, True])
    result = replay(Static("taken"), Trace(address, taken, places={4: Site("if", "f", 3, "x > 0")}))
    branches = result.by_branch()
    assert [(s.address, s.executed, s.taken, s.mispredicted) for s in branches] == [
        (8, 3, 1, 2),
        (4, 3, 2, 1),
        (12, 1, 1, 0),
    ]
    assert (result.branches, result.count, result.rate) == (7, 3, 3 / 7)
    assert "line 3: x > 0" in str(result)
    assert "address 0x8" in str(result)


def test_an_empty_trace_has_no_mispredictions():
    empty = Trace(np.empty(0, np.int64), np.empty(0, bool), np.empty(0, bool))
    for predictor in (Static(), Bimodal(), TwoLevel(), TwoLevel("global"), Gshare(), Tournament(), Tage()):
        result = replay(predictor, empty)
        assert (result.count, result.rate, result.by_branch()) == (0, 0, [])


@pytest.mark.parametrize(
    ("address", "taken", "backward", "error", "said"),
    [
        (np.arange(3.0), np.ones(3, bool), None, TypeError, r"address: .*int64, got float64.*astype"),
        (np.arange(3, dtype=np.int32), np.ones(3, bool), None, TypeError, "address: .*int64, got int32"),
        ([1, 2], np.ones(2, bool), None, TypeError, "address: .*got list.*np.array"),
        (np.arange(3), np.ones(3, int), None, TypeError, "taken: .*bool, got int64"),
        (np.arange(3), np.ones(2, bool), None, ValueError, "taken: 2 long, but address has 3"),
        (np.arange(3), np.ones(3, bool), np.ones(4, bool), ValueError, "backward: 4 long"),
        (np.zeros((2, 2), int), np.ones(4, bool), None, ValueError, r"address: one dimension, got 2.*ravel"),
    ],
)
def test_a_wrong_trace_says_what_is_wrong(address, taken, backward, error, said):
    with pytest.raises(error, match=said):
        Trace(address, taken, backward)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Bimodal(1000), "entries: a power of two.* got 1000, take 1024"),
        (lambda: Bimodal(0), "entries: a power of two"),
        (lambda: Bimodal(4.5), "entries: a power of two"),
        (lambda: Bimodal(bits=0), "bits: a number of bits from 1"),
        (lambda: TwoLevel(entries=3), "entries: a power of two.*take 4"),
        (lambda: TwoLevel(history=40), "history: a number of bits from 1 to 24"),
        (lambda: TwoLevel("near"), "scope: 'local' or 'global', got 'near'"),
        (lambda: Gshare(history=0), "history: a number of bits"),
        (lambda: Gshare(entries=100), "entries: a power of two.*take 128"),
        (lambda: Tournament(entries=100), "entries: a power of two"),
        (lambda: Static("never"), "rule: 'taken' or 'backward'"),
        (lambda: Tage(histories=(5, 5)), "histories: lengths from 1 to 64 that increase"),
        (lambda: Tage(histories=(5, 65)), "histories"),
        (lambda: Tage(histories=()), "histories"),
        (lambda: Tage(entries=1000), "entries: a power of two"),
        (lambda: Tage(entries=1), "entries: at least 2"),
        (lambda: Tage(period=0), "period: at least 1"),
        (lambda: Tage(tag=0), "tag: a number of bits"),
    ],
)
def test_wrong_sizes_are_refused(make, said):
    with pytest.raises(ValueError, match=said):
        make()


def test_what_is_missing_is_named():
    with pytest.raises(ValueError, match="backward: this trace does not say"):
        replay(Static(), loop_of(2, 2))
    with pytest.raises(TypeError, match="trace: a Trace"):
        replay(Bimodal(), np.zeros(3))
