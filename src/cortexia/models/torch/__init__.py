"""Models that run on torch with transformers (the extra ``torch``): pictures and prompts in, arrays and texts out.

The one door of these libraries. Importing this package loads none of them: whoever opens a model does.
"""

from cortexia.models.torch.base import (
    Caption,
    Captioner,
    Embedder,
    Grounder,
    GroundingLimits,
    MaskBatch,
    Masker,
    SoundTagger,
    TextRegion,
    VoiceEmbedder,
)
from cortexia.models.torch.choice import (
    SOUND_TAGGERS,
    load_family,
    open_audio_tagger,
    open_captioner,
    open_embedder,
    open_grounder,
    open_masker,
    open_voice_embedder,
)

__all__ = [
    "SOUND_TAGGERS",
    "Caption",
    "Captioner",
    "Embedder",
    "Grounder",
    "GroundingLimits",
    "MaskBatch",
    "Masker",
    "SoundTagger",
    "TextRegion",
    "VoiceEmbedder",
    "load_family",
    "open_audio_tagger",
    "open_captioner",
    "open_embedder",
    "open_grounder",
    "open_masker",
    "open_voice_embedder",
]
