// The page in other languages: every text is translated, and none is for nothing.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { GERMAN } from '../../demo/de.ts';
import { languageOf } from '../../demo/language.ts';
import { EXAMPLES, INSTRUMENTS, KEYS, MOODS } from '../../demo/prompt.ts';

const demo = fileURLToPath(new URL('../../demo/', import.meta.url));
const read = (name: string) => readFileSync(join(demo, name), 'utf8');

/** Texts and labels of the page as it stands; what stays as it is: words for the model, and the offer of the other language. */
function textsOfPage(): string[] {
  const page = read('index.html').replace(/<(script|noscript|textarea|style)\b[^>]*>.*?<\/\1>/gs, '');
  const texts = [...page.matchAll(/>([^<]+)</g)].map(([, text]) => text.trim().replace(/\s+/g, ' '));
  const labels = [...page.matchAll(/ (?:aria-label|aria-valuetext)="([^"]*)"/g)].map(([, text]) => text);
  const placeholders = [...page.matchAll(/ placeholder="([^"]*)"/g)].map(([, text]) => text).filter((text) => !/bpm/.test(text));
  return [...texts, ...labels, ...placeholders].filter((text) => /\p{L}/u.test(text) && !/^[\d.: ]+(s|%)$/.test(text));
}

/** Texts in calls of `t` and in lists that are handed to it. */
function textsOfScripts(): string[] {
  const scripts = readdirSync(demo).filter((name) => name.endsWith('.ts') && !['de.ts', 'language.ts'].includes(name));
  const known = Object.keys(GERMAN).filter((text) => scripts.some((name) => read(name).includes(`'${text}'`)));
  const called = scripts.flatMap((name) => [...read(name).matchAll(/\bt\(\s*'((?:[^'\\]|\\.)*)'/g)].map(([, text]) => text));
  return [...known, ...called, ...EXAMPLES.map(([name]) => name), ...INSTRUMENTS, ...MOODS, ...KEYS];
}

test('German has every text of the page, and no other', () => {
  const texts = [...new Set([...textsOfPage(), ...textsOfScripts()])].sort();
  expect(texts.length).toBeGreaterThan(150);
  expect(Object.keys(GERMAN).sort()).toEqual(texts);
  const values = (text: string) => text.match(/\{\d\}/g)?.sort() ?? [];
  for (const [english, german] of Object.entries(GERMAN)) {
    expect(german.trim(), english).not.toBe('');
    expect(values(german), english).toEqual(values(english));
  }
});

test('what the scripts of the page say is said by its key', () => {
  const bare = readdirSync(demo)
    .filter((name) => name.endsWith('.ts') && !['de.ts', 'prompt.ts'].includes(name))
    .flatMap((name) => {
      // Faults are said in English, as the engine's are.
      const code = read(name).replace(/\/\*\*[\s\S]*?\*\/|(^|\s)\/\/.*$|new (Melody)?Error\([\s\S]*?\)/gm, '');
      return [...code.matchAll(/(['`])([A-Z][a-z]*[ :.][^'`]*)\1/g)]
        .filter(([, , text]) => !(text in GERMAN))
        .map(([, , text]) => `${name}: ${text}`);
    });
  expect(bare).toEqual([]);
});

test('the listener’s first language that the page has is taken, unless another was chosen', () => {
  expect(languageOf(['de-AT', 'en'], null)).toBe('de');
  expect(languageOf(['fr', 'en-GB', 'de'], null)).toBe('en');
  expect(languageOf(['fr'], null)).toBe('en');
  expect(languageOf([], 'de')).toBe('de');
  expect(languageOf(['de'], 'en')).toBe('en');
  expect(languageOf(['de'], 'xx')).toBe('de');
});
