"""Loaders of users' corpora, on small files made here in the layouts of MusicCaps, FMA, MAESTRO and Lakh."""

import csv
import json
import os
import shutil
import subprocess
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
        return corpus.build(kind, self.path('in'), self.path('out'), seconds=2.0, heldout_every=10**9, report=self.log.append, **options)

    def test_musiccaps(self):
        tone(self.path('in', '[abc123]-[30-40].wav'), 5)
        tone(self.path('in', 'nocaption.wav'), 5)
        with open(self.path('caps.csv'), 'w', newline='') as f:
            w = csv.writer(f)
            w.writerow(
                [
                    'ytid',
                    'start_s',
                    'end_s',
                    'audioset_positive_labels',
                    'aspect_list',
                    'caption',
                    'author_id',
                    'is_balanced_subset',
                    'is_audioset_eval',
                ]
            )
            w.writerow(['abc123', '30', '40', '/m/01', "['sine wave', 'steady']", 'A steady tone.', '1', 'False', 'False'])
        self.assertEqual(self.build('audio', captions_file=self.path('caps.csv')), {'train': 2, 'heldout': 0, 'short': 0, 'bad': 0})
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
        self.assertEqual(self.build('audio', captions_file=self.path('c.jsonl')), {'train': 1, 'heldout': 0, 'short': 1, 'bad': 0})

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

    def told(self, *parts):
        self.assertTrue(any(all(part in line for part in parts) for line in self.log), (parts, self.log))

    def put(self, name, data):
        os.makedirs(os.path.dirname(self.path('in', name)), exist_ok=True)
        with open(self.path('in', name), 'wb') as f:
            f.write(data)

    def table(self, name, data):
        with open(self.path(name), 'wb') as f:
            f.write(data)
        return self.path(name)

    def test_bad_files_are_told_and_the_rest_goes_on(self):
        tone(self.path('in', 'good.wav'), 2.5)
        with open(self.path('in', 'good.wav'), 'rb') as f:
            good = f.read()
        nan = np.full(60_000, 0.1, np.float32)
        nan[40_000] = np.nan
        wavfile.write(self.path('in', 'nan.wav'), 24000, nan)
        wavfile.write(self.path('in', 'empty.wav'), 24000, np.zeros(0, np.int16))
        bad = {
            'thirty.wav': good[:30],
            'header.wav': good[:12] + b'fmt ' + (2**31 - 1).to_bytes(4, 'little') + good[20:40],
            'nothing.wav': b'',
            'nofmt.wav': good[:12] + b'data' + (8).to_bytes(4, 'little') + bytes(8),
            'html.wav': b'<!doctype html><title>404</title>',
            'norate.wav': good[:24] + bytes(4) + good[28:],
            '._good.wav': b'\0\5\x16\7' + bytes(40),
            'song.m4a': b'\0\0\0\x20ftypM4A ' + bytes(40),
        }
        for name, data in bad.items():
            self.put(name, data)
        names = ['good.wav', 'nan.wav', 'empty.wav', *bad]
        rows = ''.join(json.dumps({'file': n, 'text': 'a tone'}) + '\n' for n in names)
        self.assertEqual(
            self.build('audio', captions_file=self.table('c.jsonl', rows.encode())),
            {'train': 1, 'heldout': 0, 'short': 0, 'bad': len(names) - 1},
        )
        for name in names[1:]:
            self.told(name, 'left out')
        self.told('nan.wav', '1 samples are NaN or infinite, the first at 1.667 s')
        audio, rows, _ = shards.read_split(self.path('out'), 'train')
        self.assertEqual([r['id'] for r in rows], ['good.wav#0'])
        self.assertGreater(int(np.abs(audio).max()), 1000)

    def test_not_finite_samples_are_no_clip(self):
        from melody_train.data.generate import finish_audio

        for odd in (np.nan, np.inf):
            with self.assertRaisesRegex(ValueError, 'not finite'):
                finish_audio(np.array([0.1, odd] * 5000), 24000)

    def test_tables_of_every_kind(self):
        for i in range(3):
            tone(self.path('in', f'{i}.wav'), 5)
        tables = {
            'bom.csv': b'\xef\xbb\xbffile,caption\n0.wav,one\n1.wav,two\n2.wav,three\n',
            'semicolon.csv': b'file;caption;start;end\n0.wav;one, with a comma;0:01;0:03,5\n1.wav;two;1,5;\n2.wav;three;;\n',
            'tab.csv': b'file\tcaption\n0.wav\tone\n1.wav\ttwo\n2.wav\tthree\n',
            'utf16.csv': 'file,caption\n0.wav,één\n1.wav,two\n2.wav,three\n'.encode('utf-16'),
            'latin.csv': 'file,caption\n0.wav,café\n1.wav,two\n2.wav,three\n\n'.encode('latin-1'),
        }
        for name, data in tables.items():
            entries = corpus.read_captions(self.table(name, data), self.log.append)
            self.assertEqual(list(entries), ['0.wav', '1.wav', '2.wav'], name)
        self.assertEqual(corpus.read_captions(self.path('latin.csv'), self.log.append)['0.wav']['captions'], ['café'])
        self.assertEqual(corpus.read_captions(self.path('utf16.csv'), self.log.append)['0.wav']['captions'], ['één'])
        self.told('latin.csv', 'not UTF-8')
        parts = corpus.read_captions(self.path('semicolon.csv'))
        self.assertEqual([(e['start'], e['end']) for e in parts.values()], [(1.0, 3.5), (1.5, None), (None, None)])
        self.assertEqual(
            self.build('audio', captions_file=self.path('semicolon.csv')), {'train': 1 + 1 + 2, 'heldout': 0, 'short': 0, 'bad': 0}
        )

    def test_bad_rows_are_told_and_the_rest_goes_on(self):
        rows = b'file,caption,start,end\na.wav,fine,,\n,nameless,,\nb.wav,,,\nc.wav,backwards,5,2\nd.wav,when,soon,\n\ne.wav,also fine,1:02:03,\n'  # noqa: E501
        self.assertEqual(list(corpus.read_captions(self.table('t.csv', rows), self.log.append)), ['a.wav', 'e.wav'])
        for number, why in ((2, 'names the file'), (3, 'no caption'), (4, 'before it starts'), (5, 'soon')):
            self.told('t.csv', f'row {number}', why)
        lines = b'{"file": "a.wav", "text": "fine"}\n{broken\n[1]\n{"file": "b.wav", "captions": [1, null, " "]}\n{"file": "c.wav", "tags": "calm", "attributes": 3}\n'  # noqa: E501
        self.log.clear()
        self.assertEqual(list(corpus.read_captions(self.table('t.jsonl', lines), self.log.append)), ['a.wav', 'c.wav'])
        self.assertEqual(len(self.log), 3)
        caps = b'ytid,start_s,end_s,aspect_list,caption\nx,30,40,"[\'a\']",fine\ny,30,40,[broken,also fine\nz,,,,whole\n'
        self.log.clear()
        self.assertEqual(list(corpus.read_captions(self.table('m.csv', caps), self.log.append)), ['x', 'z'])
        self.told('m.csv', 'row 2')
        for name, data in (('none.csv', b''), ('none.jsonl', b'{broken\n'), ('head.csv', b'file,caption\na.wav,\n')):
            with self.assertRaisesRegex(corpus.CorpusError, name):
                corpus.read_captions(self.table(name, data), self.log.append)
        with self.assertRaisesRegex(corpus.CorpusError, 'cannot be read'):
            corpus.read_captions(self.path('absent.csv'))

    def test_times(self):
        for text, seconds in (('1.5', 1.5), ('1,5', 1.5), ('0:01', 1.0), ('1:02:03.5', 3723.5), (7, 7.0), ('', None), (None, None)):
            self.assertEqual(corpus.seconds_of(text), seconds)
        for text in ('soon', '-1', 'nan', '1:2:3:4', '1::2'):
            with self.assertRaises(ValueError):
                corpus.seconds_of(text)

    @unittest.skipUnless(shutil.which('ffmpeg'), 'no ffmpeg')
    def test_m4a_is_read_with_ffmpeg(self):
        tone(self.path('in', 'a.wav'), 2.5)
        subprocess.run(['ffmpeg', '-v', 'error', '-i', self.path('in', 'a.wav'), self.path('in', 'a.m4a')], check=True)
        self.assertGreater(len(corpus.read_audio(self.path('in', 'a.m4a'), 24000)), 2 * 24000)

    @unittest.skipUnless(shutil.which('ffmpeg'), 'no ffmpeg')
    def test_mp3_of_a_pipe_is_read_whole(self):
        os.makedirs(self.path('in'), exist_ok=True)
        sound = (0.3 * np.sin(np.arange(88200) / 10) * 32767).astype('<i2')
        sound[44100:] = np.random.default_rng(0).integers(-9000, 9000, 44100)
        form = ['-f', 's16le', '-ar', '44100', '-ac', '1', '-i', '-', '-q:a', '2', '-f', 'mp3']
        for name, to in (('pipe', '-'), ('file', self.path('in', 'file.mp3'))):
            made = subprocess.run(['ffmpeg', '-v', 'error', '-y', *form, to], input=sound.tobytes(), capture_output=True, check=True)
            if name == 'pipe':
                with open(self.path('in', 'pipe.mp3'), 'wb') as f:
                    f.write(made.stdout)
            path = self.path('in', f'{name}.mp3')
            self.assertEqual(corpus._untold(path), name == 'pipe')
            self.assertAlmostEqual(len(corpus.read_audio(path, 22050)) / 22050, 2, delta=0.06)

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
