"""What people read on terminals: nothing acts on the terminal, times and sizes are round."""

from __future__ import annotations

from cortexia.wording import clock, one_line, printable, size


def test_what_a_terminal_would_act_on_is_written_out():
    assert printable("a\x1b]0;x\x07\n\u202eb\ud800") == "a\\x1b]0;x\\x07\\n\\u202eb\\ud800"
    assert printable("Zoë 猫.mp4") == "Zoë 猫.mp4"
    assert printable("x" * 30, 10) == "x" * 9 + "…"


def test_a_message_is_one_line():
    assert one_line("it broke\n  at\tpart \x1b[2J two") == "it broke at part \\x1b[2J two"
    assert one_line(None) == ""


def test_times():
    assert (clock(59_999_600, 3), clock(3_661_000_000), clock(59_999_600)) == ("1:00.000", "1:01:01", "1:00")
    assert clock(1_500_000, 1, hours=True) == "0:00:01.5"


def test_sizes():
    assert (size(0), size(1), size(999)) == ("0 bytes", "1 byte", "999 bytes")
    assert (size(999_600), size(1_250_000), size(2_500_000_000_000)) == ("1 MB", "1.25 MB", "2.5 TB")
