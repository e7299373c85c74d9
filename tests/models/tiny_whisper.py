"""A tiny Whisper with random weights: made by transformers, converted by CTranslate2's own tools.

Its tokenizer is byte-level and holds Whisper's special tokens in their order. Nothing is claimed of its words.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import ctranslate2
import torch
import transformers as hub
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers.models.whisper.tokenization_whisper import LANGUAGES

hub.utils.logging.set_verbosity_error()
hub.utils.logging.disable_progress_bar()

SPECIAL = (
    *("<|endoftext|>", "<|startoftranscript|>"),
    *(f"<|{code}|>" for code in LANGUAGES),
    *("<|translate|>", "<|transcribe|>", "<|startoflm|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>"),
)
TIMES = tuple(f"<|{place * 0.02:.2f}|>" for place in range(1501))
COPIED = ["tokenizer.json", "preprocessor_config.json"]
LAYERS, HEADS, WIDTH, MELS = 2, 2, 16, 80


PLAIN = 50_257
"""Tokens of text. The last one is empty: by that CTranslate2 tells a model that knows more than English."""


def tokenizer() -> Tokenizer:
    bytes_ = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = [f"\u0120w{number}" for number in range(PLAIN - len(bytes_) - 1)]
    vocabulary = {token: place for place, token in enumerate([*bytes_, *words, ""])}
    made = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens([AddedToken(token, special=True) for token in SPECIAL])
    made.add_tokens([AddedToken(token) for token in TIMES])
    return made


def _generation(ids: Any) -> hub.GenerationConfig:
    """By hand: a random model never ends by itself, and would be asked for what real ones are trained to leave out."""
    return hub.GenerationConfig(
        suppress_tokens=[],
        begin_suppress_tokens=[ids("<|endoftext|>")],
        lang_to_id={f"<|{code}|>": ids(f"<|{code}|>") for code in LANGUAGES},
        alignment_heads=[[LAYERS - 1, 0]],
        decoder_start_token_id=ids("<|startoftranscript|>"),
        eos_token_id=ids("<|endoftext|>"),
        pad_token_id=ids("<|endoftext|>"),
        no_timestamps_token_id=ids("<|notimestamps|>"),
        is_multilingual=True,
    )


def unconverted(folder: Path, seed: int = 0) -> Path:
    made = tokenizer()
    end, start = made.token_to_id("<|endoftext|>"), made.token_to_id("<|startoftranscript|>")
    torch.manual_seed(seed)
    tower = {"layers": LAYERS, "attention_heads": HEADS, "ffn_dim": 4 * WIDTH}
    config = hub.WhisperConfig(
        vocab_size=made.get_vocab_size(),
        d_model=WIDTH,
        num_mel_bins=MELS,
        **{f"{side}_{key}": value for side in ("encoder", "decoder") for key, value in tower.items()},
        **dict.fromkeys(("pad_token_id", "bos_token_id", "eos_token_id"), end),
        decoder_start_token_id=start,
    )
    model = hub.WhisperForConditionalGeneration(config)
    with torch.no_grad():
        for weights in model.parameters():
            weights.mul_(3.0)  # so that what it says depends on what it hears
    model.generation_config = _generation(made.token_to_id)
    model.save_pretrained(folder)
    hub.PreTrainedTokenizerFast(
        tokenizer_object=made, eos_token=SPECIAL[0], additional_special_tokens=list(SPECIAL[1:])
    ).save_pretrained(folder)
    features = {"feature_size": MELS, "sampling_rate": 16_000, "hop_length": 160, "chunk_length": 30, "n_fft": 400}
    (folder / COPIED[1]).write_text(json.dumps(features))
    return folder


def tiny_whisper(folder: Path, seed: int = 0, quantization: str | None = None) -> Path:
    """The folder of a model that can be opened."""
    source = unconverted(folder / "transformers", seed)
    converter = ctranslate2.converters.TransformersConverter(str(source), copy_files=COPIED)
    converter.convert(str(folder / "ctranslate2"), quantization=quantization)
    return folder / "ctranslate2"
