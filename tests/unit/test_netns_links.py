import asyncio

import pytest

from netns import links


def test_a_call_inside_an_event_loop_says_to_use_a_thread() -> None:
    async def call() -> None:
        links.up("no-such-vm", "eth0")

    with pytest.raises(RuntimeError, match=r"asyncio\.to_thread"):
        asyncio.run(call())


def test_removing_a_link_of_a_namespace_that_is_gone_is_no_error() -> None:
    links.remove("no-such-vm", "eth0")
