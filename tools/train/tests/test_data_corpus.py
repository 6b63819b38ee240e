"""Loaders of users' corpora, on small files made here in the layouts of MusicCaps, FMA, MAESTRO and Lakh."""
import csv
import json
import os
import sys
import tempfile
import unittest

import numpy as np
from scipy.io import wavfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from melody_train.data import corpus, score, shards, synth  # noqa: E402

try:
    synth.Synth(24000)
    NO_SYNTH = ''
except synth.SynthError as error:
    NO_SYNTH = str(error)


def tone(path, seconds, rate=44100, hz=440.0, channels=2):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    x = (0.3 * np.sin(2 * np.pi * hz * np.arange(int(seconds * rate)) / rate) * 32767).astype(np.int16)
    wavfile.write(path, rate, np.stack([x] * channels, 1) if channels > 1 else x)


def midi(path, pitches=(60, 64, 67), program=0, step=0.5):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    s = score.Score()
    s.instrument(0, program)
    for i, p in enumerate(pitches):
        s.add_note(i * step, step, 0, p, 100)
    with open(path, 'wb') as f:
        f.write(score.write_midi(s.sort()))


class Corpus(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.log = []

    def path(self, *parts):
        return os.path.join(self.folder.name, *parts)

    def build(self, kind, **options):
        return corpus.build(kind, self.path('in'), self.path('out'), seconds=2.0, heldout_every=10 ** 9, report=self.log.append, **options)

    def test_musiccaps(self):
        tone(self.path('in', '[abc123]-[30-40].wav'), 5)
        tone(self.path('in', 'nocaption.wav'), 5)
        with open(self.path('caps.csv'), 'w', newline='') as f:
            w = csv.writer(f)
            w.writerow(['ytid', 'start_s', 'end_s', 'audioset_positive_labels', 'aspect_list', 'caption', 'author_id', 'is_balanced_subset', 'is_audioset_eval'])
            w.writerow(['abc123', '30', '40', '/m/01', "['sine wave', 'steady']", 'A steady tone.', '1', 'False', 'False'])
        self.assertEqual(self.build('audio', captions_file=self.path('caps.csv')), {'train': 2, 'heldout': 0, 'short': 0})
        audio, rows, rate = shards.read_split(self.path('out'), 'train')
        self.assertEqual((audio.shape, rate), ((2, 48000), 24000))
        self.assertEqual(rows[0]['captions'], ['A steady tone.', 'sine wave, steady'])
        spectrum = np.abs(np.fft.rfft(audio[0].astype(float)))
        self.assertAlmostEqual(spectrum.argmax() / 2.0, 440, delta=1)
        self.assertTrue(any('nocaption.wav' in line and 'no caption' in line for line in self.log))

    def test_fma(self):
        tone(self.path('in', '000', '000002.wav'), 2.5, channels=1)
        with open(self.path('tracks.csv'), 'w', newline='') as f:
            w = csv.writer(f)
            w.writerow(['', 'artist', 'track', 'track'])
            w.writerow(['', 'name', 'genre_top', 'title'])
            w.writerow(['track_id', '', '', ''])
            w.writerow(['2', 'AWOL', 'Hip-Hop', 'Food'])
        self.build('audio', captions_file=self.path('tracks.csv'))
        _, rows, _ = shards.read_split(self.path('out'), 'train')
        self.assertEqual(rows[0]['captions'], ['hip-hop', 'hip-hop: Food', 'hip-hop by AWOL'])

    def test_jsonl_and_a_short_file(self):
        tone(self.path('in', 'a.wav'), 2.5)
        tone(self.path('in', 'b.wav'), 1.0)
        with open(self.path('c.jsonl'), 'w') as f:
            f.write(json.dumps({'file': 'a.wav', 'captions': ['one', 'two']}) + '\n' + json.dumps({'file': 'b', 'text': 'short'}) + '\n')
        self.assertEqual(self.build('audio', captions_file=self.path('c.jsonl')), {'train': 1, 'heldout': 0, 'short': 1})

    def test_errors_name_the_file(self):
        tone(self.path('in', 'a.wav'), 2.5)
        with open(self.path('bad.csv'), 'w') as f:
            f.write('name,mood\na.wav,happy\n')
        with self.assertRaisesRegex(corpus.CorpusError, 'no column names the file'):
            self.build('audio', captions_file=self.path('bad.csv'))
        with open(self.path('in', 'broken.wav'), 'wb') as f:
            f.write(b'not a wav at all')
        with self.assertRaisesRegex(corpus.CorpusError, 'broken.wav'):
            corpus.read_audio(self.path('in', 'broken.wav'), 24000)
        with self.assertRaisesRegex(corpus.CorpusError, 'no file ending in'):
            corpus.list_files(self.path('in'), ('.mid',))

    def test_split_is_by_file(self):
        splits = [corpus.split_of(f'{i}.wav', 4) for i in range(400)]
        self.assertEqual(splits, [corpus.split_of(f'{i}.wav', 4) for i in range(400)])
        self.assertTrue(60 < splits.count('heldout') < 140)

    @unittest.skipIf(NO_SYNTH, NO_SYNTH)
    def test_maestro(self):
        midi(self.path('in', '2004', 'x.midi'), range(60, 72))
        with open(self.path('maestro.csv'), 'w', newline='') as f:
            w = csv.writer(f)
            w.writerow(['canonical_composer', 'canonical_title', 'split', 'year', 'midi_filename', 'audio_filename', 'duration'])
            w.writerow(['Frédéric Chopin', 'Ballade', 'train', '2004', '2004/x.midi', '', '6'])
        self.assertEqual(self.build('midi', captions_file=self.path('maestro.csv'))['train'], 3)
        _, rows, _ = shards.read_split(self.path('out'), 'train')
        self.assertIn('Ballade by Frédéric Chopin, solo piano', rows[0]['captions'])
        self.assertEqual(rows[0]['attributes']['instruments'], ['piano'])

    @unittest.skipIf(NO_SYNTH, NO_SYNTH)
    def test_lakh_tree_without_captions_and_with_a_broken_file(self):
        midi(self.path('in', 'A', 'B', 'C', 'TRABC', 'd41d8.mid'), (60, 62, 64, 65, 67), program=73)
        os.makedirs(self.path('in', '0'))
        with open(self.path('in', '0', '0bad.mid'), 'wb') as f:
            f.write(b'MThd\x00\x00')
        self.assertEqual(self.build('midi')['train'], 1)
        _, rows, _ = shards.read_split(self.path('out'), 'train')
        self.assertEqual(rows[0]['captions'][0], 'flute')
        self.assertTrue(any('0bad.mid' in line for line in self.log))


if __name__ == '__main__':
    unittest.main()
