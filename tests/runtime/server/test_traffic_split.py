"""Who a request is from, while two versions share the traffic."""

from __future__ import annotations

from runtime.rollout.assignment import gets_candidate
from runtime.server.traffic_split import TrafficSplit

ROLLOUT = b"rollout-1"
KEYS = [b"caller-%d" % number for number in range(50)]


def split(field=None, percent=30):
    return TrafficSplit(
        candidate=None,
        rollout_id=ROLLOUT,
        percent=percent,
        header=b"x-loopai-routing-key",
        field=field,
    )


def expected(key):
    return gets_candidate(ROLLOUT, key, 30)


def test_the_header_says_who_calls():
    for key in KEYS:
        headers = [(b"x-request-id", b"r1"), (b"x-loopai-routing-key", key)]
        assert split().takes(headers, {"a": 1}, b"{}") == expected(key)


def test_the_inputs_field_goes_before_the_header_and_may_be_no_text():
    for key in KEYS:
        headers = [(b"x-loopai-routing-key", b"a till")]
        assert split("caller").takes(headers, {"caller": key.decode()}, b"{}") == expected(key)
        assert split("caller").takes(headers, {"caller": 7}, b"{}") == expected(b"7")
        assert split("caller").takes([(headers[0][0], key)], {}, b"{}") == expected(key)


def test_rows_of_a_batch_with_one_request_id_go_their_own_ways_and_again_the_same():
    headers = [(b"x-request-id", b"r1")]
    rows = [b'{"n": %d}' % number for number in range(200)]
    taken = [split().takes(headers, {}, row) for row in rows]
    assert 30 <= sum(taken) <= 90
    assert [split().takes(headers, {}, row) for row in rows] == taken


def test_a_request_that_says_nothing_goes_to_its_share_at_random():
    taken = sum(split().takes([], {}, b"{}") for _ in range(2000))
    assert 450 <= taken <= 750
    assert not any(split(percent=0).takes([], {}, b"{}") for _ in range(50))
    assert all(split(percent=100).takes([], {}, b"{}") for _ in range(50))
