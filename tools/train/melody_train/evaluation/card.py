"""evaluation.json → the Markdown of the model card's section on quality: python -m melody_train.evaluation.card weights/melody-small"""

from __future__ import annotations

import json
import os
import sys


def percent(x: float) -> str:
    return f'{100 * x:.0f} %'


def table(head: list, rows: list) -> str:
    line = lambda cells: '| ' + ' | '.join(str(c) for c in cells) + ' |'
    return '\n'.join([line(head), line(['---'] * len(head)), *map(line, rows)])


def section(report: dict) -> str:
    """Every number comes from the report; a part that was not run is not mentioned."""
    how, out = report['how'], []
    out.append(
        f'Measured on {how["clips_used"]} held-out pieces and prompts of 10 s (other seeds, wordings not used in training), '
        f'{how["sampling"]["steps"]} diffusion steps, guidance {how["sampling"]["guidance"]}. All numbers: [evaluation.json](evaluation.json).'  # noqa: E501
    )
    if 'whole' in report:
        stages, f = report['whole']['replaced by truth'], report['whole']['frechet']
        fields = (
            ('tempo within 4 %', 'tempo_strict'),
            ('… or an octave of it', 'tempo_folded'),
            ('key and mode', 'key'),
            ('… or its relative', 'key_or_relative'),
            ('mode', 'mode'),
            ('asked instruments heard', 'instrument_recall'),
            ('style of 81, first guess', 'style_top1'),
            ('style among three guesses', 'style_top3'),
            ('style family of 21', 'family_top1'),
        )
        clips = report.get('probes', {}).get('clips')
        of_clips = f' ({clips} of them)' if clips else ''
        out.append(
            f'**Asked and heard.** Listeners (probes) trained on real clips{of_clips} only judge each clip. Reading a row from left to right, more and more of the system is replaced by '  # noqa: E501
            'the truth; the last column is what the listeners score on real music, so no system can be expected to pass it.'
        )
        out.append(table(['', *stages], [[label, *(percent(s[k]) for s in stages.values())] for label, k in fields]))
        white, shaped, floor = (f[k] for k in ('white noise', 'noise with the spectrum of each clip', 'floor (real training clips)'))
        out.append(
            "**Fréchet distance** to held-out pieces (lower is better), in the audio tower's space and in that of 64 hand-made descriptors."
        )
        out.append(
            table(
                ['', 'tower', 'descriptors'],
                [
                    ['real training clips (floor)', floor['tower'], floor['descriptor']],
                    *([n, s['frechet']['tower'], s['frechet']['descriptor']] for n, s in stages.items() if n != 'real music'),
                    ["noise with each clip's spectrum", shaped['tower'], shaped['descriptor']],
                    ['white noise (ceiling)', white['tower'], white['descriptor']],
                ],
            )
        )
        way, steep = (stages['text to music'][k] for k in ('share_of_way_to_noise', 'share_of_way_to_shaped_noise'))
        out.append(
            f'On the way from floor to white noise the system stands at {percent(way["tower"])} (tower) and {percent(way["descriptor"])} (descriptors); '  # noqa: E501
            f"to noise with each clip's spectrum at {percent(steep['tower'])} and {percent(steep['descriptor'])}."
        )
        h, r, s = report['whole']['health'], report['whole']['health_real'], report['whole']['seams']
        names = (
            ('loudness, LUFS', 'loudness'),
            ('crest factor, dB', 'crest_db'),
            ('clipped samples', 'clipping'),
            ('silent frames', 'silence'),
            ('DC', 'dc'),
            ('buzz at the frame rate', 'hop_buzz'),
        )
        out.append(
            '**Health.** '
            + f'A chunk join scores {s["join"]} where other places of the same clips score {s["elsewhere"]} and real music {s["real"]} (≤ 1 is unremarkable).'  # noqa: E501
        )
        out.append(table(['', 'generated', 'real'], [[label, f'{h[k]:.4g}', f'{r[k]:.4g}'] for label, k in names]))
    out += sound_tables(report)
    if 'reconstruction' in report:
        v, n, w = (report['reconstruction'][k] for k in ('vae', 'shaped_noise', 'wrong_clip'))
        out.append("**VAE-GAN reconstruction.** It does not keep the wave's phase, so SI-SDR is low by design.")
        out.append(
            table(
                ['', 'reconstruction', 'noise of the same spectrum', 'another clip'], [[k.replace('_', ' '), v[k], n[k], w[k]] for k in v]
            )
        )
    if 'tokens' in report:
        t = report['tokens']
        out.append(f'**Tokens.** {t["words_used"]} of {t["words"]} words used. What a probe reads from them:')
        out.append(
            table(
                ['', 'tokens', 'features before quantising'],
                [
                    [k.replace('_', ' '), percent(t['tokens'][k]), percent(t['features'][k])]
                    for k in ('chord_accuracy', 'beat_f1', 'instrument_f1')
                ],
            )
        )
    if 'language' in report:
        rows, fields = (
            report['language'],
            ('style_top3', 'family_top1', 'key', 'mode', 'tempo_strict', 'tempo_folded', 'pulse_clarity', 'repeats'),
        )
        out.append(
            '**Language model alone**: its tokens judged by a probe trained on the tokens of real clips (pulse clarity and repeats are shares of 1).'  # noqa: E501
        )
        out.append(table(['', *(f.replace('_', ' ') for f in fields)], [[n, *(f'{s[f]:.2f}' for f in fields)] for n, s in rows.items()]))
    if 'diffusion' in report:
        d = report['diffusion']
        e = d['velocity_mse']
        out.append(
            f'**Diffusion from true tokens.** Velocity error {e["right_tokens"]} (wrong tokens {e["wrong_tokens"]}, best linear filter {e["best_linear_without_tokens"]}, zero {e["zero_velocity"]}).'  # noqa: E501
        )
        rows = {**d['samples'], 'VAE alone (ceiling)': d['vae_ceiling'], 'another clip': d['wrong_clip']}
        out.append(
            table(
                ['', 'chroma cosine', 'onset F1', 'onset correlation', 'log-mel distance'],
                [[n, r['chroma_cosine'], r['onset_f1'], r['onset_correlation'], r['log_mel']] for n, r in rows.items()],
            )
        )
    if 'diversity' in report:
        d = report['diversity']
        out.append(
            f'**Variety.** Mean descriptor distance between seeds of one prompt {d["across_seeds"]}, between prompts {d["across_prompts"]}, between real clips {d["real_clips"]}.'  # noqa: E501
        )
    if 'fixed_prompts' in report:
        mark = lambda s: ', '.join(
            f'{k.replace("_", " ")} {"yes" if v == 1 else "no" if v == 0 else v}'
            for k, v in s.items()
            if k in ('style_top1', 'style_top3', 'tempo_strict', 'tempo_folded', 'key', 'mode', 'instrument_recall')
        )
        out.append('**The eight fixed prompts** (pictures/):')
        out.append(
            table(
                ['prompt', 'measured tempo', 'measured key', 'heard by the probes'],
                [
                    [p['text'], p['measured_tempo'], f'{KEYS[p["measured_key"][0]]} {p["measured_key"][1]}', mark(p['scores'])]
                    for p in report['fixed_prompts']
                ],
            )
        )
    return '\n\n'.join(out) + '\n'


SOUND = (
    ('tones on multiples of the frame rate, % (chance 4)', 'lattice', 100, 1),
    ("distance from the clip's own semitones, cents", 'cents', 1, 1),
    ('tones within 15 cents of a semitone, %', 'in_tune', 100, 0),
    ('ripple within a frame, 1-2 kHz, dB', 'ripple', 1, 2),
    ('buzz at the frame rate, dB', 'buzz', 1, 1),
    ('buzz at twice that, dB', 'buzz_twice', 1, 1),
    ('partials over valleys, 0.2-1 kHz, dB', 'haze_low', 1, 1),
    ('… 1-4 kHz', 'haze_middle', 1, 1),
    ('… 4-10 kHz (whistling cymbals: high)', 'haze_high', 1, 1),
    ('attack, median, ms', 'attack', 1, 1),
    ('attack, fastest quarter, ms', 'attack_fast', 1, 1),
    ('pulse clarity', 'pulse', 1, 2),
    ('energy below 250 Hz, dB', 'bass_db', 1, 1),
    ('drums heard where the piece has them, %', 'drums_where_wanted', 100, 0),
    ('drums heard where it has none, %', 'drums_where_unwanted', 100, 0),
    ('loudness, LUFS', 'loudness', 1, 1),
    ('… lowest', 'loudness_lowest', 1, 1),
    ('… highest', 'loudness_highest', 1, 1),
)
KEPT = (
    ('tones kept, 60-3000 Hz, %', 'kept', 100, 0),
    ('… below 260 Hz', 'kept_bass', 100, 0),
    ('… 260-1000 Hz', 'kept_middle', 100, 0),
    ('tones that the source has, %', 'true', 100, 0),
    ('notes kept, F1 (basic-pitch)', 'notes', 1, 2),
    ('… below 165 Hz', 'notes_bass', 1, 2),
    ('onsets kept, F1', 'onset_f1', 1, 3),
    ('log-mel distance, nats', 'log_mel', 1, 3),
)


def sound_tables(report: dict) -> list:
    """The tables of tuning, buzz and attacks, of whole clips and of the codec alone, where they were measured."""

    def rows(fields, columns):
        cell = lambda c, k, scale, digits: '–' if c.get(k) is None else f'{scale * c[k]:.{digits}f}'
        return [
            [label, *(cell(c, k, scale, digits) for c in columns)]
            for label, k, scale, digits in fields
            if any(c.get(k) is not None for c in columns)
        ]

    out = []
    stages = {n: s['sound'] for n, s in report.get('whole', {}).get('replaced by truth', {}).items() if 'sound' in s}
    if stages:
        columns = {**stages, 'noise of each spectrum': report['whole']['sound_of_noise']}
        out += [
            '**Sound.** Is it in tune, does the frame rate of the codec show, do notes start sharply? Medians over clips (shares: means), by `melody_train.tones` and `envelopes`; '  # noqa: E501
            '`melody eval` prints the same measures of any clip.',
            table(['', *columns], rows(SOUND, columns.values())),
        ]
    if 'codec' in report:
        columns = {
            {'source': 'held-out pieces', 'noise': 'noise of their spectrum'}.get(n, n): r for n, r in report['codec']['rows'].items()
        }
        out += [
            f'**Codec alone** on {report["codec"]["clips"]} held-out pieces: encoded and decoded.',
            table(['', *columns], rows(KEPT + SOUND, columns.values())),
        ]
    return out


KEYS = ('C', 'C#', 'D', 'Eb', 'E', 'F', 'F#', 'G', 'Ab', 'A', 'Bb', 'B')

if __name__ == '__main__':
    with open(os.path.join(sys.argv[1], 'evaluation.json')) as f:
        print(section(json.load(f)))
