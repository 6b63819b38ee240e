"""Evaluate an exported model: python -m melody_train.evaluate --weights weights/melody-small --data data/small --probes runs/small/probes

Writes evaluation.json and pictures/ into the weights folder (or --out). Parts can be run alone with --only; their results are merged into
an existing evaluation.json. Probes are trained on real clips when their file is not there (about 10 minutes on one core).
Everything is seeded; --clips sets how many held-out pieces each part uses.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time

os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')
os.environ.setdefault('GOMP_SPINCOUNT', '0')

import numpy as np
import torch

from .data.shards import read_split
from .evaluation import charts, language, parts, sound, whole
from .evaluation.prompts import spread
from .evaluation.system import System
from .features import PARTS as PARTS_WIDTHS
from .probes import FRAMES, ClipProbe, clip_scores, load_parts, parts_of, train_clip_probe

PARTS = ('probes', 'reconstruction', 'codec', 'tokens', 'language', 'diffusion', 'whole', 'diversity', 'pictures')
START = 24000  # windows begin one second into a clip: a token border


def floats(audio: np.ndarray, start: int, seconds: float, rate: int = 24000) -> torch.Tensor:
    return torch.from_numpy(audio[..., start : start + round(seconds * rate)].astype(np.float32) / 32768)


def parts_cache(path: str, audio: np.ndarray) -> torch.Tensor:
    """Spectral parts of whole clips, float16, computed once."""
    if not os.path.exists(path):
        made = torch.cat([parts_of(torch.from_numpy(audio[i : i + 4].astype(np.float32) / 32768)).half() for i in range(0, len(audio), 4)])
        np.save(path, made.numpy())
    return torch.from_numpy(np.load(path))


def clip_probe(a, train: tuple, held_parts: torch.Tensor, held_rows: list) -> tuple:
    """(probe, its ceilings on real held-out clips)."""

    def ceilings(probe):
        with torch.no_grad():
            logits = [
                torch.cat(x) for x in zip(*(probe(held_parts[:, s : s + FRAMES].float()) for s in (25, held_parts.shape[1] - FRAMES)))
            ]
        return clip_scores(tuple(logits), [r['attributes'] for r in held_rows] * 2)

    path = os.path.join(a.probes, 'clip.pt')
    if not os.path.exists(path):
        p, rows = train
        print(f'training the clip probe on {len(rows)} real clips', flush=True)
        torch.save(train_clip_probe(p, rows, a.probe_steps, check=ceilings).state_dict(), path)
    probe = ClipProbe()
    probe.load_state_dict(torch.load(path, map_location='cpu'))
    return probe.eval(), {k: round(v, 4) for k, v in ceilings(probe.eval()).items()}


def token_probe(a, system: System, train_parts: torch.Tensor, train_rows: list) -> ClipProbe:
    """A clip probe that hears what tokens stand for (their centroids); it belongs to this model's tokeniser."""
    path = os.path.join(a.probes, 'tokens.pt')
    if not os.path.exists(path):
        features = torch.cat([system.semantic.features.join(*p.float().split(PARTS_WIDTHS, -1)).half() for p in train_parts.split(64)])
        quantise = lambda x: system.semantic.centroids[system.true_ids(x)]
        torch.save(train_clip_probe(features, train_rows, a.probe_steps // 2, quantise=quantise).state_dict(), path)
    probe = ClipProbe(inputs=len(system.semantic.centroids[0]))
    probe.load_state_dict(torch.load(path, map_location='cpu'))
    return probe.eval()


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--weights', required=True)
    p.add_argument('--data', required=True)
    p.add_argument('--probes', required=True, help='folder for the probes and caches')
    p.add_argument('--extra', help='a --parts-only data set: more real clips for the probes')
    p.add_argument('--out', help='default: the weights folder')
    p.add_argument('--prompts', default=os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'prompts.json'))
    p.add_argument('--clips', type=int, default=96)
    p.add_argument('--probe-steps', type=int, default=2500)
    p.add_argument('--only', nargs='+', choices=PARTS, default=PARTS)
    p.add_argument('--threads', type=int, default=1)
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    a.out = a.out or a.weights
    os.makedirs(os.path.join(a.out, 'pictures'), exist_ok=True)
    os.makedirs(a.probes, exist_ok=True)
    target = os.path.join(a.out, 'evaluation.json')
    report = {}
    system = System(a.weights)
    with open(a.prompts) as f:
        prompts = json.load(f)['prompts']
    held, held_rows, _ = read_split(a.data, 'heldout')
    train, train_rows, _ = read_split(a.data, 'train')
    chosen = spread(held_rows, a.clips)
    seconds = system.config['window_seconds']
    window = lambda clips, start=START: floats(clips, start, seconds)
    rows, audio = [held_rows[i] for i in chosen], window(held[chosen])
    originals = audio
    if system.channels == 2:
        stereo, _, rate = read_split(a.data, 'heldout', stereo=True)
        originals = floats(stereo[chosen], START * rate // 24000, seconds, rate)
    held_parts = parts_cache(os.path.join(a.probes, 'heldout_parts.npy'), held)
    listening = {'probes', 'tokens', 'language'} & set(a.only) or (
        {'whole', 'pictures'} & set(a.only) and not os.path.exists(os.path.join(a.probes, 'clip.pt'))
    )
    train_parts, heard_rows = None, train_rows
    if listening:
        train_parts = parts_cache(os.path.join(a.probes, 'train_parts.npy'), train)
        if a.extra:
            more, extra_rows = load_parts(a.extra)
            train_parts, heard_rows = torch.cat([train_parts, more]), train_rows + extra_rows
    how = {
        'model': system.config['name'],
        'sampling': system.config['sampling'],
        'heldout_clips': len(held_rows),
        'training_clips': len(train_rows),
        'seconds_a_clip': seconds,
        'clips_used': len(rows),
        'torch': torch.__version__,
        'machine': platform.machine(),
        'threads': a.threads,
        'date': time.strftime('%Y-%m-%d'),
    }

    def keep(name, result):
        if os.path.exists(target):  # another process may have added its parts meanwhile
            with open(target) as f:
                report.update(json.load(f))
        report['how'], report[name] = how, result
        with open(target + '.part', 'w') as f:
            json.dump(report, f, indent=1, ensure_ascii=False)
        os.replace(target + '.part', target)
        print(f'{name}: done in {time.time() - started:.0f} s', flush=True)

    started = time.time()
    probe = None
    if {'probes', 'whole', 'pictures'} & set(a.only):
        probe, ceilings = clip_probe(a, (train_parts, heard_rows), held_parts, held_rows)
        if 'probes' in a.only:
            keep('probes', {'clips': len(heard_rows), 'ceilings_on_real_heldout_clips': ceilings, 'windows': 2 * len(held_rows)})
    if 'reconstruction' in a.only:
        keep('reconstruction', parts.reconstruction(system, audio[:48], originals[:48]))
        print(report['reconstruction']['vae'], flush=True)
    if 'codec' in a.only:
        keep('codec', sound.codec(system, originals[:24]))
    if 'tokens' in a.only:
        keep('tokens', parts.tokens(system, train_parts, heard_rows, held_parts, held_rows, 700))
        print(report['tokens'], flush=True)
    if 'language' in a.only:
        keep('language', language.language(system, token_probe(a, system, train_parts, heard_rows), rows, system.features(audio)))
    if 'diffusion' in a.only:
        keep('diffusion', parts.diffusion(system, audio[:24], originals[:24]))
    if {'whole', 'diversity'} & set(a.only):
        reference = torch.cat([window(held), window(held, held.shape[1] - seconds * 24000)])
        spaces = whole.Spaces(system, reference)
    if 'whole' in a.only:
        step = max(1, len(train) // len(rows))
        result, made, texts = whole.from_text(system, probe, rows, audio, originals, spaces, window(train[::step][: len(rows)]))
        result['prompts'] = texts
        result['seams'] = whole.seams(system, system.true_ids(system.features(audio[:8])), audio[:8])
        keep('whole', result)
    if 'diversity' in a.only:
        keep('diversity', whole.diversity(system, prompts, 4, spaces))
    if 'pictures' in a.only:
        heard = []
        for i, prompt in enumerate(prompts):
            clip = system.text_to_audio([prompt['text']], prompt['seed'])
            found = whole.listen(
                probe,
                clip,
                [
                    {
                        k: v
                        for k, v in ({**prompt, 'instrument_classes': prompt.get('instruments', [])}).items()
                        if k in ('style', 'tempo', 'tonic', 'mode', 'instrument_classes')
                    }
                ],
            )
            heard.append(
                {
                    **prompt,
                    'measured_tempo': round(whole.m.tempo(clip[0].numpy())[0], 1),
                    'measured_key': list(whole.m.key(clip[0].numpy())[:2]),
                    'scores': found,
                    **whole.health(clip, system),
                }
            )
            name = f'{i + 1}_{prompt["text"].split(",")[0].replace(" ", "_")[:40]}.png'
            charts.spectrogram(os.path.join(a.out, 'pictures', name), clip[0].numpy(), f'"{prompt["text"]}" (seed {prompt["seed"]})')
            if os.environ.get('MELODY_KEEP_WAV'):
                from scipy.io import wavfile

                wavfile.write(
                    os.path.join(os.environ['MELODY_KEEP_WAV'], name[:-4] + '.wav'), system.rate, (clip[0].numpy() * 32767).astype(np.int16)
                )
        keep('fixed_prompts', heard)
    if os.path.exists(target):
        with open(target) as f:
            report.update(json.load(f))
    print('charts:', ', '.join(charts.charts(os.path.join(a.out, 'pictures'), report)))


if __name__ == '__main__':
    main()
