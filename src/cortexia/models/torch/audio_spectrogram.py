"""AST (Gong et al., "AST: Audio Spectrogram Transformer", Interspeech 2021): the classes of AudioSet from sound.

The library's extractor takes torchaudio where that is installed, and NumPy where not, with other numbers; so its
spectra are made here, the same everywhere.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cortexia.errors import ModelError
from cortexia.models.folders import FolderContent
from cortexia.models.torch.base import Vectors
from cortexia.models.torch.runtime import TorchModel, import_libraries
from cortexia.spectra import Bands, frames_of, magnitudes, mel_weights

RATE = 16_000
FRAME, HOP, FFT = 400, 160, 512
_WINDOW = np.asarray(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRAME) / (FRAME - 1)))
_PREEMPHASIS = 0.97
_FLOOR = 1.192092955078125e-07


class AudioSpectrogram(TorchModel):
    """A ``SoundTagger``. Each class is judged alone (sigmoid).

    Sound shorter than the model's length (10.24 s for the published ones) is followed by what the model was trained to
    take for the end of a clip; longer sound is cut off.
    """

    def __init__(self, content: FolderContent, device: str = "auto") -> None:
        import_libraries()
        from transformers import ASTConfig, ASTForAudioClassification

        super().__init__(content, device)
        settings = content.settings("preprocessor_config.json")
        if int(settings.get("sampling_rate", RATE)) != RATE:
            raise ModelError("unsupported", f"model {self.model_id!r} hears {settings['sampling_rate']} Hz, not {RATE}")
        self._mean = float(settings.get("mean", -4.2677393))
        self._deviation = float(settings.get("std", 4.5689974))
        self._is_normalised = bool(settings.get("do_normalize", True))
        self._model = self.load(content, ASTForAudioClassification, ASTConfig)
        config = self._model.config
        self._length, self._bands = int(config.max_length), int(config.num_mel_bins)
        self._mel = Bands(mel_weights(self._bands, 20.0, RATE / 2, FFT, RATE))
        self.classes = tuple(str(config.id2label[number]) for number in range(len(config.id2label)))

    def spectra(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """(length, bands): log energies of mel bands as Kaldi makes them, brought to the model's scale."""
        frames = frames_of(samples, FRAME, HOP)[: self._length].astype(np.float64)
        frames = frames - frames.mean(axis=1, keepdims=True)
        emphasised = frames - _PREEMPHASIS * np.concatenate((frames[:, :1], frames[:, :-1]), axis=1)
        bands = self._mel.sums(magnitudes(emphasised, _WINDOW, FFT) ** 2)
        full = np.zeros((self._length, self._bands))
        full[: len(bands)] = np.log(np.maximum(bands, _FLOOR))
        if self._is_normalised:
            full = (full - self._mean) / (2 * self._deviation)
        return full.astype(np.float32)

    def tag(self, samples: NDArray[np.float32]) -> Vectors:
        """(classes,) in [0, 1]. ``samples``: mono at 16 kHz in [-1, 1]."""
        torch = import_libraries()
        with self.running() as device:
            spectra = torch.from_numpy(self.spectra(samples))[None].to(device)
            scores = self._model(input_values=spectra).logits[0].double().sigmoid()
            return np.asarray(scores.cpu().numpy(), np.float32)
