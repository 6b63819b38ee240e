"""Measures against signals whose answer is known; probes and scores on labels made by hand."""

import os
import sys
import unittest

import numpy as np
import torch

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from melody_train import features, probes  # noqa: E402
from melody_train import measures as m
from melody_train.data.instruments import CLASSES  # noqa: E402
from melody_train.evaluation import parts, prompts, whole  # noqa: E402

RATE = 24000
T10 = np.arange(10 * RATE) / RATE


def clicks(bpm, seconds=10.0, level=0.8):
    x = np.random.default_rng(0).normal(0, 1e-4, round(seconds * RATE))
    burst = np.random.default_rng(1).normal(0, 1, 1200) * np.exp(-np.arange(1200) / 200) * level * 0.3
    for k in range(int(seconds * bpm / 60)):
        at = round(k * 60 / bpm * RATE)
        x[at : at + 1200] += burst[: len(x) - at]
    return x


def chord(pitches, seconds=10.0):
    t = np.arange(round(seconds * RATE)) / RATE
    return sum(0.05 / h * np.sin(2 * np.pi * h * 440 * 2 ** ((p - 69) / 12) * t) for p in pitches for h in (1, 2, 3))


class Rhythm(unittest.TestCase):
    def test_tempo_of_clicks(self):
        for bpm in (63, 84, 97, 120, 138, 150, 174):
            measured, clear = m.tempo(clicks(bpm))
            self.assertTrue(m.tempo_agrees(measured, bpm, folded=True, tolerance=0.01), (bpm, measured))
            self.assertGreater(clear, 0.8)
        self.assertEqual(m.tempo(np.zeros(240000)), (0.0, 0.0))
        self.assertLess(m.tempo(np.random.default_rng(2).normal(0, 0.1, 240000))[1], 0.3)

    def test_agreement(self):
        self.assertTrue(m.tempo_agrees(124.7, 120))
        self.assertFalse(m.tempo_agrees(125, 120))
        self.assertFalse(m.tempo_agrees(60, 120))
        self.assertTrue(m.tempo_agrees(60, 120, folded=True))
        self.assertFalse(m.tempo_agrees(80, 120, folded=True))

    def test_onset_f1(self):
        a = clicks(120)
        self.assertEqual(m.onset_f1(a, a), 1.0)
        self.assertGreater(m.onset_f1(np.roll(a, 240), a), 0.97)  # 10 ms late
        self.assertLess(m.onset_f1(np.roll(a, 4800), a), 0.1)  # 200 ms late
        self.assertLess(m.onset_f1(np.zeros(240000), a), 0.01)


class Pitch(unittest.TestCase):
    def test_key_of_cadences(self):
        for tonic in (0, 5, 9):
            x = np.concatenate([chord([48 + tonic + d for d in c], 2.5) for c in ((0, 4, 7), (5, 9, 12), (7, 11, 14), (0, 4, 7))])
            self.assertEqual(m.key(x)[:2], (tonic, 'major'))
            x = np.concatenate([chord([48 + tonic + d for d in c], 2.5) for c in ((0, 3, 7), (5, 8, 12), (7, 11, 14), (0, 3, 7))])
            self.assertEqual(m.key(x)[:2], (tonic, 'minor'))

    def test_chroma_cosine(self):
        c, f_sharp = chord((60, 64, 67), 2), chord((66, 70, 73), 2)
        self.assertAlmostEqual(m.chroma_cosine(c, c), 1.0, places=6)
        self.assertLess(m.chroma_cosine(c, f_sharp), 0.3)


class Pairs(unittest.TestCase):
    def test_si_sdr(self):
        x, noise = np.sin(2 * np.pi * 440 * T10), np.random.default_rng(3).normal(0, 1, 240000)
        noise -= (noise @ x) / (x @ x) * x
        self.assertAlmostEqual(m.si_sdr(3 * x + 0.1 * 3 * noise * np.linalg.norm(x) / np.linalg.norm(noise), x), 20.0, delta=0.01)

    def test_distances_are_zero_on_equals_and_grow(self):
        x = chord((60, 64, 67), 2)
        louder = 2 * x
        for f in (m.log_mel_distance, m.multi_resolution_stft):
            self.assertEqual(f(x, x), 0.0)
            self.assertGreater(f(louder, x), 0.1)

    def test_shaped_noise_keeps_level_and_loses_the_beat(self):
        x = clicks(120)
        y = m.shaped_noise(x)
        self.assertAlmostEqual(y.std(), x.std(), places=6)
        self.assertLess(m.tempo(y)[1], 0.3)


class Health(unittest.TestCase):
    def test_loudness_reference_points(self):
        self.assertAlmostEqual(m.loudness(np.sin(2 * np.pi * 997 * T10)), -3.01, delta=0.05)
        self.assertAlmostEqual(m.loudness(0.1 * np.sin(2 * np.pi * 997 * T10)), -23.01, delta=0.05)
        self.assertEqual(m.loudness(np.zeros(48000)), -70.0)
        (b, a), _ = m.k_weighting(48000)
        np.testing.assert_allclose(b, [1.53512485958697, -2.69169618940638, 1.19839281085285], atol=1e-9)
        np.testing.assert_allclose(a, [1, -1.69065929318241, 0.73248077421585], atol=1e-9)

    def test_faults_are_found(self):
        x = 0.2 * np.sin(2 * np.pi * 440 * T10)
        clean = m.health(x)
        self.assertEqual((clean['clipping'], clean['non_finite'], clean['silence']), (0.0, 0, 0.0))
        self.assertLess(clean['dc'], 1e-4)
        self.assertAlmostEqual(m.health(x + 0.01)['dc'], 0.01, places=4)
        gap = x.copy()
        gap[:24000] = 0
        self.assertAlmostEqual(m.health(gap)['silence'], 0.1, places=2)
        self.assertGreater(m.health(np.clip(10 * x, -1, 1))['clipping'], 0.3)
        comb = x + np.random.default_rng(4).normal(0, 0.01, 240000)
        comb[::480] += 0.3
        self.assertGreater(m.hop_buzz(comb, 480), 0.3)
        self.assertLess(abs(m.hop_buzz(np.random.default_rng(5).normal(0, 0.1, 240000), 480)), 0.05)

    def test_seam(self):
        x = 0.2 * np.sin(2 * np.pi * 440 * T10)
        cut = x.copy()
        cut[120000:] = 0.2 * np.sin(2 * np.pi * 440 * T10[120000:] + 2.0)
        self.assertGreater(m.seam(cut, 120000), 3)
        self.assertLess(m.seam(x, 120000), 1.05)


class Frechet(unittest.TestCase):
    def test_known_values(self):
        rng = np.random.default_rng(6)
        a = rng.normal(0, 1, (4000, 3))
        self.assertAlmostEqual(m.frechet(a, a), 0.0, places=8)
        self.assertAlmostEqual(m.frechet(a, a + np.array([3.0, 0, 4.0])), 25.0, places=6)
        one = rng.normal(0, 1, (200000, 1))
        both = np.concatenate([one, rng.normal(0, 1, (200000, 1))], 1)
        self.assertAlmostEqual(m.frechet(both * [3.0, 1.0], both, shrink=0), 4.0, delta=0.05)  # (3 − 1)² for the first axis

    def test_descriptor_is_finite_and_tells_clicks_from_chords(self):
        a, b, c = m.descriptor(clicks(120)), m.descriptor(chord((60, 64, 67))), m.descriptor(np.zeros(240000))
        self.assertEqual(a.shape, (64,))
        self.assertTrue(np.isfinite(np.stack([a, b, c])).all())
        self.assertGreater(np.abs(a - b).max(), 1.0)

    def test_share_of_the_way(self):
        self.assertEqual(whole.towards_noise({'x': 3.0}, {'x': 1.0}, {'x': 9.0}), {'x': 0.25})


class Features(unittest.TestCase):
    def test_shape_pitch_and_rotation(self):
        f = features.fit_mel_pca([torch.from_numpy(np.stack([chord((60, 64, 67), 2), clicks(120, 2.0)])).float()])
        audio = torch.from_numpy(np.stack([chord((p,), 1.0) for p in (60, 67)])).float()
        y = f(audio)
        self.assertEqual(tuple(y.shape), (2, 25, 40))
        self.assertEqual(y[:, 12, :12].argmax(-1).tolist(), [0, 7])
        self.assertEqual(features.rotate_keys(y, 2)[0, 12, :12].argmax().item(), 2)
        torch.testing.assert_close(features.rotate_keys(y, 12), y)
        low = f(torch.from_numpy(np.stack([chord((40,), 1.0)])).float())
        self.assertEqual(low[0, 12, 12:24].argmax().item(), 4)

    def test_onsets_fall_in_their_frame_and_silence_is_finite(self):
        f = features.SemanticFeatures()
        x = torch.zeros(1, 24000)
        x[0, 12800:13300] = torch.randn(500) * 0.3
        onset = f(x)[0, :, features.ONSET].sum(-1)
        self.assertEqual(onset.argmax().item(), 12800 // 960)
        self.assertTrue(torch.isfinite(f(torch.zeros(1, 24000))).all())
        with self.assertRaisesRegex(ValueError, '960'):
            f(torch.zeros(1, 100))

    def test_fit_gives_each_group_its_share(self):
        audio = torch.from_numpy(
            np.stack([clicks(bpm, 4.0) + chord((p, p + 4, p + 7), 4.0) for bpm, p in ((90, 50), (120, 57), (150, 62))])
        ).float()
        f = features.fit_mel_pca([audio])
        y = f(audio).reshape(-1, 40)
        self.assertAlmostEqual(y[:, features.TIMBRE].var(0, unbiased=False).sum().item(), features.GROUP_VARIANCE['timbre'], delta=0.05)
        self.assertAlmostEqual(y[:, features.ENERGY].var().item(), features.GROUP_VARIANCE['energy'], delta=0.05)


class Probes(unittest.TestCase):
    ROW = {
        'id': 'x',
        'attributes': {
            'style': 'trance',
            'tempo': 138.0,
            'key': 'A minor',
            'tonic': 9,
            'mode': 'minor',
            'moods': ['dark'],
            'programs': [81, 38],
            'instrument_classes': ['synth bass', 'synth lead'],
        },
        'beats': [0.0, 0.5, 1.0, 1.5],
        'chords': [[0.0, 1.0, 9, 'min', 'm'], [1.0, 2.0, 5, 'maj', ''], [2.0, 2.4, 5, 'dim', 'dim']],
    }

    def test_frame_labels(self):
        chord_of, beat = probes.frame_labels(self.ROW, 60)
        self.assertEqual((chord_of[3].item(), chord_of[30].item(), chord_of[55].item()), (9 + 12, 5, -1))
        self.assertEqual(beat.nonzero()[:, 0].tolist(), [0, 12, 25, 37])
        moved = parts.shift(self.ROW, 1.0)
        self.assertEqual((moved['beats'], moved['chords'][0][:3]), ([0.0, 0.5], [0.0, 1.0, 5]))

    def test_scores(self):
        style = torch.full((2, len(probes.STYLE_NAMES)), -5.0)
        style[0, probes.STYLE_NAMES.index('trance')] = 5
        style[1, probes.STYLE_NAMES.index('techno')] = 5
        style[1, probes.STYLE_NAMES.index('trance')] = 4
        key = torch.zeros(2, 24)
        key[0, 9 + 12], key[1, 0] = 5, 5
        instruments = torch.full((2, len(CLASSES)), -5.0)
        instruments[:, CLASSES.index('synth bass')] = 5
        s = probes.clip_scores((style, key, instruments), [self.ROW['attributes']] * 2)
        self.assertEqual(
            (s['style_top1'], s['style_top3'], s['family_top1'], s['key'], s['key_or_relative'], s['instrument_recall']),
            (0.5, 1.0, 1.0, 0.5, 1.0, 0.5),
        )

    def test_a_probe_learns_from_few_clips(self):
        torch.manual_seed(0)
        rows = [{**self.ROW, 'attributes': {**self.ROW['attributes'], 'instrument_classes': [c]}} for c in ('piano', 'drums')] * 4
        ids = torch.randint(0, 8, (8, 300))
        ids[1::2] += 8
        probe = probes.train_frame_probe(ids, rows, 16, steps=60, batch=4)
        self.assertEqual(probes.frame_scores(probe, ids[:, :250], rows)['instrument_f1'], 1.0)

    def test_prompts_say_what_they_are_scored_for(self):
        for i in range(20):
            text, asked = prompts.detailed({**self.ROW, 'id': str(i)})
            for word in ('trance', 'A minor', '138'):
                self.assertIn(word, text)
            self.assertEqual(
                asked, {'style': 'trance', 'tempo': 138.0, 'tonic': 9, 'mode': 'minor', 'instrument_classes': ['synth bass', 'synth lead']}
            )
        rows = [{'attributes': {'style': s}} for s in 'aaabbc']
        self.assertEqual(prompts.spread(rows, 4), [0, 3, 5, 1])


if __name__ == '__main__':
    unittest.main()
