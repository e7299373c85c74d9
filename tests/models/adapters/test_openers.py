"""Tasks, families and entries of the catalogue fit together, and what does not fit is refused by name."""

from __future__ import annotations

import pytest
from opened_models import OpenedModels
from tiny_networks import face_vector, text_reader

from cortexia.errors import ConfigurationError, UnknownNameError
from cortexia.models import adapters
from cortexia.models.adapters import openers
from cortexia.models.adapters.openers import TASKS
from cortexia.models.catalogue import load_catalogue

OPENERS = {
    "face detection": (adapters.open_face_detector, "yunet"),
    "head pose": (lambda models, model_id: adapters.open_head_pose(models, [model_id]), "fsanet-1x1"),
    "facial expression": (adapters.open_expression, "expression-mobilefacenet"),
    "face embedding": (adapters.open_face_embedding, "sface"),
    "keypoints": (adapters.open_keypoints, "movenet-lightning"),
    "semantic segmentation": (adapters.open_segmenter, "deeplab-v3-mnv2"),
    "picture embedding": (adapters.open_picture_embedding, "mobilenet-v1-embedding"),
    "text detection": (adapters.open_text_detector, "ppocr-text-detection"),
    "text recognition": (adapters.open_text_reader, "crnn-en-fp16"),
    "sound events": (adapters.open_sound_tagger, "yamnet"),
    "voice embedding": (openers.open_voice_embedding, "wespeaker-resnet34-lm"),
    "speaker segmentation": (openers.open_speaker_segmentation, "pyannote-segmentation-3.0"),
}


def test_every_task_has_an_opener():
    assert set(OPENERS) | {"object detection"} == set(TASKS)


def test_entries_name_their_task_by_the_words_of_their_family():
    families = {family: task for task, known in TASKS.items() for family in known}
    entries = load_catalogue().values()
    for entry in entries:
        if entry.adapter in families:
            assert entry.task.startswith(families[entry.adapter]), entry.id
    assert set(families) <= {entry.adapter for entry in entries}, "there are weights for every family"


@pytest.mark.parametrize("task", OPENERS)
def test_a_family_of_another_task_is_refused_before_anything_is_opened(task):
    opener, model_id = OPENERS[task]
    models = OpenedModels(changes={"adapter": "yolox"})
    with pytest.raises(UnknownNameError, match=rf"{task} family \(of model '{model_id}'\) 'yolox'.*{TASKS[task][0]}"):
        opener(models, model_id)
    assert models.made == {}


@pytest.mark.parametrize(
    ("task", "size"),
    [("head pose", [64, 32]), ("keypoints", "192"), ("semantic segmentation", [0, 0]), ("picture embedding", 224)],
)
def test_settings_that_do_not_fit_are_named(task, size):
    opener, model_id = OPENERS[task]
    models = OpenedModels(given={model_id: face_vector()}, changes={"settings": {"input_size": size}})
    with pytest.raises(ConfigurationError, match=f"'{model_id}': setting 'input_size' must be .*, got"):
        opener(models, model_id)


def test_the_size_of_texts_need_not_be_square():
    given = {"crnn-en-fp16": text_reader()}
    models = OpenedModels(given=given, changes={"settings": {"input_size": [100]}})
    with pytest.raises(ConfigurationError, match=r"\[width, height\] in pixels, got \[100\]"):
        adapters.open_text_reader(models, "crnn-en-fp16")
    adapters.open_text_reader(OpenedModels(given=given), "crnn-en-fp16").close()
