from hypothesis import given
from hypothesis import strategies as st

from netns import counters
from netns.counters import LinkCounters

HEADER = """\
Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
"""  # noqa: E501

COUNT = st.integers(min_value=0, max_value=2**64 - 1)
LINK_NAME = st.from_regex(r"[a-z0-9._-]{1,15}", fullmatch=True)


def test_every_counter_comes_from_its_own_column() -> None:
    text = HEADER + "  eth0: 101 102 103 104 105 106 107 108 201 202 203 204 205 206 207 208\n"

    assert counters.parse(text) == {
        "eth0": LinkCounters(
            rx_packets=102,
            rx_bytes=101,
            rx_errors=103,
            rx_dropped=104,
            tx_packets=202,
            tx_bytes=201,
            tx_errors=203,
            tx_dropped=204,
        )
    }


def test_a_wide_counter_that_touches_the_name_is_read() -> None:
    text = HEADER + "wire0:18446744073709551615 1 0 0 0 0 0 0 2 3 0 0 0 0 0 0\n"

    assert counters.parse(text)["wire0"].rx_bytes == 18446744073709551615


def test_no_links_are_no_counters() -> None:
    assert counters.parse(HEADER) == {}


@given(st.dictionaries(LINK_NAME, st.tuples(*[COUNT] * 8)))
def test_what_is_printed_is_read_back(links: dict[str, tuple[int, ...]]) -> None:
    expected = {name: LinkCounters(*values) for name, values in links.items()}
    lines = (
        f"{name:>6}: {c.rx_bytes} {c.rx_packets} {c.rx_errors} {c.rx_dropped} 9 9 9 9 "
        f"{c.tx_bytes} {c.tx_packets} {c.tx_errors} {c.tx_dropped} 9 9 9 9\n"
        for name, c in expected.items()
    )

    assert counters.parse(HEADER + "".join(lines)) == expected
