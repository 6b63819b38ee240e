"""What a codec does to held-out pieces, one row a decoder: python -m melody_train.codec_report --data data/small --weights
weights/melody-small

--weights FOLDER   exported model (may be repeated); --runs CONFIG FOLDER  checkpoints of the stages vae and polish (may be repeated).
Notes need basic-pitch (notes.py). Rows: the pieces themselves; noise with each piece's smoothed spectrum (the floor of every "kept"
measure); each codec. In code:
`codec_table({'mine': lambda audio: decoder(encoder(audio))}, clips)`, audio and result [1, samples].
"""

from __future__ import annotations

import argparse
import json
import os

os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')
os.environ.setdefault('GOMP_SPINCOUNT', '0')

import numpy as np
import torch

from . import envelopes, measures, notes, tones

# name → (heading, scale, digits)
COLUMNS = {
    'lattice': ('lattice %', 100, 1),
    'cents': ('cents', 1, 1),
    'in_tune': ('in tune %', 100, 0),
    'kept': ('lines %', 100, 0),
    'kept_bass': ('<260', 100, 0),
    'kept_middle': ('<1000', 100, 0),
    'true': ('true', 100, 0),
    'ripple': ('ripple dB', 1, 2),
    'buzz': ('buzz 1x', 1, 1),
    'buzz_twice': ('2x', 1, 1),
    'haze_low': ('haze 0.2k', 1, 1),
    'haze_middle': ('1k', 1, 1),
    'haze_high': ('4k', 1, 1),
    'attack': ('attack ms', 1, 1),
    'attack_fast': ('fast', 1, 1),
    'notes': ('notes F1', 1, 2),
    'notes_bass': ('bass', 1, 2),
    'strokes': ('hats/s', 1, 1),
    'onset_f1': ('onset F1', 1, 3),
    'log_mel': ('log-mel', 1, 3),
    'pulse': ('pulse', 1, 2),
    'bass_db': ('bass dB', 1, 1),
    'loudness': ('LUFS', 1, 1),
}


def clip_row(x: np.ndarray, rate: int = 24000, frame_rate: float = tones.FRAME_RATE) -> dict:
    """The measures of one clip [samples] that need no source."""
    tuned, haze, buzz, attacks = (
        tones.tuning(x, rate),
        tones.haze(x, rate),
        envelopes.modulation(x, rate, frame_rate),
        envelopes.attack_times(x, rate),
    )
    median, fastest = np.percentile(attacks, (50, 25)) if len(attacks) else (float('nan'),) * 2
    return {
        'lattice': tones.lattice_share(x, rate, frame_rate),
        'cents': tuned['cents'],
        'in_tune': tuned['in_tune'],
        'ripple': envelopes.ripple(x, rate, frame_rate),
        'buzz': buzz[0],
        'buzz_twice': buzz[1],
        'haze_low': haze[0],
        'haze_middle': haze[1],
        'haze_high': haze[2],
        'attack': float(median),
        'attack_fast': float(fastest),
        'strokes': envelopes.drum_strokes(x, rate),
        'pulse': envelopes.pulse_clarity(x, rate),
        'bass_db': 10 * float(np.log10(tones.bass_share(x, rate) + 1e-12)),
        'loudness': measures.loudness(x, rate),
    }


def codec_row(
    output: np.ndarray, source: np.ndarray, rate: int = 24000, frame_rate: float = tones.FRAME_RATE, source_notes: list | None = None
) -> dict:
    """Every measure of one decoded clip [samples] beside its source [samples] and, where they are known already, the source's notes."""
    n = min(len(output), len(source))
    x, s = np.asarray(output[:n], np.float64), np.asarray(source[:n], np.float64)
    x24, s24 = (envelopes.resampled(v, rate, measures.RATE) for v in (x, s))
    kept = tones.lines_kept(x, s, rate)
    note_f1 = notes.notes_kept(x, s, rate, source_notes) if notes.available() else (float('nan'),) * 2
    return {
        **clip_row(x, rate, frame_rate),
        'kept': kept['all'],
        'kept_bass': kept['bass'],
        'kept_middle': kept['middle'],
        'true': kept['true'],
        'notes': note_f1[0],
        'notes_bass': note_f1[1],
        'onset_f1': measures.onset_f1(x24, s24),
        'log_mel': measures.log_mel_distance(x24, s24),
    }


def summary(rows: list) -> dict:
    """Shares are means over clips, dB, ms and the rest medians; clips without a value are left out."""

    def one(name):
        v = np.array([r[name] for r in rows], np.float64)
        v = v[np.isfinite(v)]
        return float('nan') if not len(v) else float(v.mean() if COLUMNS[name][1] == 100 else np.median(v))

    return {name: one(name) for name in COLUMNS if name in rows[0]}


def line(label: str, row: dict | None = None) -> str:
    cells = (f'{row[k] * scale:.{digits}f}' if row else head for k, (head, scale, digits) in COLUMNS.items())
    return f'{label[:28]:28}' + ''.join(f'{c:>{max(6, len(head) + 1)}}' for c, (head, *_) in zip(cells, COLUMNS.values()))


@torch.no_grad()
def codec_table(
    codecs: dict, clips: torch.Tensor, rate: int = 24000, frame_rate: float = tones.FRAME_RATE, floor: bool = True, show=print
) -> dict:
    """codecs: name → callable, audio [1, samples] → audio [1, samples]; clips [N, samples]; or both with channels before samples, whose
    mean is
    measured. Shows one line a codec as soon as it is measured; returns {name: summary}, the pieces themselves as 'source', and with floor
    their
    noise as 'noise'."""
    mono = lambda a: a.detach().double().cpu().reshape(-1, a.shape[-1]).mean(0).numpy()
    sources = [mono(c) for c in clips]
    if not notes.available():
        show(notes.MISSING)
    show(line(f'{len(sources)} clips'))
    noise = lambda a: torch.from_numpy(measures.shaped_noise(mono(a)))[None]
    heard = [notes.notes(s, rate) for s in sources] if notes.available() else [None] * len(sources)
    out = {}
    for name, codec in {'source': lambda a: a, **({'noise': noise} if floor else {}), **codecs}.items():
        out[name] = summary([codec_row(mono(codec(clips[i : i + 1])), s, rate, frame_rate, heard[i]) for i, s in enumerate(sources)])
        show(line(name, out[name]))
    return out


def exported(folder: str):
    """audio → decode(encode(audio)) of an exported model."""
    from .export import load_exported

    _, networks, _ = load_exported(folder)
    return lambda a: networks['vae_decoder'](networks['vae_encoder'](a.float()))


def trained(name: str, folder: str):
    """The same of the checkpoints under runs/: stage vae, stage polish's decoder and stage detail's corrections where there are any."""
    from pathlib import Path

    from .config import load_config
    from .stages.detail import load_detailed
    from .stages.vae import load_codec

    config, runs = load_config(name), Path(folder)
    if (runs / 'detail' / 'checkpoint.pt').exists():
        return load_detailed(config, runs)
    encoder, decoder = load_codec(config, runs)
    return lambda a: decoder(encoder(a.float())[0])


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--data', required=True)
    p.add_argument('--weights', action='append', default=[])
    p.add_argument('--runs', action='append', default=[], nargs=2, metavar=('CONFIG', 'FOLDER'))
    p.add_argument('--clips', type=int, default=8)
    p.add_argument(
        '--stereo', action='store_true', help='stereo codecs: the clips are the stereo renderings, what is measured is their mid'
    )
    p.add_argument('--json', help='also write the table here')
    p.add_argument('--no-floor', action='store_true', help='leave out the row of noise')
    a = p.parse_args()
    torch.set_num_threads(1)
    from .data.shards import read_split
    from .evaluation.prompts import spread

    audio, rows, rate = read_split(a.data, 'heldout', stereo=a.stereo)
    clips = torch.from_numpy(audio[spread(rows, a.clips)][..., rate : 11 * rate].astype(np.float32) / 32768)
    codecs = {**{f: exported(f) for f in a.weights}, **{f: trained(c, f) for c, f in a.runs}}
    table = codec_table(codecs, clips, rate, floor=not a.no_floor)
    if a.json:
        with open(a.json, 'w') as f:
            json.dump({'clips': len(clips), 'rows': table}, f, indent=1)


if __name__ == '__main__':
    main()
