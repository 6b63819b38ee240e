"""Measures the clips of guidance_sweep.ts: pulse, tempo, key, drums and loudness at every scale of language-model guidance, in one table.

    python tools/guidance_sweep.py FOLDER [--prompts tools/guidance_prompts.json]

Own measures: pulse clarity, tempo and key of `melody_train.measures`. Independent of this project: librosa's tempogram (tempo, and its
strongest
lag as pulse) and essentia's KeyExtractor with the profile edma (pip install librosa essentia); without essentia its columns are empty.
Only prompts that have a clip at every scale and seed found for them count, so that scales are compared on the same pieces.
"""

import argparse
import json
import re
import sys
from pathlib import Path

import numpy as np
from scipy.io import wavfile

sys.path.insert(0, str(Path(__file__).parent / 'train'))
from melody_train import measures as own  # noqa: E402
from melody_train.words import key_name  # noqa: E402

try:
    import essentia
    import essentia.standard as es

    essentia.log.infoActive = essentia.log.warningActive = False
except ImportError:
    es = None


def agrees(heard, asked, folded=False):
    """Within 4 % of the tempo asked; folded: or of its half or double."""
    return any(heard > 0 and abs(heard / (asked * k) - 1) <= 0.04 for k in ((0.5, 1, 2) if folded else (1,)))


def independent(x, rate):
    """-> (bpm, pulse 0 ... 1) by librosa's onset strength and tempogram."""
    import librosa

    strength = librosa.onset.onset_strength(y=x.astype(np.float32), sr=rate, hop_length=240)
    frames = rate / 240
    auto = librosa.autocorrelate(strength - strength.mean(), max_size=int(frames * 2))
    lags = np.arange(int(frames * 60 / 220), len(auto))  # from 220 bpm down to 30
    best = lags[auto[lags].argmax()]
    bpm = float(np.atleast_1d(librosa.feature.tempo(onset_envelope=strength, sr=rate, hop_length=240))[0])
    return bpm, float(auto[best] / auto[0])


def measure(path, asked):
    rate, x = wavfile.read(path)
    x = x.astype(np.float64) / 32768
    bpm, clarity = own.tempo(x)[:2]
    tonic, mode = own.key(x)[:2]
    other_bpm, other_pulse = independent(x, rate)
    out = {
        'pulse': clarity,
        'tempo': agrees(bpm, asked['tempo']),
        'tempo folded': agrees(bpm, asked['tempo'], True),
        'key': key_name(tonic + 12 * (mode == 'minor')) == asked['key'],
        'librosa pulse': other_pulse,
        'librosa tempo folded': agrees(other_bpm, asked['tempo'], True),
    }
    if es:
        resampled = es.Resample(inputSampleRate=rate, outputSampleRate=44100)(x.astype(np.float32))
        letter, scale, _ = es.KeyExtractor(profileType='edma')(resampled)
        sharp = {'C#': 'C#', 'Db': 'C#', 'D#': 'Eb', 'G#': 'Ab', 'A#': 'Bb', 'Gb': 'F#'}
        heard = f'{sharp.get(letter, letter)} {scale}'
        relative = key_name((tonic_of(heard) + (9 if heard.endswith('major') else 3)) % 12 + 12 * heard.endswith('major'))
        out.update({'essentia key': heard == asked['key'], 'essentia key or relative': asked['key'] in (heard, relative)})
    return out


def tonic_of(key):
    return [key_name(k).split()[0] for k in range(12)].index(key.split()[0])


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('folder')
    p.add_argument('--prompts', default=str(Path(__file__).parent / 'guidance_prompts.json'))
    a = p.parse_args()
    asked = json.loads(Path(a.prompts).read_text(encoding='utf-8'))
    clips = {}
    for path in Path(a.folder).glob('*.wav'):
        prompt, seed, scale = re.fullmatch(r'(\d+)-(\d+)-([\d.]+)\.wav', path.name).groups()
        clips.setdefault((int(prompt), int(seed)), {})[float(scale)] = path
    scales = sorted({s for at in clips.values() for s in at})
    whole = sorted(piece for piece, at in clips.items() if len(at) == len(scales))
    print(f'{len(whole)} pieces (prompt and seed) at {len(scales)} scales; {len({p for p, _ in whole})} prompts')
    found = {piece: {s: measure(clips[piece][s], asked[piece[0]]) for s in scales} for piece in whole}
    names = list(next(iter(found.values()))[scales[0]])
    print('| guidance | ' + ' | '.join(names) + ' |\n' + '| --- ' * (len(names) + 1) + '|')
    for s in scales:
        print(f'| {s:g} | ' + ' | '.join(f'{np.mean([found[piece][s][n] for piece in whole]):.2f}' for n in names) + ' |')
    last = scales[-1]
    for n in ('pulse', 'librosa pulse'):  # paired: more of a piece's own difference than of the pieces'
        for s in scales[:-1]:
            d = np.array([found[piece][s][n] - found[piece][last][n] for piece in whole])
            print(
                f'{n}, {s:g} against {last:g}: {d.mean():+.3f} ± {d.std(ddof=1) / np.sqrt(len(d)):.3f} (standard error), better in {(d > 0).sum()} of {len(d)}'  # noqa: E501
            )


if __name__ == '__main__':
    main()
