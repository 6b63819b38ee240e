// A piece as an address.
import { expect, test } from 'vitest';
import { linkOf, pieceIn } from '../../demo/link.ts';

const PAGE = 'https://music.example/melody/';
const COMMON = { prompt: 'calm piano waltz in A minor, 96 bpm', seed: 3_141_592_653, durationSeconds: 30, model: 'melody-small' };

test('all that makes a piece comes back, and a common piece is short', () => {
  const blend = { text: 'fast techno & "drums" = 100 %', weight: 0.35 };
  const steered = [
    { atSeconds: 7.5, prompt: 'fast samba' },
    { atSeconds: 20.48, anew: true, prompt: 'quiet, with ~ and #', blend },
  ];
  for (const piece of [COMMON, { prompt: '雨の音 🎹', seed: 0, loop: true }, { ...COMMON, firstWindowSeconds: 10, blend, steered }])
    expect(pieceIn(linkOf(piece, `${PAGE}?x=1#old`))).toEqual(piece);
  const pad = [blend, { text: 'calm harp', weight: 0.1225 }];
  const onPad = { ...COMMON, blend: pad, steered: [{ ...steered[1], blend: [...pad, { text: 'samba', weight: 0.5 }] }] };
  expect(pieceIn(linkOf(onPad, PAGE))).toEqual(onPad);
  expect(linkOf({ ...COMMON, steered: steered.slice(0, 1) }, PAGE).length).toBeLessThan(300);
  expect(linkOf(COMMON, PAGE)).toMatch(/^https:\/\/music\.example\/melody\/#/); // nothing of it reaches the server
});

test('what is no piece is none, and what is out of range is left out', () => {
  for (const hash of ['', '#player', '#p=&s=1', '#p=piano', '#p=piano&s=-1', '#p=piano&s=1.5', '#p=piano&s=x'])
    expect(pieceIn(PAGE + hash)).toBeUndefined();
  expect(pieceIn(`${PAGE}#p=piano&s=1&b=0.7%1Fa%1F0.7%1Fb`)).toEqual({ prompt: 'piano', seed: 1 }); // over 1 together
  expect(pieceIn(`${PAGE}#p=piano&s=1&d=1e9&w=-3&b=2&c=x&c=5`)).toEqual({ prompt: 'piano', seed: 1 });
});
