// Tempo, metre and key of a piece: asked for, or read from the prompt, or else chosen to fit its style.

import { exp, exp2, log2 } from '../../elementary.ts';
import type { Machine } from '../../engine/engine.ts';
import { type ControlsConfig, KEYS } from '../../models/semantic_lm.ts';
import { philox, STREAM, seedWords } from '../../ops/random.ts';
import type { Model } from '../model.ts';
import type { Decided } from '../options.ts';
import type { Progress } from '../progress.ts';
import type { Guide } from '../stages/language.ts';
import { styleLogits } from '../stages/networks.ts';
import {
  type AskedControls,
  inRange,
  type Key,
  keyName,
  keyNumber,
  keyOfNumber,
  metreName,
  parseKey,
  parseMetre,
  readWords,
} from './control_words.ts';
import { namedInstruments } from './instruments.ts';

/** What is decided. What is absent is given to the model as unknown. */
export interface Controls {
  readonly tempo?: number; // bpm
  /** Felt beats; six-eight has two. */
  readonly beatsPerBar: number;
  readonly key?: Key;
  /** What classes of instruments count, by name, from 0 to 1: the shares of the prompts that name them. */
  readonly instruments?: Readonly<Record<string, number>>;
}

export interface ControlRequest extends AskedControls {
  /** Prompts and their shares in the blend, which sum to 1. */
  readonly texts: readonly { readonly text: string; readonly share: number }[];
  /** Of the style, unit length; undefined where nothing but given audio says what to play. */
  readonly embedding: Float32Array | undefined;
  readonly seed: number;
  /** The piece goes on after, or within, audio whose beat is not known: no clock runs unless `tempo` is given, and the key is the audio's. */
  readonly within?: (() => Promise<Key | undefined>) | undefined;
  /** The length of a loop. */
  readonly loopSeconds?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Of a draw from the style heads: below 1, because a likely tempo serves better than a rare one. */
const TEMPERATURE = 0.7;
/** A loop's tempo may bend by less than this share. */
const LOOP_BEND = 0.04;
/** Draws of one seed. */
const DRAW = { tempo: 0, key: 1 } as const;

/**
 * Tempo, metre and key, each as its option says; else as the prompt says (of blended ones the heaviest, but tempi that it and others say
 * are mixed, geometrically); else from the style heads, tempo and key drawn by the seed, the metre the likeliest. A loop's tempo bends by less
 * than 4 % to hold whole bars, or else whole beats; where neither is that near, it stays. Undefined for models without controls.
 */
export async function decideControls(
  engine: Machine<Model>,
  request: ControlRequest,
  progress: Pick<Progress, 'warn'>,
): Promise<Controls | undefined> {
  const { controls: c } = engine.model.config.semantic_lm;
  if (!c) return undefined;
  const { embedding, seed, within, loopSeconds } = request;
  const fromText = blended(request.texts.map(({ text, share }) => ({ share, ...readControls(text, c, progress) })));
  const heads = embedding && (await styleLogits(engine, embedding, [c.tempo_bins, KEYS, c.metres.length], request.signal));
  const [tempi, keys, metres] = heads ?? [];

  if (within && fromText.tempo !== undefined && request.tempo === undefined)
    progress.warn(
      'ignored_control',
      `${fromText.tempo} bpm: after or within given audio a beat is kept only where tempo is given as an option`,
    );
  const open = within ? undefined : (fromText.tempo ?? (tempi && tempoOfBin(c, draw(tempi, seed, DRAW.tempo))));
  const tempo = request.tempo ?? open;
  const asked = request.metre === undefined ? fromText.beatsPerBar : parseMetre(request.metre);
  const beatsPerBar = asked ?? c.metres[metres ? metres.indexOf(Math.max(...metres)) : 0] ?? 4;
  const instruments = namedInstruments(request.texts, c, engine.model.tokenizer);
  // Given audio has a key of its own: another one drawn beside it would lead away from it.
  const drawn = async () => (within ? within() : keys && keyOfNumber(draw(keys, seed, DRAW.key)));
  const key = request.key === undefined ? (fromText.key ?? (await drawn())) : parseKey(request.key);
  return {
    ...(tempo !== undefined && { tempo: loopSeconds === undefined ? tempo : bentTempo(tempo, beatsPerBar, loopSeconds) }),
    beatsPerBar,
    ...(key && { key }),
    ...(instruments && { instruments }),
  };
}

/** In the words that people, events and recipes use. Without a tempo there is no clock, so no metre either. */
export function describe({ tempo, beatsPerBar, key, instruments }: Controls): Decided {
  const beat = tempo === undefined ? undefined : { tempo: Math.round(tempo * 100) / 100, metre: metreName(beatsPerBar) };
  const named = key && keyName(key);
  const band = instruments && Object.keys(instruments);
  const parts = [beat && `${beat.tempo} bpm`, named, beat?.metre, ...(band ?? [])].filter((part) => part !== undefined);
  return { text: parts.join(', ') || 'no tempo, no key', ...beat, ...(named && { key: named }), ...(band && { instruments: band }) };
}

export function guideOf(controls: Controls | undefined, clockAt: Guide['clockAt']): Guide | undefined {
  return controls && { clockAt, tempo: controls.tempo, key: controls.key && keyNumber(controls.key), instruments: controls.instruments };
}

/** The tempo nearest to `tempo` that gives a loop whole bars, or else whole beats, if it is near enough. */
export function bentTempo(tempo: number, beatsPerBar: number, seconds: number): number {
  for (const beats of [beatsPerBar, 1]) {
    const bent = (Math.round((tempo * seconds) / 60 / beats) * beats * 60) / seconds;
    if (bent > 0 && Math.abs(bent / tempo - 1) < LOOP_BEND) return bent;
  }
  return tempo;
}

interface TextControls {
  readonly tempo?: number;
  readonly beatsPerBar?: number;
  readonly key?: Key;
}

/** What a text says of tempo, key and metre, as far as the model has inputs for it. */
function readControls(text: string, c: ControlsConfig, progress: Pick<Progress, 'warn'>): TextControls {
  const { tempo, key, metre } = readWords(text);
  const ignore = (what: string) => progress.warn('ignored_control', `${what}: the model has no input for it`);
  const timed = tempo !== undefined && inRange(tempo);
  const counted = metre?.beatsPerBar !== undefined && c.metres.includes(metre.beatsPerBar);
  if (tempo !== undefined && !timed) ignore(`${tempo} bpm`);
  if (metre && !counted) ignore(`${metre.text} time`);
  return { ...(timed && { tempo }), ...(counted && { beatsPerBar: metre.beatsPerBar }), ...(key && { key }) };
}

function blended(texts: readonly (TextControls & { readonly share: number })[]): TextControls {
  const [heaviest] = [...texts].sort((a, b) => b.share - a.share);
  const { tempo: first } = heaviest ?? {};
  const timed = texts.flatMap(({ tempo, share }) => (tempo === undefined ? [] : [{ tempo, share }]));
  if (first === undefined || timed.length < 2) return heaviest ?? {};
  const total = timed.reduce((sum, { share }) => sum + share, 0);
  const octaves = timed.reduce((sum, { tempo, share }) => sum + share * log2(tempo / first), 0) / total;
  return { ...heaviest, tempo: Math.round(first * exp2(octaves) * 10) / 10 };
}

/** One entry, likely ones more often: the entries lie side by side on a line, and the seed says where it is cut. */
export function draw(logits: readonly number[], seed: number, which: number): number {
  const best = Math.max(...logits);
  const weights = logits.map((logit) => exp((logit - best) / TEMPERATURE));
  const random = philox([which, STREAM.controls, 0, 0], seedWords(seed))[0] / 2 ** 32;
  let rest = random * weights.reduce((a, b) => a + b);
  const chosen = weights.findIndex((weight) => {
    rest -= weight;
    return rest < 0;
  });
  return chosen < 0 ? weights.length - 1 : chosen;
}

/** The middle of a bin, in whole beats a minute. */
const tempoOfBin = (c: ControlsConfig, bin: number): number => Math.round(c.tempo_low * exp2((bin + 0.5) / c.tempo_per_octave));
