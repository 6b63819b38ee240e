// One list of prompts, read by both parsers: this one and tools/train/tests/test_words.py.
import { readFileSync } from 'node:fs';
import { describe, expect, it, test } from 'vitest';
import { keyName, readWords } from '../../src/pipeline/controls/control_words.ts';
import { namedIn } from '../../src/pipeline/controls/instruments.ts';
import { Tokenizer } from '../../src/pipeline/stages/tokenizer.ts';
import named from './instruments.json' with { type: 'json' };
import fixture from './prompts.json' with { type: 'json' };

interface Prompt {
  text: string;
  tempo?: number;
  key?: string;
  metre?: string;
  words: string;
  unknown?: string[];
}
const prompts = fixture.prompts as Prompt[];
const synonyms = JSON.parse(readFileSync(new URL('../../tools/train/melody_train/data/synonyms.json', import.meta.url), 'utf8'));
const base = { type: 'melody_wordpiece', normalization: 'NFC', lowercase: true, max_tokens: 64 };
const vocab = ['[PAD]', '[UNK]', ...fixture.vocab.split(' ')];
const tokenizer = new Tokenizer({ ...base, vocab, synonyms });

it('has at least 300 prompts, each once', () => {
  expect(prompts.length).toBeGreaterThanOrEqual(300);
  expect(new Set(prompts.map(({ text }) => text)).size).toBe(prompts.length);
});

test.each(prompts)('$text', ({ text, tempo, key, metre, words, unknown }) => {
  const said = readWords(text);
  expect({ tempo: said.tempo, key: said.key && keyName(said.key), metre: said.metre?.text }).toEqual({ tempo, key, metre });
  const read = tokenizer.read(text);
  expect(read.words.join(' ')).toBe(words);
  expect(read.unknown).toEqual(unknown ?? []);
});

test.each(prompts)('what was read is read the same again: $text', ({ words, unknown }) => {
  if (unknown) return expect(tokenizer.read(words).unknown).toEqual(unknown);
  expect(tokenizer.read(words).words.join(' ')).toBe(words);
});

describe('the table', () => {
  it('leads every word to words of the vocabulary', () => {
    const lost = Object.values(synonyms as Record<string, string>)
      .flatMap((words) => words.split(', '))
      .filter((word) => tokenizer.read(word).unknown.length > 0);
    expect(lost).toEqual([]);
  });

  it('does not touch what a model knows, nor one that has no table', () => {
    const whole = new Tokenizer({ ...base, vocab: [...vocab, 'snare', 'congas'], synonyms });
    expect(whole.read('snare and congas').words).toEqual(['snare', 'and', 'congas']);
    const bare = new Tokenizer({ ...base, vocab });
    expect(bare.read('guitars in Em!')).toEqual({ words: ['guitars', 'in', 'em', '!'], unknown: ['guitars', 'em', '!'] });
  });

  it('gives up where its words lead in a circle', () => {
    const circle = new Tokenizer({ ...base, vocab, synonyms: { gong: 'bong', bong: 'gong' } });
    expect(circle.read('gong').unknown).toEqual(['gong']);
  });

  test.each([[[]], ['text'], [{ drums: ['snare'] }], [null]])('%j is none', (bad) => {
    expect(() => new Tokenizer({ ...base, vocab, synonyms: bad })).toThrow(/synonyms: expected texts/);
  });
});

test('instruments are named by their longest phrases, and not where they are not wanted', () => {
  for (const [words, classes] of named.cases as [string, string[]][])
    expect([...namedIn(words.split(' '), named.phrases)].sort(), words).toEqual(classes);
});
