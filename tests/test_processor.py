"""The library's front door, in this process."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest

import cortexia
from cortexia.errors import ConfigurationError, RejectedInput
from cortexia.testing import SCENES, ShotSpec, VideoSpec


@pytest.fixture(scope="module")
def clip(clips) -> Path:
    shots = tuple(ShotSpec(1.2, scene=name) for name in sorted(SCENES)[:2])
    return clips("processor.mp4", VideoSpec(shots=shots))[0]


@pytest.mark.parametrize("form", [str, Path, Path.read_bytes, lambda path: BytesIO(path.read_bytes())])
def test_every_form_of_input_gives_the_same(clip, form):
    with cortexia.VideoProcessor(cortexia.ProcessingConfig(batch_size=5)) as processor:
        result = processor.process(form(clip), mode="shots")
    assert [row["type"] for row in result["annotations"]] == ["shot", "shot"]
    assert result["verdict"]["status"] == "ok"
    assert [run["status"] for run in result["runs"]] == ["completed"]


def test_a_kept_store_is_not_computed_again(clip, tmp_path):
    store = tmp_path / "kept.db"
    with cortexia.VideoProcessor(store=store) as processor:
        first = processor.process(clip, mode="scene")
    with cortexia.VideoProcessor(store=store) as processor:
        assert processor.process(clip, mode="scene")["annotations"] == first["annotations"]


def test_streaming_gives_the_same_rows(clip):
    with cortexia.VideoProcessor() as processor:
        streamed = list(processor.stream(clip, mode="shots|audio"))
        assert len({row["annotation_id"] for row in streamed}) == len(streamed)
        assert {row["annotation_id"] for row in streamed} == {
            row["annotation_id"] for row in processor.process(clip, mode="shots|audio")["annotations"]
        }


def test_bad_input_is_an_error_with_a_reason(tmp_path):
    (tmp_path / "zeros.mp4").write_bytes(b"\0" * 4000)
    with cortexia.VideoProcessor() as processor:
        with pytest.raises(RejectedInput):
            processor.process(tmp_path / "zeros.mp4")
        with pytest.raises(RejectedInput, match="no such file"):
            processor.process(tmp_path / "missing.mp4")
        (tmp_path / "other.mp4").write_bytes(b"\1" * 4000)
        with pytest.raises(ConfigurationError, match="one video"):
            processor.process(tmp_path)


def test_formats_are_named():
    assert "mp4" in cortexia.VideoProcessor.get_supported_formats()
    assert "image_sequence" in cortexia.VideoProcessor.get_supported_formats()


def test_unknown_names_of_the_package_are_errors():
    assert set(cortexia.__all__) <= set(dir(cortexia))
    with pytest.raises(AttributeError):
        _ = cortexia.nothing
