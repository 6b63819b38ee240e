// The controls of a language model at every position: where in the bar the token it is about to predict lies, key and tempo.
import type { Graph } from '../../graph/graph.ts';
import { type ControlIds, type ControlsConfig, clockRow, keyRow, tempoRow } from '../../models/semantic_lm.ts';
import type { Moment } from '../controls/clock.ts';

export interface Guide {
  /** Beat and bar at a time of the piece, in seconds; undefined where no clock runs. */
  readonly clockAt: (seconds: number) => Moment | undefined;
  readonly tempo: number | undefined; // bpm
  readonly key: number | undefined; // tonic (0 = C) + 12 for minor
}

/** A position: the token of the piece that it predicts, none within the style prefix; and the branch of guidance, 0 for the style's own. */
export interface Place {
  readonly token: number | undefined;
  readonly branch: number;
}

/** Inputs of a graph for the rows of `shape` positions; `guideInputs` of the same name fills them. */
export function guideIds(g: Graph, name: string, shape: readonly number[]): ControlIds {
  const rows = (what: string) => g.input(`${name} ${what}`, shape, 'u32');
  return { clock: rows('clock'), key: rows('key'), tempo: rows('tempo') };
}

/** Without a guide no clock, key or tempo is known. Both branches of guidance get clock and tempo: guidance leads towards the key alone. */
export function guideInputs(name: string, places: readonly Place[], c: ControlsConfig, guide: Guide | undefined, tokenRate: number) {
  const momentOf = (token: number | undefined) => (token === undefined ? undefined : guide?.clockAt((token + 0.5) / tokenRate));
  return {
    [`${name} clock`]: Uint32Array.from(places, ({ token }) => clockRow(c, momentOf(token))),
    [`${name} key`]: Uint32Array.from(places, ({ branch }) => keyRow(c, branch === 0 ? guide?.key : undefined)),
    [`${name} tempo`]: new Uint32Array(places.length).fill(tempoRow(c, guide?.tempo)),
  };
}
