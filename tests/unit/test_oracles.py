"""An oracle answers, counts each call, and keeps what it stands for out of simple reach."""

import numpy as np
import pytest

from perflab.check import Oracle, oracle
from perflab.check.oracles import fresh, target_of


class Device:
    def __init__(self, secret):
        self.secret = secret
        self.asked = 0

    def __call__(self, question):
        self.asked += 1
        if question is None:
            raise ValueError("ask something")
        return self.secret * question


def test_it_answers_like_its_target_and_counts():
    device = oracle(Device(3))
    assert [device(1), device(2)] == [3, 6]
    assert device.calls == 2


def test_a_call_that_raises_counts_too():
    device = oracle(Device(3))
    with pytest.raises(ValueError, match="ask something"):
        device(None)
    assert device.calls == 1


def test_looking_does_not_count():
    device = oracle(Device(3))
    repr(device), device.calls, target_of(device)
    assert device.calls == 0
    assert repr(device) == "<oracle>"


def test_a_fresh_one_has_a_copy_of_the_target_and_no_calls():
    device = oracle(Device(3))
    device(1)
    twin = fresh(device)
    assert (twin.calls, device.calls) == (0, 1)
    twin(1), twin(1)
    assert (target_of(device).asked, target_of(twin).asked) == (1, 3)
    assert target_of(twin) is not target_of(device)


def test_the_target_is_no_attribute():
    device = oracle(Device(3))
    for name in ("secret", "asked", "__wrapped__", "_target", "__dict__"):
        assert not hasattr(device, name)
    # Neither does any attribute that can be read without a call hold it.
    values = [getattr(device, name) for name in dir(device)]
    assert not any(isinstance(value, Device) for value in values)


@pytest.mark.parametrize("name", ["calls", "secret", "extra"])
def test_nothing_can_be_set(name):
    with pytest.raises(AttributeError):
        setattr(oracle(Device(3)), name, 0)


def test_a_question_may_have_names():
    assert oracle(Device(3))(question=2) == 6
    with pytest.raises(TypeError, match="unexpected keyword"):
        oracle(Device(3))(target=2)
    with pytest.raises(TypeError, match="multiple values"):
        oracle(Device(3))(2, self=4)


class Text(bytes):
    """Bytes with behavior of their own."""


@pytest.mark.parametrize(
    "told", [2, 0.5, "a", b"ab", None, np.int8(3), (1, [b"a"]), {"a": (1,)}], ids=lambda told: type(told).__name__
)
def test_plain_data_is_asked_as_it_is(told):
    found = oracle(lambda one: one)(told)
    assert found == told
    assert type(found) is type(told)


@pytest.mark.parametrize("told", [bytearray(b"ab"), memoryview(b"ab"), memoryview(np.frombuffer(b"ab", np.uint8))])
def test_buffers_are_asked_as_bytes(told):
    device = oracle(lambda one: one)
    assert device(told) == device([told])[0] == device(one=told) == b"ab"
    assert type(device(told)) is bytes


@pytest.mark.parametrize(
    "told",
    [Text(b"ab"), np.arange(3), {1, 2}, object(), memoryview(b"abcd")[::2], oracle(abs)],
    ids=lambda told: type(told).__name__,
)
def test_what_may_not_cross_is_refused_and_does_not_count(told):
    device = oracle(lambda one: one)
    for ask in (lambda: device(told), lambda: device([told]), lambda: device(one=told)):
        with pytest.raises(TypeError, match=r"the question.* ask with numbers, str, bytes"):
            ask()
    assert device.calls == 0


@pytest.mark.parametrize("target", [3, None, "name"])
def test_what_cannot_be_called_is_no_oracle(target):
    with pytest.raises(TypeError, match="oracle"):
        oracle(target)


def test_it_is_an_oracle():
    assert isinstance(oracle(abs), Oracle)


def test_answers_that_are_kept_under_an_oracle_are_found_under_the_next_one():
    """Then they are wrong: what one said says nothing of another."""
    first, second = oracle(Device(3)), oracle(Device(4))
    known = {(first, 1): first(1)}
    assert known[second, 1] == 3 != second(1)
    assert first == second != Device(3)
    assert (first.calls, second.calls) == (1, 1)
