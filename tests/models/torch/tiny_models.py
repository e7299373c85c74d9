"""Tiny models of the real architectures with random weights, saved by the real libraries as folders that can be opened.

Tokenizers are made by hand. Nothing is claimed of what such models see.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
import transformers as hub
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit

from cortexia.models.base import ModelEntry, ModelFile
from cortexia.models.library import ModelLibrary
from cortexia.models.manifest import MANIFEST, Manifest
from cortexia.models.torch import load_family

hub.utils.logging.set_verbosity_error()
hub.utils.logging.disable_progress_bar()

REVISION = "0123456789abcdef0123456789abcdef01234567"
WORDS = ("forklift", "hard", "hat", "a", "man", "with", "red", "dog", "on", "street", ".", ",")


def bert_tokenizer(*more: str) -> Any:
    pieces = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS, "##s", *more)
    return hub.BertTokenizer(vocab={piece: number for number, piece in enumerate(pieces)})


def word_tokenizer(special: dict[str, str], words: tuple[str, ...], **more: Any) -> Any:
    """Whole words, and the special tokens wherever they stand."""
    pieces = [*special.values(), *words]
    made = Tokenizer(WordLevel({piece: number for number, piece in enumerate(pieces)}, unk_token=special["unk_token"]))
    made.pre_tokenizer = WhitespaceSplit()
    return hub.PreTrainedTokenizerFast(tokenizer_object=made, **special, **more)


def saved(folder: Path, *parts: Any) -> Path:
    for part in parts:
        part.save_pretrained(folder)
    return folder


def tiny_clip(folder: Path) -> Path:
    tower = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    text = {**tower, "vocab_size": 40, "max_position_embeddings": 12, "eos_token_id": 1, "bos_token_id": 0}
    config = hub.CLIPConfig(
        text_config={**text, "pad_token_id": 1},
        vision_config={**tower, "image_size": 32, "patch_size": 8},
        projection_dim=8,
    )
    letters = [f"{letter}{end}" for letter in "abcdefghijklmno" for end in ("", "</w>")]
    vocab = {"<|startoftext|>": 0, "<|endoftext|>": 1, **{piece: at for at, piece in enumerate(letters, 2)}}
    pictures = hub.CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    return saved(folder, hub.CLIPModel(config), hub.CLIPTokenizer(vocab=vocab, merges=[]), pictures)


def tiny_siglip(folder: Path) -> Path:
    tower = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = hub.SiglipConfig(
        text_config={**tower, "vocab_size": 32, "max_position_embeddings": 8, "bos_token_id": 1, "eos_token_id": 1},
        vision_config={**tower, "image_size": 32, "patch_size": 8},
    )
    special = {"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
    pictures = hub.SiglipImageProcessorPil(size={"height": 32, "width": 32})
    return saved(folder, hub.SiglipModel(config), word_tokenizer(special, WORDS), pictures)


def tiny_blip(folder: Path) -> Path:
    tower = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    tokenizer = bert_tokenizer("[DEC]")
    text = {**tower, "vocab_size": len(tokenizer), "max_position_embeddings": 32, "encoder_hidden_size": 16}
    config = hub.BlipConfig(
        text_config={**text, "bos_token_id": len(tokenizer) - 1, "sep_token_id": 3, "eos_token_id": 3},
        vision_config={**tower, "image_size": 32, "patch_size": 8},
    )
    pictures = hub.BlipImageProcessorPil(size={"height": 32, "width": 32})
    model = hub.BlipForConditionalGeneration(config)
    wake(model)
    return saved(folder, model, tokenizer, pictures)


def tiny_florence(folder: Path) -> Path:
    places = tuple(f"<loc_{number}>" for number in range(0, 1000, 200))
    special = {"bos_token": "<s>", "pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
    tokenizer = word_tokenizer(special, WORDS, extra_special_tokens={"image_token": "<image>"})
    tokenizer.add_tokens(list(places), special_tokens=True)
    config = hub.Florence2Config(
        text_config={
            "model_type": "bart",
            "vocab_size": len(tokenizer),
            "d_model": 16,
            **dict.fromkeys(("encoder_layers", "decoder_layers"), 1),
            **dict.fromkeys(("encoder_ffn_dim", "decoder_ffn_dim"), 32),
            **dict.fromkeys(("encoder_attention_heads", "decoder_attention_heads"), 2),
            "max_position_embeddings": 128,
            "bos_token_id": 0,
            "pad_token_id": 1,
            "eos_token_id": 2,
            "decoder_start_token_id": 2,
            "forced_eos_token_id": 2,
        },
        vision_config={
            "depths": [1, 1],
            "embed_dim": [8, 16],
            "num_heads": [2, 2],
            "num_groups": [2, 2],
            "patch_size": [7, 3],
            "patch_stride": [4, 2],
            "patch_padding": [3, 1],
            "patch_prenorm": [False, True],
            "window_size": 4,
            "projection_dim": 16,
        },
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
    )
    pictures = hub.CLIPImageProcessorPil(
        size={"height": 32, "width": 32}, do_center_crop=False, crop_size={"height": 32, "width": 32}
    )
    pictures.image_seq_length = 17
    model = hub.Florence2ForConditionalGeneration(config)
    model.generation_config.no_repeat_ngram_size = 2
    wake(model)
    return saved(folder, model, tokenizer, pictures)


def tiny_sam(folder: Path) -> Path:
    config = hub.SamConfig(
        vision_config={
            "hidden_size": 16,
            "output_channels": 16,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "image_size": 64,
            "patch_size": 8,
            "window_size": 4,
            "global_attn_indexes": [1],
            "num_pos_feats": 8,
            "mlp_dim": 32,
            "initializer_range": 0.2,
        },
        prompt_encoder_config={"hidden_size": 16, "image_size": 64, "patch_size": 8, "mask_input_channels": 4},
        mask_decoder_config={"hidden_size": 16, "mlp_dim": 32, "num_attention_heads": 2, "iou_head_hidden_dim": 16},
    )
    pictures = hub.SamImageProcessorPil(
        size={"longest_edge": 64},
        pad_size={"height": 64, "width": 64},
        mask_size={"longest_edge": 32},
        mask_pad_size={"height": 32, "width": 32},
    )
    return saved(folder, hub.SamModel(config), pictures)


def tiny_sam2(folder: Path) -> Path:
    config = hub.Sam2Config(
        vision_config={
            "backbone_config": {
                "model_type": "sam2_hiera_det_model",
                "hidden_size": 8,
                "image_size": [64, 64],
                "blocks_per_stage": [1, 2, 2, 1],
                "embed_dim_per_stage": [8, 16, 32, 64],
                "num_attention_heads_per_stage": [1, 2, 2, 4],
                "window_size_per_stage": [4, 4, 4, 2],
                "global_attention_blocks": [4],
                "window_positional_embedding_background_size": [4, 4],
            },
            "backbone_channel_list": [64, 32, 16, 8],
            "backbone_feature_sizes": [[16, 16], [8, 8], [4, 4]],
            "fpn_hidden_size": 32,
        },
        prompt_encoder_config={"hidden_size": 32, "image_size": 64, "patch_size": 16, "mask_input_channels": 4},
        mask_decoder_config={"hidden_size": 32, "mlp_dim": 32, "num_attention_heads": 2, "iou_head_hidden_dim": 16},
    )
    saved(folder, hub.Sam2Model(config))
    settings = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
    (folder / "preprocessor_config.json").write_text(json.dumps(settings))
    return folder


def tiny_grounding_dino(folder: Path) -> Path:
    tokenizer = bert_tokenizer()
    config = hub.GroundingDinoConfig(
        backbone_config=hub.SwinConfig(
            embed_dim=8,
            depths=[1, 1, 1, 1],
            num_heads=[1, 1, 2, 2],
            window_size=4,
            image_size=64,
            out_indices=[2, 3, 4],
        ),
        text_config=hub.BertConfig(
            vocab_size=len(tokenizer),
            hidden_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=32,
            max_position_embeddings=64,
        ),
        num_queries=20,
        d_model=32,
        encoder_layers=1,
        decoder_layers=2,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        max_text_len=32,
    )
    pictures = hub.GroundingDinoImageProcessorPil(size={"shortest_edge": 64, "longest_edge": 96})
    model = hub.GroundingDinoForObjectDetection(config)
    wake(model)
    return saved(folder, model, tokenizer, pictures)


CLASSES = ("Speech", "Laughter", "Chuckle, chortle", "Music", "Applause", "Silence")


def tiny_ast(folder: Path) -> Path:
    config = hub.ASTConfig(
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_length=128,
        num_mel_bins=32,
        id2label=dict(enumerate(CLASSES)),
        label2id={name: number for number, name in enumerate(CLASSES)},
    )
    model = hub.ASTForAudioClassification(config)
    wake(model)
    return saved(folder, model, hub.ASTFeatureExtractor(max_length=128, num_mel_bins=32))


def tiny_wavlm(folder: Path) -> Path:
    config = hub.WavLMConfig(
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        conv_dim=(8,) * 7,
        conv_kernel=(10, 3, 3, 3, 3, 2, 2),
        conv_stride=(5, 2, 2, 2, 2, 2, 2),
        num_conv_pos_embeddings=8,
        num_conv_pos_embedding_groups=2,
        tdnn_dim=(16, 16, 16, 16, 32),
        tdnn_kernel=(5, 3, 3, 1, 1),
        tdnn_dilation=(1, 2, 3, 1, 1),
        xvector_output_dim=24,
        num_buckets=16,
        max_bucket_distance=32,
    )
    extractor = hub.Wav2Vec2FeatureExtractor(sampling_rate=16_000, do_normalize=True)
    return saved(folder, hub.WavLMForXVector(config).eval(), extractor)


def wake(model: torch.nn.Module, spread: float = 0.3) -> None:
    """Weights wide enough that the output depends on the input."""
    with torch.no_grad():
        for weights in model.parameters():
            if weights.dim() > 1:
                weights.normal_(0.0, spread)


MAKERS: dict[str, Callable[[Path], Path]] = {
    "ast": tiny_ast,
    "blip": tiny_blip,
    "clip": tiny_clip,
    "florence-2": tiny_florence,
    "grounding-dino": tiny_grounding_dino,
    "sam": tiny_sam,
    "sam2": tiny_sam2,
    "siglip": tiny_siglip,
    "wavlm-xvector": tiny_wavlm,
}


def make(adapter: str, folder: Path) -> Path:
    """A folder as a pull leaves it: the model's files, and their manifest."""
    torch.manual_seed(7)
    folder.mkdir(parents=True, exist_ok=True)
    MAKERS[adapter](folder)
    write_manifest(folder, f"tiny/{adapter}")
    return folder


def write_catalogue(path: Path, tasks: Mapping[str, str]) -> Path:
    """A catalogue at ``path`` with a model ``tiny-FAMILY`` for each family of ``tasks``."""
    path.write_text(
        "\n".join(
            f'[[model]]\nid = "tiny-{adapter}"\ntask = "{task}"\nrepo = "tiny/{adapter}"\nlicence = "MIT"\n'
            f'adapter = "{adapter}"\n'
            for adapter, task in tasks.items()
        )
    )
    return path


def make_catalogue(root: Path, tasks: Mapping[str, str]) -> Path:
    """``own.toml`` in ``root``, and beside it the models that it names."""
    for adapter in tasks:
        make(adapter, root / adapter)
    return write_catalogue(root / "own.toml", tasks)


def write_manifest(folder: Path, repo: str) -> Manifest:
    manifest = Manifest(
        repo, REVISION, tuple(file_of(path) for path in sorted(folder.iterdir()) if path.name != MANIFEST)
    )
    (folder / MANIFEST).write_bytes(manifest.to_json())
    return manifest


def file_of(path: Path) -> ModelFile:
    data = path.read_bytes()
    return ModelFile(path.name, hashlib.sha256(data).hexdigest(), len(data))


def entry_of(adapter: str) -> ModelEntry:
    """The unpinned entry of a catalogue."""
    return ModelEntry(
        id=f"tiny-{adapter}",
        task="a test",
        file="",
        size_bytes=0,
        sha256="",
        licence="Apache-2.0",
        url="https://example.org",
        adapter=adapter,
        repo=f"tiny/{adapter}",
    )


def opened(folder: Path, adapter: str) -> Any:
    """The family's object, by the library and the runtime of the house."""
    return load_family(ModelLibrary([folder]).read_folder(entry_of(adapter)), "cpu")
