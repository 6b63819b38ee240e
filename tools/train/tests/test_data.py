"""The procedural data set: music theory, captions, scores, and (where mma and fluidsynth are installed) whole clips."""

import os
import shutil
import sys
import tempfile
import unittest
from random import Random

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from melody_train.data import arrangements, captions, generate, instruments, mma, score, shards, styles, synth, theory  # noqa: E402

try:
    SYNTH, WHY = synth.Synth(24000), ''
except synth.SynthError as error:
    SYNTH, WHY = None, str(error)
HAS_MMA = shutil.which('mma') is not None


def own_style(name):
    return next(s for s in styles.STYLES if f'own:{name}' in s.sources)._replace(sources=(f'own:{name}',))


class Theory(unittest.TestCase):
    def test_every_progression_parses_and_stays_in_its_bar_count(self):
        for kind in theory.PROGRESSIONS:
            for mode in ('major', 'minor'):
                for seed in range(20):
                    bars = theory.progression(Random(seed), kind, 3, mode, 13)
                    self.assertEqual(len(bars), 13)
                    self.assertTrue(all(0 <= c.root < 12 and c.quality in theory.INTERVALS for bar in bars for c in bar), (kind, mode))

    def test_chord_tones(self):
        self.assertEqual(theory.Chord(9, 'm7').pitch_classes, (9, 0, 4, 7))
        self.assertEqual(theory.Chord(9, 'm7').triad, 'min')
        self.assertEqual(theory.Chord(1, 'M7').mma, 'C#M7')

    def test_strong_beats_of_a_melody_are_chord_tones(self):
        bars = theory.progression(Random(1), 'pop', 0, 'major', 8)
        notes = theory.melody(Random(2), bars, 4, 0, 'major', 0.5)
        strong = [(n, bars[int(n[0] // 4)][0]) for n in notes if n[0] % 4 == 0]
        self.assertGreater(len(strong), 3)
        for (_, _, pitch, _), chord in strong:
            self.assertIn(pitch % 12, chord.pitch_classes)
            self.assertTrue(60 <= pitch <= 84)


class Scores(unittest.TestCase):
    def test_midi_round_trip(self):
        s = score.Score()
        s.instrument(0, 24, 90)
        s.add_note(0.5, 1.0, 0, 60, 100)
        s.add_note(1.25, 0.25, 9, 36, 80)
        back = score.read_midi(score.write_midi(s.sort()))
        self.assertEqual([(n.channel, n.program, n.pitch, n.velocity) for n in back.notes()], [(0, 24, 60, 100), (9, 0, 36, 80)])
        for a, b in zip(back.notes(), s.notes()):
            self.assertAlmostEqual(a.start, b.start, delta=2e-3)
            self.assertAlmostEqual(a.end, b.end, delta=2e-3)

    def test_a_fast_tempo_at_tick_zero_replaces_the_default(self):
        s = score.Score()
        s.add_note(2.0, 0.5, 0, 60, 100)
        self.assertAlmostEqual(score.read_midi(score.write_midi(s, bpm=174.0)).notes()[0].start, 2.0, delta=2e-3)

    def test_bad_files_say_so(self):
        with self.assertRaisesRegex(score.MidiError, 'MThd'):
            score.read_midi(b'RIFFxxxxxxxxxxxxxx')
        whole = score.write_midi(score.Score([score.Event(0.0, 'on', 0, 60, 90)]))
        with self.assertRaises(score.MidiError):
            score.read_midi(whole[:24])


class Captions(unittest.TestCase):
    def attributes(self, **changes):
        style = styles.BY_NAME['trance']
        a = {
            'style': 'trance',
            'family': 'electronic',
            'other_names': list(style.other_names),
            'tempo': 138.0,
            'tempo_class': captions.tempo_class(138),
            'key': 'A minor',
            'tonic': 9,
            'mode': 'minor',
            'metre': '4/4',
            'moods': captions.moods(style.moods, 'minor', 138.0),
            'instruments': ['saw lead', 'synth bass'],
            'lead': 'saw lead',
            'drums': True,
            'density': 'dense',
            'sections': ['main'],
            'uses': list(style.uses),
        }
        return {**a, **changes}

    def test_templates_and_held_out_templates_are_disjoint(self):
        self.assertFalse(set(captions.TEMPLATES) & set(captions.HELD_OUT_TEMPLATES))
        self.assertGreaterEqual(len(captions.TEMPLATES), 30)

    def test_same_seed_same_captions_and_all_different(self):
        a, b = (captions.write(Random(5), self.attributes(), 8) for _ in range(2))
        self.assertEqual(a, b)
        self.assertEqual(len(set(a)), 8)
        self.assertNotEqual(a, captions.write(Random(6), self.attributes(), 8))

    def test_nothing_false_is_said(self):
        for seed in range(200):
            for text in captions.write(Random(seed), self.attributes(lead=None, drums=False), 6):
                self.assertNotRegex(text, r'lead melody|solo with|with drums|with percussion|None|\{')
                self.assertNotRegex(text, 'slow|major|happy|cheerful')

    def test_moods_fit_the_mode(self):
        self.assertIn('dark', captions.moods((), 'minor', 138.0))
        self.assertNotIn('dark', captions.moods(('dark', 'cool'), 'major', 138.0))


class Styles(unittest.TestCase):
    def test_at_least_sixty_styles_with_tempo_in_bounds_and_known_sources(self):
        self.assertGreaterEqual(len(styles.STYLES), 60)
        for s in styles.STYLES:
            self.assertTrue(60 <= s.tempo[0] <= s.tempo[1] <= 180, s.name)
            self.assertIn(s.harmony, theory.PROGRESSIONS)
            for source in s.sources:
                self.assertTrue(not source.startswith('own:') or source[4:] in arrangements.SPECS, source)

    def test_patterns_fill_their_bar(self):
        for name, spec in arrangements.SPECS.items():
            for pattern in [p for layer in spec.layers for p in layer.patterns] + [p for _, ps in spec.drums for p in ps]:
                self.assertLessEqual(len(pattern), spec.steps, (name, pattern))

    def test_instrument_tables_cover_general_midi(self):
        self.assertEqual(len(instruments.GM), 128)
        self.assertEqual(len(instruments.CLASS_OF), 128)
        self.assertTrue(set(instruments.CLASS_OF) <= set(instruments.CLASSES))


class Pieces(unittest.TestCase):
    def test_every_own_arrangement_writes_notes_on_the_grid(self):
        for name in arrangements.SPECS:
            p = generate.make_piece(1, 12.0, own_style(name))
            self.assertGreater(len(p.score.notes(until=12.0)), 4, name)
            self.assertTrue(all(0 <= n.start < 12.5 and n.end > n.start for n in p.score.notes(until=12.0)), name)
            beat = 60 / p.attributes['tempo']
            np.testing.assert_allclose(np.diff(p.beats), beat, atol=2e-4)
            self.assertEqual(p.chords[0][0], 0.0)
            self.assertAlmostEqual(p.chords[-1][1], 12.0, places=3)

    def test_deterministic(self):
        a, b = (generate.make_piece(7, 12.0, own_style('trance')) for _ in range(2))
        self.assertEqual(a.score.events, b.score.events)
        self.assertEqual(a.captions, b.captions)
        self.assertNotEqual(a.score.events, generate.make_piece(8, 12.0, own_style('trance')).score.events)

    @unittest.skipUnless(HAS_MMA, 'mma is not installed (apt-get install mma)')
    def test_mma_song_keeps_tempo_and_chords(self):
        s = mma.compile_song(['Tempo 150', 'Groove stdlib/bossanova:BossaNova', '1 Am', '2 Dm'], 3)
        np.testing.assert_allclose(np.diff(s.beats), 0.4, atol=1e-4)
        bass = [n.pitch % 12 for n in s.notes() if n.channel != score.DRUMS and n.pitch < 52 and n.start < 0.2]
        self.assertIn(9, bass)
        self.assertEqual(s.events, mma.compile_song(['Tempo 150', 'Groove stdlib/bossanova:BossaNova', '1 Am', '2 Dm'], 3).events)

    @unittest.skipUnless(HAS_MMA, 'mma is not installed (apt-get install mma)')
    def test_every_source_has_main_grooves(self):
        for source in sorted({s.partition('#')[0] for style in styles.STYLES for s in style.sources if not s.startswith('own:')}):
            self.assertTrue([g for g in mma.grooves(source) if g.part == 'main'], source)

    @unittest.skipUnless(HAS_MMA, 'mma is not installed (apt-get install mma)')
    def test_attributes_name_what_plays(self):
        for seed in range(6):
            p = generate.make_piece(seed, 12.0)
            playing = {n.program for n in p.score.notes(until=12.0) if n.channel != score.DRUMS}
            self.assertTrue(set(p.attributes['programs']) <= playing, seed)
            self.assertGreaterEqual(len(p.captions), 4)


@unittest.skipIf(SYNTH is None, WHY)
class Audio(unittest.TestCase):
    def test_level_dc_and_repeatability(self):
        piece = generate.make_piece(3, 6.0, own_style('piano_ballad'))
        a, b = (generate.render(piece, SYNTH, 6.0) for _ in range(2))
        # the reverb's slow modulators keep running between clips: notes and samples repeat, the room differs by a percent
        self.assertLess(np.abs(a.astype(float) - b).max(), 0.03 * np.abs(a).max())
        x = a / 32768
        self.assertEqual(len(x), 144000)
        self.assertAlmostEqual(float(np.sqrt((x**2).mean())), 0.10, delta=0.02)
        self.assertLess(abs(x.mean()), 1e-3)
        self.assertLessEqual(np.abs(x).max(), 0.951)

    def test_nothing_of_the_last_clip_rings_into_the_next(self):
        s = score.Score()
        s.instrument(0, 48)
        for pitch in (48, 60, 67):
            s.add_note(0.0, 5.0, 0, pitch, 120)
        self.assertGreater(np.abs(SYNTH.render(s.sort(), 1.0)).max(), 0.1)
        self.assertLess(np.abs(SYNTH.render(score.Score(), 1.0)).max(), 1e-4)

    def test_a_note_sounds_at_its_pitch_and_time(self):
        s = score.Score()
        s.instrument(0, 73)
        s.add_note(0.5, 1.5, 0, 69, 100)
        x = SYNTH.render(s.sort(), 2.0)
        self.assertLess(np.abs(x[:11500]).max(), 1e-3)
        spectrum = np.abs(np.fft.rfft(x[24000:36000] * np.hanning(12000)))
        self.assertAlmostEqual(spectrum[100:1000].argmax() * 2.0 + 200, 440, delta=6)

    def test_silence_is_refused(self):
        with self.assertRaisesRegex(ValueError, 'silent'):
            generate.finish_audio(np.zeros(24000), 24000)


class Shards(unittest.TestCase):
    def test_round_trip_and_checks(self):
        with tempfile.TemporaryDirectory() as folder:
            audio = np.arange(20, dtype=np.int16).reshape(2, 10)
            shards.write_shard(folder, 'train', 0, audio, [{'id': 'a'}, {'id': 'b'}], 24000)
            got, rows, rate = shards.read_split(folder, 'train')
            np.testing.assert_array_equal(got, audio)
            self.assertEqual(([r['id'] for r in rows], rate), (['a', 'b'], 24000))
            self.assertEqual(sorted(os.listdir(folder)), ['train_000.jsonl', 'train_000.npz'])
            with self.assertRaises(ValueError):
                shards.write_shard(folder, 'train', 1, audio.astype(np.float32), [{}, {}], 24000)
            with self.assertRaisesRegex(FileNotFoundError, 'heldout'):
                shards.read_split(folder, 'heldout')


if __name__ == '__main__':
    unittest.main()
