"""Render the procedural data set: python -m melody_train.data --out data/small --clips 1200 --heldout 128 --processes 2

--parts-only keeps, instead of the audio, the 75 spectral numbers a frame that semantic tokens are made of (features.py): much more
music for the language model and the probes at 1/13 of the space.
--stereo renders at 48 kHz through every free sound font that is installed, each clip played, placed and compressed in its own way
(generate.Production), and keeps that beside its mono 24 kHz mix.

Resumable: shards that exist are not made again. Seeds: training clips 0, 1, 2, …; held-out clips 10 000 000, 10 000 001, ….
"""

import argparse
import os
import signal
import sys
import time
from multiprocessing import Pool

import numpy as np

from .generate import make_piece, render, render_produced
from .score import DRUMS
from .shards import write_shard
from .synth import Synth, sound_fonts

HELD_OUT_SEED = 10_000_000
_synths = {}


def spectral_parts(sound: np.ndarray) -> np.ndarray:
    """int16 [samples] → float16 [frames, 75]."""
    import torch

    from ..features import SemanticFeatures

    if 'features' not in _synths:
        torch.set_num_threads(1)
        _synths['features'] = SemanticFeatures()
    with torch.no_grad():
        return torch.cat(_synths['features'].parts(torch.from_numpy(sound.astype(np.float32) / 32768)[None]), -1)[0].half().numpy()


def make_shard(job: tuple) -> tuple | None:
    """(path, clips) of a new shard; None where `limit` is over (the first shard of a split is always made)."""
    folder, split, index, seeds, seconds, rate, parts_only, stereo, limit = job
    if index and time.time() > limit:
        return None
    if rate not in _synths and not stereo:
        _synths[rate] = Synth(rate)
    if stereo and 'stereo' not in _synths:
        _synths['stereo'] = [Synth(48000, font) for font in sound_fonts()]
    audio, rows, wide = [], [], []
    for seed in seeds:
        piece = make_piece(seed, seconds)
        if stereo:
            sound, both = render_produced(piece, _synths['stereo'], seed, seconds)
            wide.append(both)
        else:
            sound = render(piece, _synths[rate], seconds)
        audio.append(spectral_parts(sound) if parts_only else sound)
        counts = {}
        for n in piece.score.notes(until=seconds):
            key = 'drums' if n.channel == DRUMS else str(n.program)
            counts[key] = counts.get(key, 0) + 1
        rows.append(
            {
                'id': f'{split}-{seed}',
                'seed': seed,
                'captions': piece.captions,
                'heldout_captions': piece.heldout_captions,
                'attributes': piece.attributes,
                'beats': piece.beats,
                'bars': piece.bars,
                'chords': piece.chords,
                'notes_by_program': counts,
            }
        )
    return write_shard(folder, split, index, np.stack(audio), rows, rate, np.stack(wide) if wide and not parts_only else None), len(rows)


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--out', required=True)
    p.add_argument('--clips', type=int, default=1200)
    p.add_argument('--heldout', type=int, default=128)
    p.add_argument('--seconds', type=float, default=24.0)
    p.add_argument('--rate', type=int, default=24000)
    p.add_argument('--shard', type=int, default=32, help='clips a shard')
    p.add_argument('--processes', type=int, default=2)
    p.add_argument('--limit', type=float, default=float('inf'), help='start no further shard after this many seconds')
    p.add_argument('--first-seed', type=int, default=0)
    p.add_argument('--parts-only', action='store_true')
    p.add_argument('--stereo', action='store_true', help='48 kHz stereo beside the mono mix, which is then at 24 kHz')
    a = p.parse_args()
    if a.stereo and a.rate != 24000:
        p.error(f'--stereo keeps its mono mix at 24000 Hz; got --rate {a.rate}')
    jobs, limit = [], time.time() + a.limit
    for split, count, first in (('train', a.clips, a.first_seed), ('heldout', a.heldout, HELD_OUT_SEED)):
        for index, start in enumerate(range(0, count, a.shard)):
            seeds = list(range(first + start, first + min(start + a.shard, count)))
            if not os.path.exists(os.path.join(a.out, f'{split}_{index:03d}.npz')):
                jobs.append((a.out, split, index, seeds, a.seconds, a.rate, a.parts_only, a.stereo, limit))
    jobs.sort(key=lambda j: (j[2] > 0, j[1] == 'train' and j[2] > 1, j[1], j[2]))  # one shard of each split, the held-out ones, the rest
    started, done, total = time.time(), 0, sum(len(j[3]) for j in jobs)
    with Pool(a.processes) as pool:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the pool's processes end too
        for made in pool.imap_unordered(make_shard, jobs):
            if made is None:
                continue
            path, n = made
            done += n
            spent = time.time() - started
            print(f'{path}  {done}/{total} clips  {done / spent:.1f} clips/s  ETA {(total - done) * spent / done / 60:.1f} min', flush=True)
    if done < total:
        print(f'{done} of {total} clips: the time for rendering was over', flush=True)


if __name__ == '__main__':
    main()
