"""evaluation.json → small PNG charts; clips → spectrogram pictures. Needs matplotlib."""

from __future__ import annotations

import os

import numpy as np

from .. import measures as m


def _plt():
    import matplotlib

    matplotlib.use('Agg')
    import matplotlib.pyplot as plt

    plt.rcParams.update({'font.size': 8, 'axes.spines.top': False, 'axes.spines.right': False})
    return plt


def spectrogram(path: str, audio: np.ndarray, title: str, rate: int = 24000) -> None:
    """Log-frequency spectrogram of 10 s above its onset envelope."""
    plt = _plt()
    s = m.magnitudes(audio, 2048, 512)
    edges = np.geomspace(40, 11000, 181)
    freq = np.arange(s.shape[1]) * rate / 2048
    rows = [
        s[:, max(1, np.searchsorted(freq, lo)) : max(1, np.searchsorted(freq, hi), np.searchsorted(freq, lo)) + 1].mean(1)
        for lo, hi in zip(edges[:-1], edges[1:])
    ]
    figure, (top, bottom) = plt.subplots(2, 1, figsize=(6.4, 3.4), gridspec_kw={'height_ratios': [5, 1]}, sharex=True)
    seconds = len(audio) / rate
    top.imshow(
        20 * np.log10(np.stack(rows) + 1e-4), origin='lower', aspect='auto', extent=(0, seconds, 0, 180), vmin=-60, vmax=40, cmap='magma'
    )
    ticks = [100, 300, 1000, 3000, 10000]
    top.set_yticks([np.interp(np.log(t), np.log(edges), np.arange(181)) for t in ticks])
    top.set_yticklabels([f'{t} Hz' for t in ticks])
    top.set_title(title, fontsize=8)
    e = m.onset_envelope(audio)
    bottom.plot(np.arange(len(e)) * m.ONSET_HOP / rate, e, linewidth=0.6, color='black')
    bottom.set_yticks([])
    bottom.set_xlabel('seconds')
    figure.tight_layout(pad=0.4)
    figure.savefig(path, dpi=72)
    plt.close(figure)


def _bars(axis, names, series, title):
    width = 0.8 / len(series)
    for k, (label, values) in enumerate(series.items()):
        axis.bar(np.arange(len(names)) + k * width - 0.4 + width / 2, values, width, label=label)
    axis.set_xticks(range(len(names)))
    axis.set_xticklabels(names, rotation=25, ha='right')
    axis.set_title(title, fontsize=9)
    axis.legend(fontsize=6, frameon=False)


def charts(folder: str, report: dict) -> list:
    """Writes whatever the report has material for; returns the file names."""
    plt = _plt()
    os.makedirs(folder, exist_ok=True)
    made = []

    def save(figure, name):
        figure.tight_layout(pad=0.5)
        figure.savefig(os.path.join(folder, name), dpi=80)
        plt.close(figure)
        made.append(name)

    if 'whole' in report:
        stages = report['whole']['replaced by truth']
        fields = ('tempo_strict', 'tempo_folded', 'key', 'key_or_relative', 'instrument_recall', 'style_top1', 'style_top3', 'family_top1')
        figure, axis = plt.subplots(figsize=(7.5, 3))
        _bars(axis, fields, {n: [s[f] for f in fields] for n, s in stages.items()}, 'asked and heard: each part replaced by the truth')
        axis.set_ylim(0, 1)
        save(figure, 'asked_and_heard.png')
        figure, axes = plt.subplots(1, 2, figsize=(7.5, 2.6))
        for axis, space in zip(axes, ('tower', 'descriptor')):
            rows = {**{k: v[space] for k, v in report['whole']['frechet'].items()}, **{n: s['frechet'][space] for n, s in stages.items()}}
            axis.barh(list(rows), list(rows.values()))
            axis.set_title(f'Fréchet distance, {space} space', fontsize=9)
        save(figure, 'frechet.png')
    if 'diffusion' in report:
        d = report['diffusion']
        rows = {**d['samples'], 'VAE ceiling': d['vae_ceiling'], 'wrong clip': d['wrong_clip']}
        figure, axis = plt.subplots(figsize=(7.5, 2.8))
        _bars(
            axis,
            list(rows),
            {f: [r[f] for r in rows.values()] for f in ('chroma_cosine', 'onset_f1', 'log_mel')},
            'diffusion from true tokens (log_mel: lower is better)',
        )
        save(figure, 'diffusion.png')
    if 'tokens' in report:
        t = report['tokens']
        fields = ('chord_accuracy', 'beat_f1', 'instrument_f1')
        figure, axis = plt.subplots(figsize=(4, 2.4))
        _bars(axis, fields, {n: [t[n][f] for f in fields] for n in ('tokens', 'features')}, 'what the tokens carry')
        save(figure, 'tokens.png')
    return made
