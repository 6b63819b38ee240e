"""Things computed once a shard and kept as .npy beside the run: features [n, T, F], latents [n, L, D], both float16."""

import json
import time
from pathlib import Path

import numpy as np
import torch

from .data.shards import list_shards, read_shard


def keep(value, path):
    """torch.save that leaves a whole file or none, whenever the process ends."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(value, path.with_suffix('.tmp'))
    path.with_suffix('.tmp').replace(path)


def build(data, folder, split, compute, most=None, channels=1, until=None):
    """For each finished shard without a cache file calls compute(audio int16 [n, samples], or [n, 2, samples] with `channels` 2) -> array
    and
    saves it; stops after `most` new ones, and when the time `until` is over, but not before a first one."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    made = 0
    for path in list_shards(str(data), split):
        target = folder / (Path(path).stem + '.npy')
        if target.exists():
            continue
        if made == most or (until and time.time() > until and list(folder.glob(f'{split}_*.npy'))):
            break
        audio = np.load(path)['stereo'] if channels == 2 else read_shard(path)[0]
        np.save(str(target) + '.part.npy', compute(audio).astype(np.float16))
        Path(str(target) + '.part.npy').replace(target)
        made += 1
        print(f'{folder.name}: {target.name}', flush=True)


def load_features(paths, split):
    """Features and metadata of the rendered set, for training followed by those of --extra."""
    rows, meta = load(paths.data, paths.runs / 'features', split)
    if split == 'train' and paths.extra and list((paths.runs / 'features_extra').glob('train_*.npy')):
        more, notes = load(paths.extra, paths.runs / 'features_extra', 'train')
        return rows + more, meta + notes
    return rows, meta


def load(data, folder, split, most=None):
    """-> (list of float16 arrays one a clip, list of metadata) over the shards that have a cache file."""
    rows, meta = [], []
    for path in sorted(Path(folder).glob(f'{split}_*.npy')):
        if path.name.endswith('.part.npy'):
            continue
        if most and len(rows) >= most:
            break
        notes = Path(data) / (path.stem + '.jsonl')
        meta += [json.loads(line) for line in notes.read_text().splitlines()]
        rows += list(np.load(path))
    if not rows:
        raise FileNotFoundError(f'nothing cached for {split} in {folder}: run its stage first')
    return rows, meta
