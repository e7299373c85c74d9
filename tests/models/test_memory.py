"""Free memory is what the machine and its control group allow."""

from __future__ import annotations

from cortexia.models.memory import free_memory_bytes


def meminfo(folder, text="MemTotal: 9 kB\nMemAvailable:    4 kB\n"):
    (folder / "meminfo").write_text(text)
    return folder / "meminfo"


def test_the_machine_tells():
    assert free_memory_bytes() > 0


def test_the_smaller_of_both_counts(tmp_path):
    (tmp_path / "memory.current").write_text("1000\n")
    (tmp_path / "memory.max").write_text("3000\n")
    assert free_memory_bytes(meminfo(tmp_path), tmp_path) == 2000
    (tmp_path / "memory.max").write_text("max\n")
    assert free_memory_bytes(meminfo(tmp_path), tmp_path) == 4096


def test_pages_of_files_that_the_group_would_drop_are_free(tmp_path):
    (tmp_path / "memory.current").write_text("3000\n")
    (tmp_path / "memory.max").write_text("3000\n")
    (tmp_path / "memory.stat").write_text("anon 400\ninactive_file 2500\nactive_file 100\n")
    assert free_memory_bytes(meminfo(tmp_path), tmp_path) == 2500


def test_what_nobody_tells_is_unknown(tmp_path):
    assert free_memory_bytes(tmp_path / "none", tmp_path) is None
    assert free_memory_bytes(meminfo(tmp_path, "MemAvailable: many\n"), tmp_path) is None
    assert free_memory_bytes(meminfo(tmp_path, "MemTotal: 1 kB\n"), tmp_path) is None
