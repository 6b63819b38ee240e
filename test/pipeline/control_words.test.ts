// Tempo, key and metre in prompts and options: wordings of the training captions, of people, and words that only look like them.
import { describe, expect, it, test } from 'vitest';
import { keyName, parseKey, parseMetre, readWords } from '../../src/pipeline/controls/control_words.ts';

const keyOf = (text: string) => {
  const { key } = readWords(text);
  return key && keyName(key);
};

test.each<[text: string, bpm: number | undefined]>([
  ['bossa nova, 120 bpm', 120],
  ['bossa nova, 120 BPM', 120],
  ['techno,128bpm', 128],
  ['a waltz tune at 103 beats per minute in C', 103],
  ['samba, tempo 107', 107],
  ['genre: rock. mood: dark. tempo: 96. key: A minor.', 96],
  ['genre: rock. mood: dark. tempo: slow. key: A minor.', undefined],
  ['swing at a tempo of about 140', 140],
  ['BPM: 85, lofi', 85],
  ['bpm=140', 140],
  ['120-bpm house', 120],
  ['90.5 bpm', 90.5],
  ['80 beats a minute', 80],
  ['drum and bass, 170–174 bpm', 172],
  ['somewhere from 80 to 100 bpm', 90],
  ['no. 5 - 120 bpm', 120],
  ['♩ = 72', 72],
  ['１２０ｂｐｍ', 120],
  ['medium tempo 107 bpm', 107],
  ['very fast, 999 bpm', 999], // out of range: the pipeline says so
  ['mid-tempo 80s pop', undefined],
  ['up-tempo 90 seconds of joy', undefined],
  ['uptempo 80 guitars', undefined],
  ['tempo 4/4', undefined],
  ['1,200 bpm', undefined],
  ['8-bit chiptune, 1980s', undefined],
  ['for 3 violins and 2 drums', undefined],
  ['symphony no. 40', undefined],
  ['calm piano', undefined],
  ['bpm', undefined],
])('tempo: %s', (text, bpm) => {
  expect(readWords(text).tempo).toBe(bpm);
});

test.each<[text: string, key: string | undefined]>([
  ['calm piano waltz in A minor, 96 bpm', 'A minor'],
  ['fast rock in F# minor', 'F# minor'],
  ['F♯ minor', 'F# minor'],
  ['ballad in B♭ major', 'Bb major'],
  ['ballad in Bb major', 'Bb major'],
  ['in the key of Bb major', 'Bb major'],
  ['C-sharp minor nocturne', 'C# minor'],
  ['C sharp minor', 'C# minor'],
  ['e flat major', 'Eb major'],
  ['D-flat major', 'C# major'],
  ['Cb major', 'B major'],
  ['E# minor', 'F minor'],
  ['G-minor fugue', 'G minor'],
  ['d minor', 'D minor'],
  ['B MINOR MASS', 'B minor'],
  ['C maj, 90 bpm', 'C major'],
  ['tune in Em', 'E minor'],
  ['tune in F#m, slow', 'F# minor'],
  ['blues in Eb', 'Eb major'],
  ['in the key of G', 'G major'],
  ['the key of d with strings', 'D major'],
  ['key: F#m', 'F# minor'],
  ['genre: rock. mood: dark. tempo: slow. key: A minor.', 'A minor'],
  ['play a sad bolero in the key of Ab minor', 'Ab minor'],
  // A: a name or an article
  ['A minor bossa nova that sounds sad and is slow', 'A minor'],
  ['A major blues', 'A major'],
  ['happy samba in A minor key, 120 bpm', 'A minor'],
  ['waltz in a minor', 'A minor'],
  ['piano, a minor, 90 bpm', 'A minor'],
  ['piano in the key of a minor with strings', 'A minor'],
  ['a flat minor', 'Ab minor'],
  ['a major hit', undefined],
  ['A major hit of the summer', undefined],
  ['this was a major hit', undefined],
  ['play a waltz in a minor key', undefined],
  ['A minor key ballad', undefined],
  ['in a major key with drums', undefined],
  ['a minor chord of jazz', undefined],
  ['in a minor mood', undefined],
  ['a minor setback, then hope', undefined],
  ['half a min of silence', undefined],
  // no key at all
  ['minor', undefined],
  ['major scale exercises', undefined],
  ['r&b major label sound', undefined],
  ['lo-fi minor groove', undefined],
  ['Cmaj7 chords', undefined],
  ['I am in love', undefined],
  ['in A dark room', undefined],
  ['in C', undefined],
  ['minor key b section', undefined],
  ['key change', undefined],
  ['the key of a good song', undefined],
  ['key of each', undefined],
])('key: %s', (text, key) => {
  expect(keyOf(text)).toBe(key);
});

test.each<[text: string, beats: number | 'ignored' | undefined]>([
  ['tango in 4/4 time, sad', 4],
  ['waltz in 3/4 time', 3],
  ['jig, 6/8', 2],
  ['5/4 jazz', 5],
  ['shuffle in 12/8', 4],
  ['slip jig in 9/8', 3],
  ['march in 2/4', 2],
  ['in ¾ time', 3],
  ['7/8 folk dance', 'ignored'],
  ['24/7 radio', undefined],
  ['1/4 notes', undefined],
  ['3/4 of an hour', undefined],
  ['recorded 5/4/2020', undefined],
  ['v3/4.1', undefined],
  ['calm piano', undefined],
])('metre: %s', (text, beats) => {
  const { metre } = readWords(text);
  expect(metre && (metre.beatsPerBar ?? 'ignored')).toBe(beats);
});

describe('options', () => {
  it('keys in any usual spelling', () => {
    const spelt = {
      'A minor': 'A minor',
      am: 'A minor',
      'F# major': 'F# major',
      'bb MINOR': 'Bb minor',
      'D♭': 'C# major',
      'g-sharp min': 'Ab minor',
      b: 'B major',
    };
    for (const [text, name] of Object.entries(spelt)) expect(keyName(parseKey(text) as never)).toBe(name);
    for (const text of ['', 'H major', 'none', 'A minor 7', 'major', 'A  dorian', 'in A minor']) expect(parseKey(text)).toBeUndefined();
  });

  it('metres as felt beats', () => {
    expect(['4/4', '3/4', '6/8', '5/4', '12/8', '2/2', ' 3 / 8 '].map(parseMetre)).toEqual([4, 3, 2, 5, 4, 2, 3]);
    for (const text of ['', '4', '7/8', '6/4', '1/4', '4/3', '0/4', 'waltz', '4/8', '18/8']) expect(parseMetre(text)).toBeUndefined();
  });
});

it('takes long and hostile prompts', () => {
  const long = [
    'a '.repeat(30000),
    'a minor '.repeat(8000),
    '1'.repeat(60000),
    '120 '.repeat(15000),
    'key of '.repeat(9000),
    'b'.repeat(60000),
    '3/'.repeat(30000),
  ];
  for (const text of long) expect(readWords(text).metre).toBeUndefined();
});
