// Prompts of every kind (docs/requirements.md §2.8): words, never commands; long ones cost little; what cannot be a prompt is refused.
import { readFileSync } from 'node:fs';
import { describe, expect, it, test, vi } from 'vitest';
import { splitWords, Tokenizer } from '../../src/pipeline/stages/tokenizer.ts';

const file = new URL('../../weights/melody-tiny/tokenizer.json', import.meta.url);
const tokenizer = new Tokenizer(JSON.parse(readFileSync(file, 'utf8')));
const ids = (text: string) => [...tokenizer.encode(text).ids];

describe('words', () => {
  it('case and white space do not count', () => {
    expect(ids('  CALM\n\tPiano ')).toEqual(ids('calm piano'));
    expect(tokenizer.encode('calm piano').unknown).toEqual([]);
  });

  test.each([
    ['NFC and NFD are one', 'caf\u00e9', 'cafe\u0301', ['caf\u00e9']],
    ['an emoji joined of three', '🎹👨\u200d👩\u200d👧', '🎹👨👩👧', ['🎹', '👨', '👩', '👧']],
    ['right to left, its marks left out', '\u202bموسيقى\u202c', 'موسيقى', ['موسيقى']],
    ['NUL', 'calm\u0000piano', 'calm piano', ['calm', 'piano']],
    ['a lone surrogate', '\ud800calm', 'calm', ['calm']],
    ['an escape sequence', '\u001b[31mred', '[31mred', ['[', '31', 'mred']],
  ])('%s', (_name, a, b, words) => {
    expect(splitWords(a)).toEqual(words);
    expect(ids(a)).toEqual(ids(b));
  });

  it('what looks like a special token or like HTML is text', () => {
    expect(splitWords('<|endoftext|>[PAD]')).toEqual(['<', '|', 'endoftext', '|', '>', '[', 'pad', ']']);
    expect(ids('[PAD]')).not.toContain(0);
    expect(splitWords('<script>x</script>')).toEqual(['<', 'script', '>', 'x', '<', '/', 'script', '>']);
  });
});

describe('sizes', () => {
  it('one letter, 4 KB and 64 Ki characters are prompts; what is over the model’s length is dropped and counted', () => {
    expect(ids('a').length).toBeGreaterThan(0);
    const long = tokenizer.encode('calm piano '.repeat(373)); // 4103 bytes
    expect(long.ids.length).toBe(tokenizer.maxTokens);
    expect(long.dropped).toBe(2 * 373 - tokenizer.maxTokens);
    expect(tokenizer.encode('x'.repeat(65_536)).ids.length).toBeGreaterThan(0);
  });

  test.each([
    ['combining marks', '\u0301'],
    ['letters without a space', 'piano'],
    ['signs', '!'],
  ])('64 Ki %s cost four times what 16 Ki do, not sixteen times', (_name, part) => {
    const [few, many] = [16_384, 65_535].map((length) => `a${part.repeat(Math.floor((length - 1) / part.length))}`);
    const cost = (text: string) => {
      const start = performance.now();
      expect(tokenizer.encode(text).ids.length).toBeGreaterThan(0);
      return performance.now() - start;
    };
    const rounds = [1, 2, 3].map(() => cost(many) / cost(few)); // by turns, so that a busy machine slows both
    expect(Math.min(...rounds)).toBeLessThan(8);
  });

  it('1 MB is refused before it is read', () => {
    const read = vi.spyOn(String.prototype, 'normalize');
    expect(() => tokenizer.encode('\u0301'.repeat(2 ** 20))).toThrow(/65536 characters; got 1048576/);
    expect(read).not.toHaveBeenCalled();
    read.mockRestore();
    expect(tokenizer.encode('a').ids.length).toBeGreaterThan(0);
  });

  test.each([
    ['calm piano', false],
    ['静かな piano', false],
    ['120 bpm', false],
    ['!!! ???', true],
    ['🎹🎻', true],
    ['...', true],
    ['静かなピアノ', true],
  ])('%j: is nothing of it known? %j', (text, silent) => {
    expect(tokenizer.encode(text).silent).toBe(silent);
  });

  test.each(['', ' ', ' \n\u3000', '\u0000', '\ud800', '\u200b'])('%j holds no word', (text) => {
    expect(() => tokenizer.encode(text)).toThrow('the prompt holds no word');
  });
});
