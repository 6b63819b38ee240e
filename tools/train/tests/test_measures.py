"""Tones and envelopes: signals whose answer is known, a corpus clip, what the decoder before 0.2.0 made of it, and the shipped weights."""

import json
import math
import os
import sys
import types
import unittest
from pathlib import Path

import numpy as np
import torch
from scipy.io import wavfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from melody_train import codec_report, envelopes, form, goldens_measures, measures, notes, tones  # noqa: E402
from melody_train.evaluation import card, sound  # noqa: E402
from melody_train.evaluation.system import System  # noqa: E402

ROOT = Path(__file__).resolve().parents[3]
GOLDENS = ROOT / 'test' / 'goldens'


def clip(name: str) -> np.ndarray:
    rate, x = wavfile.read(GOLDENS / name)
    assert rate == 12000
    return x / 32768


class Shared(unittest.TestCase):
    def test_goldens_are_current(self):
        """test/goldens/measures.json is what this code says; TypeScript is held to it by test/audio/measures/shared.test.ts."""
        golden = json.loads((GOLDENS / 'measures.json').read_text())['signals']
        made = goldens_measures.signals()
        self.assertEqual(set(golden), set(made))
        for name in ('music', 'snapped', 'buzz', 'noise'):
            for key, value in goldens_measures.described(made[name]).items():
                if value is None:
                    self.assertIsNone(golden[name][key], (name, key))
                else:
                    self.assertAlmostEqual(golden[name][key], value, 3, (name, key))

    def test_true_peak(self):
        t = np.arange(24000) / 24000
        between = (
            0.9 * np.minimum(1, 50 * np.minimum(t, 1 - t)) * np.sin(2 * np.pi * 6000 * t + np.pi / 4)
        )  # samples at ± 0.64, peaks between them
        self.assertLess(np.abs(between).max(), 0.64)
        self.assertAlmostEqual(measures.true_peak(between), 0.9, 2)


class Codec(unittest.TestCase):
    def test_the_old_decoder_fails_and_the_corpus_passes(self):
        source, decoded = clip('corpus_clip.wav'), clip('decoded_2026_11.wav')
        for x, passes in ((source, True), (decoded, False)):
            tuned = tones.tuning(x, 12000)
            self.assertEqual(tones.lattice_share(x, 12000) < 0.1, passes)
            self.assertEqual(tuned['cents'] < 10, passes)
            self.assertEqual(tuned['in_tune'] > 0.6, passes)
            self.assertEqual(envelopes.ripple(x, 12000) < 1, passes)
            self.assertEqual(max(envelopes.modulation(x, 12000)) < 3.5, passes)
            self.assertEqual(tones.lines_kept(x, source, 12000)['bass'] > 0.4, passes)

    @torch.no_grad()
    def test_the_shipped_weights_are_in_tune(self):
        """Encode and decode 4.5 s of a held-out piece as the shipped model has sound, 48 kHz stereo; what is measured is the mid."""
        rate, x = wavfile.read(GOLDENS / 'stereo_clip.wav')
        given = torch.from_numpy(x.T / 32768).float()[None]
        source, codec = given[0].mean(0).double().numpy(), codec_report.exported(str(ROOT / 'weights' / 'melody-small'))
        buzz = []
        for start in range(4):  # of the phases: one draw of so short a clip says little of its modulation
            torch.manual_seed(start)
            output = codec(given)[0].mean(0).double().numpy()
            buzz.append(envelopes.modulation(output, rate))
        self.assertLess(np.mean(buzz, 0).max(), 3.5)
        self.assertLess(tones.lattice_share(output, rate), 0.1)
        self.assertLess(tones.tuning(output, rate)['cents'], 10)
        self.assertLess(envelopes.ripple(output, rate), 1.2)
        kept = tones.lines_kept(output, source, rate)
        self.assertGreater(kept['all'], 0.55)
        self.assertGreater(kept['bass'], 0.25)


class Card(unittest.TestCase):
    """The evaluation's parts on two clips, with encoder and decoder that change nothing."""

    def test_sound_and_codec_reach_the_card(self):
        same = lambda x: x
        system = types.SimpleNamespace(
            rate=12000, own_rate=12000, channels=1, config={'frame_rate': 50}, true_latents=same, channels_of=same
        )
        good, bad = (torch.from_numpy(clip(n)[None]) for n in ('corpus_clip.wav', 'decoded_2026_11.wav'))
        rows = [{'attributes': {'drums': False}}]
        report = {
            'whole': {
                'replaced by truth': {
                    'text to music': {'sound': sound.sound(bad, rows, system)},
                    'real music': {'sound': sound.sound(good, rows, system)},
                },
                'sound_of_noise': sound.sound(0.1 * torch.randn(good.shape, generator=torch.Generator().manual_seed(0)), rows, system),
            },
            'codec': sound.codec(system, good),
        }
        json.dumps(report, allow_nan=False)
        text = '\n'.join(card.sound_tables(report))
        self.assertRegex(text, r'tones on multiples of the frame rate, % \(chance 4\) \| 49\.4 \| 4\.4 \|')
        self.assertRegex(text, r'tones kept, 60-3000 Hz, % \| 100 \| \d+ \| 100 \|')
        self.assertNotIn('drums', text)  # 12 kHz cannot hold the band that they are heard in
        self.assertEqual(card.sound_tables({}), [])

    def test_side_over_mid_is_a_level_a_band(self):
        t = torch.arange(48000) / 48000
        low, high = 0.5 * torch.sin(2 * math.pi * 100 * t), 0.5 * torch.sin(2 * math.pi * 5000 * t)
        levels = sound.side_over_mid(torch.stack([low + 1.1 * high, low + 0.9 * high])[None], 48000)
        self.assertAlmostEqual(levels['4000'], -20, delta=0.2)
        self.assertLess(levels['0'], -60)

    def test_listeners_take_the_mean_of_the_channels_at_24_khz(self):
        system = System.__new__(System)
        system.own_rate, system.rate = 48000, 24000
        t = torch.arange(48000) / 48000
        left, right = torch.sin(2 * math.pi * 440 * t), torch.sin(2 * math.pi * 880 * t)
        heard = system.heard(torch.stack([left, right])[None])
        expected = ((left + right) / 2)[::2]
        self.assertEqual(heard.shape, (1, 24000))
        self.assertLess(float((heard[0] - expected)[500:-500].abs().max()), 1e-3)

    def test_stereo_is_measured_as_its_mean(self):
        good = torch.from_numpy(clip('corpus_clip.wav')[:36000])
        side = 0.3 * torch.roll(good, 500)
        table = codec_report.codec_table(
            {'left': lambda a: a[:, :1]}, torch.stack([good + side, good - side])[None], 12000, floor=False, show=lambda _: None
        )
        plain = codec_report.clip_row(good.numpy(), 12000)
        self.assertAlmostEqual(table['source']['lattice'], plain['lattice'], 6)
        self.assertEqual(table['source']['log_mel'], 0)
        self.assertGreater(table['left']['log_mel'], 0.05)


class Form(unittest.TestCase):
    def test_a_piece_is_held_against_its_start(self):
        t = np.arange(10 * 24000) / 24000
        chord = lambda *hz: sum(0.1 * np.sin(2 * np.pi * h * t) for h in hz) * np.exp(-3 * (t % 0.5))
        c_major, f_sharp_major = chord(261.6, 329.6, 392.0), chord(370.0, 466.2, 554.4)
        self.assertEqual(form.compare(np.concatenate([c_major, c_major]))['kept'], {'brightness': True, 'onsets': True, 'key': True})
        moved = form.compare(np.concatenate([c_major, f_sharp_major]))
        self.assertEqual((moved['start']['key'][0], moved['end']['key'][0]), (0, 6))
        self.assertFalse(moved['kept']['key'])
        self.assertEqual(
            form.compare(np.concatenate([c_major, 0.01 * np.sin(2 * np.pi * 3000 * t)]))['kept'],
            {'brightness': False, 'onsets': False, 'key': False},
        )
        with self.assertRaisesRegex(ValueError, 'got 19.0 s'):
            form.compare(np.zeros(19 * 24000))


@unittest.skipUnless(notes.available(), notes.MISSING)
class Notes(unittest.TestCase):
    def test_notes_of_a_scale(self):
        t = np.arange(12000) / 24000
        pitches = (60, 62, 64, 65, 67, 69)
        tone = lambda p: (
            sum(0.3 / h * np.sin(2 * np.pi * h * 440 * 2 ** ((p - 69) / 12) * t) for h in (1, 2, 3, 4))
            * np.minimum(1, t / 0.01)
            * np.exp(-t / 0.3)
        )
        scale = np.concatenate([tone(p) for p in pitches])
        heard = notes.notes(scale, 24000)
        self.assertTrue(set(pitches) <= {p for _, p in heard}, heard)
        self.assertEqual(notes.notes_kept(scale, scale, 24000)[0], 1.0)
        higher = np.concatenate([tone(p + 1) for p in pitches])
        self.assertLess(notes.notes_kept(higher, scale, 24000)[0], 0.3)


if __name__ == '__main__':
    unittest.main()
