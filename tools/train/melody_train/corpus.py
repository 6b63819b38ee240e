"""Reads rendered shards: NAME_000.npz holds `audio` int16 [clips, samples] (and `stereo` int16 [clips, 2, samples]), NAME_000.jsonl one
JSON a clip (captions, attributes, beats...)."""

import json
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch

from .processes import device, on_gpu


class Corpus:
    """All clips of one split ('train' or 'heldout') in memory as int16, [samples], or [2, samples] with `channels` 2; refresh() takes in
    shards
    finished since."""

    def __init__(self, folder, split, limit=None, channels=1):
        self.folder, self.split, self.limit = Path(folder), split, limit
        self.key = 'stereo' if channels == 2 else 'audio'
        self.seen, self.audio, self.meta, self.tensor = set(), [], [], None
        self.refresh()
        if not self.audio:
            raise FileNotFoundError(f'no {split}_*.npz with its .jsonl in {folder}: run the stage "data" first')

    def refresh(self):
        new = [p for p in sorted(self.folder.glob(f'{self.split}_*.npz')) if p.name not in self.seen and p.with_suffix('.jsonl').exists()]
        with ThreadPoolExecutor(8 if on_gpu() else 1) as pool:
            for path, shard in zip(new, pool.map(self._read, new[: self.limit])):  # a shard holds at least one clip
                if shard and not (self.limit and len(self.audio) >= self.limit):
                    self.seen.add(path.name)
                    self.audio += list(shard[0])
                    self.meta += shard[1]
        return len(self.audio)

    def _read(self, path):
        """(audio, metadata) of a shard, or None while it is still being written."""
        try:
            audio = np.load(path)[self.key]
            meta = [json.loads(line) for line in path.with_suffix('.jsonl').read_text().splitlines()]
        except (OSError, ValueError, EOFError, KeyError):
            return None
        return (audio, meta) if len(audio) == len(meta) else None

    def on_device(self):
        """int16 [clips, (2,) samples] on the device, kept there; clips must be equally long."""
        have = 0 if self.tensor is None else len(self.tensor)
        if have < len(self.audio):
            more = torch.empty(len(self.audio) - have, *self.audio[0].shape, dtype=torch.int16, device=device())
            for row, clip in zip(more, self.audio[have:]):
                row.copy_(torch.from_numpy(clip))
            self.tensor = more if have == 0 else torch.cat([self.tensor, more])
        return self.tensor

    def gather(self, index, start, length, grid=1):
        """Crops [B, (2,) length] float32 in [-1, 1] from sample start * grid of every clip in `index`, gathered on the device in one go."""
        index, start = (torch.as_tensor(x).to(device()) for x in (index, start))
        views = self.on_device().unfold(-1, length, grid)  # [clips, (2,) starts, length], no copy
        return (views[index, :, start] if views.ndim == 4 else views[index, start]).float() / 32768.0

    def __len__(self):
        return len(self.audio)

    def crop(self, index, start, length):
        return torch.from_numpy(self.audio[index][..., start : start + length].astype(np.float32) / 32768.0)

    def random_crops(self, count, length, rng: random.Random, grid=1):
        """[count, length] or [count, 2, length] float32 in [-1, 1]; starts are multiples of grid."""
        drawn = []
        for _ in range(count):
            index = rng.randrange(len(self.audio))
            drawn.append((index, rng.randrange((self.audio[index].shape[-1] - length) // grid + 1)))
        if on_gpu():
            return self.gather(*zip(*drawn), length, grid)
        return torch.stack([self.crop(index, start * grid, length) for index, start in drawn])
