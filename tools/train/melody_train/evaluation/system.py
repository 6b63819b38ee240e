"""The exported model as separate steps, so that any step's input can be replaced by the truth.

texts ─▶ style: codes [B, 12] and controls (beat, key, tempo) ─▶ ids [B, T] ─▶ latents [B, L, D] ─▶ audio [B, n]
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from ..envelopes import resampled
from ..export import load_exported
from ..measures import RATE
from ..sampling import generate_tokens, rotate
from ..wishes import controls_of


class Style(NamedTuple):
    """What the language model is asked for: RVQ codes [B, levels] and, where the model knows them, one Controls a row."""

    codes: torch.Tensor
    controls: list | None = None

    def rows(self, start: int, end: int) -> Style:
        return Style(self.codes[start:end], self.controls and self.controls[start:end])


class System:
    def __init__(self, folder: str):
        self.config, networks, self.tokenizer = load_exported(folder)
        self.text_tower, self.audio_tower, self.rvq = (networks[k] for k in ('text_tower', 'audio_tower', 'rvq'))
        self.lm, self.semantic, self.path = (networks[k] for k in ('semantic_lm', 'semantic_encoder', 'dual_path'))
        self.encoder, self.decoder = networks['vae_encoder'], networks['vae_decoder']
        self.heads = networks.get('style_heads')
        self.own_rate, self.channels = self.config['sample_rate'], self.config.get('channels', 1)
        self.rate = RATE  # of what the listeners hear
        self.hop = RATE // self.config['frame_rate']
        self.frames = self.config['window_seconds'] * self.config['frame_rate']
        self.words = self.config['window_seconds'] * self.config['token_rate']

    def _batches(self, items, size=8):
        return [items[i : i + size] for i in range(0, len(items), size)]

    def _style(self, texts, embedding: torch.Tensor, seed: int) -> Style:
        controls = None
        if self.heads is not None:
            controls = controls_of(texts, embedding, self.heads, self.lm.controls, torch.Generator().manual_seed(seed), self.tokenizer)
        return Style(self.rvq.encode(embedding), controls)

    @torch.no_grad()
    def style_of_texts(self, texts: list, seed: int = 0) -> Style:
        return self._style(texts, self.text_tower(self.tokenizer.batch(texts)), seed)

    @torch.no_grad()
    def features(self, audio: torch.Tensor) -> torch.Tensor:
        """audio [B, n] → [B, n // 960, 40]."""
        return torch.cat([self.semantic.features(a) for a in self._batches(audio)])

    @torch.no_grad()
    def embed_audio(self, features: torch.Tensor) -> torch.Tensor:
        return torch.cat([self.audio_tower(f) for f in self._batches(features, 16)])

    def style_of_audio(self, features: torch.Tensor, seed: int = 0) -> Style:
        return self._style(None, self.embed_audio(features), seed)

    @torch.no_grad()
    def ids(self, style: Style, seed: int, start: torch.Tensor | None = None, **changes) -> torch.Tensor:
        """Tokens of one window, [start, generated]. changes override config's sampling fields (temperature, top_k, top_p, lm_guidance)."""
        s = {**self.config['sampling'], **changes}
        generator = torch.Generator().manual_seed(seed)
        made = []
        for i in range(0, len(style.codes), 16):
            codes, controls = style.rows(i, i + 16)
            begin = start[i : i + 16] if start is not None else None
            count = self.words - (begin.shape[1] if begin is not None else 0)
            new = generate_tokens(
                self.lm, codes, count, generator, s['temperature'], s['top_k'], s['top_p'], s.get('lm_guidance', 1.0), begin, controls
            )
            made.append(new if begin is None else torch.cat([begin, new], 1))
        return torch.cat(made)

    def true_ids(self, features: torch.Tensor) -> torch.Tensor:
        return self.semantic.encode(features)

    @torch.no_grad()
    def latents(self, ids: torch.Tensor, seed: int, context: torch.Tensor | None = None, **changes) -> torch.Tensor:
        """changes override steps, guidance, schedule. context [B, C, D]: clean first frames of the window."""
        s = {**self.config['sampling'], **changes}
        noise = torch.randn(len(ids), self.frames, self.config['latent_dim'], generator=torch.Generator().manual_seed(seed))
        parts = [
            rotate(self.path, n, i, s['steps'], s['guidance'], s['schedule'], self.path.latent_limit, c)
            for n, i, c in zip(
                self._batches(noise), self._batches(ids), self._batches(context) if context is not None else [None] * len(ids)
            )
        ]
        return torch.cat(parts)

    @torch.no_grad()
    def true_latents(self, audio: torch.Tensor) -> torch.Tensor:
        """audio [B, n], or [B, 2, n] of a stereo model, at the model's own rate."""
        out = [self.encoder(a) for a in self._batches(audio)]
        return torch.cat([o[0] if isinstance(o, tuple) else o for o in out])

    @torch.no_grad()
    def channels_of(self, latents: torch.Tensor) -> torch.Tensor:
        """[B, n], or [B, 2, n] of a stereo model, at the model's own rate."""
        return torch.cat([self.decoder(z) for z in self._batches(latents)]).clamp(-1, 1)

    def heard(self, audio: torch.Tensor) -> torch.Tensor:
        """What listeners take: the mean of the channels at 24 kHz, [B, n]."""
        mono = audio.mean(1) if audio.ndim == 3 else audio
        if self.own_rate == self.rate:
            return mono
        return torch.from_numpy(np.stack([resampled(x, self.own_rate, self.rate) for x in mono.numpy()]).astype(np.float32))

    def audio(self, latents: torch.Tensor) -> torch.Tensor:
        return self.heard(self.channels_of(latents))

    def text_to_audio(self, texts: list, seed: int) -> torch.Tensor:
        return self.audio(self.latents(self.ids(self.style_of_texts(texts, seed), seed), seed))
