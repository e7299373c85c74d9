"""Messages to a server: what cannot be sent is the fault of whoever wrote it."""

from __future__ import annotations

import pytest
from serving import LOCAL, Listener

from cortexia.errors import ConfigurationError, NetworkError
from cortexia.net import exchange


def send_with(value: str) -> None:
    listener = Listener()
    try:
        exchange(
            f"http://127.0.0.1:{listener.port}/", b"{}", policy=LOCAL, setting="x", headers={"Authorization": value}
        )
    finally:
        listener.close()


@pytest.mark.parametrize("value", ["s3cret\nX-More: 1", "s3cret\r", "s3cret\0"])
def test_a_header_that_cannot_be_sent_is_not_tried_again_and_not_quoted(value):
    with pytest.raises(ConfigurationError, match="header that cannot be sent") as raised:
        send_with(value)
    assert not raised.value.retryable
    assert "s3cret" not in repr(raised.value)


def test_a_connection_that_breaks_may_succeed_later():
    """Negative control of the test above."""
    with pytest.raises(NetworkError) as raised:
        send_with("s3cret")
    assert raised.value.retryable
