"""Reads rendered shards: NAME_000.npz holds `audio` int16 [clips, samples] (and `stereo` int16 [clips, 2, samples]), NAME_000.jsonl one JSON a clip (captions, attributes, beats...)."""

import json
import random
from pathlib import Path

import numpy as np
import torch


class Corpus:
    """All clips of one split ('train' or 'heldout') in memory as int16, [samples], or [2, samples] with `channels` 2; refresh() takes in shards
    finished since."""

    def __init__(self, folder, split, limit=None, channels=1):
        self.folder, self.split, self.limit = Path(folder), split, limit
        self.key = 'stereo' if channels == 2 else 'audio'
        self.seen, self.audio, self.meta = set(), [], []
        self.refresh()
        if not self.audio:
            raise FileNotFoundError(f'no {split}_*.npz with its .jsonl in {folder}: run the stage "data" first')

    def refresh(self):
        for path in sorted(self.folder.glob(f'{self.split}_*.npz')):
            notes = path.with_suffix('.jsonl')
            if path.name in self.seen or not notes.exists() or (self.limit and len(self.audio) >= self.limit):
                continue
            try:
                audio = np.load(path)[self.key]
                meta = [json.loads(line) for line in notes.read_text().splitlines()]
            except (OSError, ValueError, EOFError, KeyError):
                continue  # still being written
            if len(audio) != len(meta):
                continue
            self.seen.add(path.name)
            self.audio += list(audio)
            self.meta += meta
        return len(self.audio)

    def __len__(self):
        return len(self.audio)

    def crop(self, index, start, length):
        return torch.from_numpy(self.audio[index][..., start : start + length].astype(np.float32) / 32768.0)

    def random_crops(self, count, length, rng: random.Random, grid=1):
        """[count, length] or [count, 2, length] float32 in [-1, 1]; starts are multiples of grid."""
        rows = []
        for _ in range(count):
            index = rng.randrange(len(self.audio))
            last = self.audio[index].shape[-1] - length
            rows.append(self.crop(index, rng.randrange(last // grid + 1) * grid, length))
        return torch.stack(rows)
