"""The data format every source writes and every stage reads.

<split>_NNN.npz    audio int16 [clips, samples] (or, from --parts-only, parts float16 [clips, frames, 75]), sample_rate;
                   with --stereo also stereo int16 [clips, 2, samples] of the same clips, stereo_rate
<split>_NNN.jsonl  one JSON per clip: id, seed, captions, heldout_captions, attributes, beats, bars, chords [[start, end, root, triad,
quality]], notes_by_program
A shard appears under its name only when whole (written beside it and renamed; the .jsonl first).
"""

from __future__ import annotations

import glob
import json
import os

import numpy as np


def write_shard(
    folder: str,
    split: str,
    index: int,
    audio: np.ndarray,
    rows: list,
    sample_rate: int,
    stereo: np.ndarray | None = None,
    stereo_rate: int = 48000,
) -> str:
    """audio int16 [clips, samples], or spectral parts float16 [clips, frames, 75]; rows: one dict a clip; stereo int16 [clips, 2,
    samples]."""
    kind = {('int16', 2): 'audio', ('float16', 3): 'parts'}.get((str(audio.dtype), audio.ndim))
    if kind is None or len(rows) != len(audio):
        raise ValueError(
            f'write_shard: expected int16 [clips, samples] and as many rows, got {audio.dtype} {audio.shape}, {len(rows)} rows'
        )
    os.makedirs(folder, exist_ok=True)
    base = os.path.join(folder, f'{split}_{index:03d}')
    with open(base + '.jsonl.part', 'w') as f:
        f.writelines(json.dumps(r, separators=(',', ':')) + '\n' for r in rows)
    with open(base + '.npz.part', 'wb') as f:
        more = {} if stereo is None else {'stereo': stereo, 'stereo_rate': np.int64(stereo_rate)}
        np.savez(f, **{kind: audio}, sample_rate=np.int64(sample_rate), **more)
    os.replace(base + '.jsonl.part', base + '.jsonl')
    os.replace(base + '.npz.part', base + '.npz')
    return base + '.npz'


def list_shards(folder: str, split: str) -> list:
    return sorted(glob.glob(os.path.join(folder, f'{split}_*.npz')))


def read_shard(path: str, stereo: bool = False) -> tuple:
    """(audio int16 [clips, samples] or parts float16 [clips, frames, 75], rows, sample rate); with stereo int16 [clips, 2, samples] and its
    rate."""
    with np.load(path) as z:
        if stereo and 'stereo' not in z:
            raise ValueError(f'{path} holds no stereo; render with: python -m melody_train.data --stereo')
        audio = z['stereo'] if stereo else z['audio' if 'audio' in z else 'parts']
        rate = int(z['stereo_rate' if stereo else 'sample_rate'])
    with open(path[:-4] + '.jsonl') as f:
        rows = [json.loads(line) for line in f]
    if len(rows) != len(audio):
        raise ValueError(f'{path}: {len(audio)} clips but {len(rows)} lines of JSON')
    return audio, rows, rate


def read_split(folder: str, split: str, max_clips: int | None = None, stereo: bool = False) -> tuple:
    """All shards of a split that are there: (audio int16 [clips, samples], or [clips, 2, samples] with stereo, rows, sample rate)."""
    paths = list_shards(folder, split)
    if not paths:
        raise FileNotFoundError(f'no {split}_*.npz in {folder}; render some first: python -m melody_train.data --out {folder}')
    audio, rows, rate = [], [], 0
    for p in paths:
        a, r, rate = read_shard(p, stereo)
        audio.append(a)
        rows += r
        if max_clips and len(rows) >= max_clips:
            break
    return np.concatenate(audio)[:max_clips], rows[:max_clips], rate
