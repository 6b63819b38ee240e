"""Words of prompts: one list, read by both parsers (this one and test/pipeline/prompts.test.ts); captions of our own that must stay as they
are."""

import json
import os
import sys
import unittest
from pathlib import Path
from random import Random

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from melody_train.data import captions, instruments, styles  # noqa: E402
from melody_train.tokenizer import Tokenizer, split_words  # noqa: E402
from melody_train.words import Synonyms, instruments_said, key_name, read_words  # noqa: E402

FIXTURES = Path(__file__).parents[3] / 'test' / 'pipeline'
FIXTURE = json.loads((FIXTURES / 'prompts.json').read_text(encoding='utf-8'))
TOKENIZER = Tokenizer(['[PAD]', '[UNK]', *FIXTURE['vocab'].split(' ')], 64, Synonyms.load())


def own_captions(rng):
    """Captions of every style, as the generator writes them for clips."""
    for style in styles.STYLES:
        for mode in ('major', 'minor'):
            bpm, programs = rng.uniform(*style.tempo), rng.sample(range(128), 5)
            about = {
                'style': style.name,
                'family': style.family,
                'tempo': bpm,
                'tempo_class': captions.tempo_class(bpm),
                'mode': mode,
                'key': key_name(rng.randrange(12) + 12 * (mode == 'minor')),
                'instruments': list(dict.fromkeys(instruments.GM[p] for p in programs)),
                'lead': instruments.GM[programs[0]],
                'moods': captions.moods(style.moods, mode, bpm),
                'uses': list(style.uses),
                'other_names': list(style.other_names),
                'density': rng.choice(list(captions.DENSITY)),
                'metre': rng.choice(('3/4', '4/4', '6/8')),
                'drums': rng.random() < 0.5,
                'sections': ['main'],
            }
            for text in captions.write(rng, about, 12) + captions.write(rng, about, 4, captions.HELD_OUT_TEMPLATES):
                yield text, about


class Words(unittest.TestCase):
    def test_every_prompt_is_read_as_the_engine_reads_it(self):
        self.assertGreaterEqual(len(FIXTURE['prompts']), 300)
        for prompt in FIXTURE['prompts']:
            with self.subTest(prompt['text']):
                said = read_words(prompt['text'])
                self.assertEqual(said.get('tempo'), prompt.get('tempo'))
                self.assertEqual(key_name(said['key']) if 'key' in said else None, prompt.get('key'))
                self.assertEqual(said['metre'][0] if 'metre' in said else None, prompt.get('metre'))
                words, unknown = TOKENIZER.read(prompt['text'])
                self.assertEqual(' '.join(words), prompt['words'])
                self.assertEqual(unknown, prompt.get('unknown', []))

    def test_every_prompt_names_the_instruments_that_the_engine_reads_in_it(self):
        fixture = json.loads((FIXTURES / 'instruments.json').read_text(encoding='utf-8'))
        for words, classes in fixture['cases']:
            self.assertEqual(sorted(instruments_said(words.split(' '), fixture['phrases'])), classes, words)

    def test_words_of_our_own_captions_stay_and_are_understood(self):
        count = 0
        for text, about in own_captions(Random(7)):
            words = split_words(text)
            if all(word in TOKENIZER.ids for word in words):
                count += 1
                self.assertEqual(TOKENIZER.read(text), (words, []), text)
            said = read_words(text)
            if 'tempo' in said:
                self.assertEqual(said['tempo'], round(about['tempo']), text)
            if 'key' in said:
                self.assertEqual(key_name(said['key']), about['key'], text)
        self.assertGreater(count, 1000)

    def test_a_saved_tokenizer_keeps_its_table_and_an_old_one_has_none(self):
        import tempfile

        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / 'tokenizer.json'
            TOKENIZER.save(path)
            self.assertEqual(Tokenizer.load(path).read('congas'), (['percussion'], []))
            data = json.loads(path.read_text(encoding='utf-8'))
            del data['synonyms']
            path.write_text(json.dumps(data), encoding='utf-8')
            self.assertEqual(Tokenizer.load(path).read('congas'), (['congas'], ['congas']))


if __name__ == '__main__':
    unittest.main()
