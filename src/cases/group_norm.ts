// Cases of normalisation over groups of channels.
import { groupNorm } from '../ops/group_norm.ts';
import { type Case, list, type Measured, measured, type Values } from './case.ts';

export interface GroupNormSize {
  readonly batch?: number;
  readonly length: number;
  readonly channels: number;
  readonly groups: number;
  readonly eps?: number;
}

/** Each run of channels / groups channels of an item normalised over its channels and the whole length. x [B, L, C]. */
export function groupNormReference(s: GroupNormSize, x: Values, w: Values, b: Values): Float64Array {
  const { batch = 1, length, channels, groups, eps = 1e-5 } = s;
  const width = channels / groups;
  const y = new Float64Array(x.length);
  for (let group = 0; group < batch * groups; group++) {
    const first = Math.floor(group / groups) * length * channels + (group % groups) * width;
    const place = list(length * width, (i) => first + Math.floor(i / width) * channels + (i % width));
    const mean = place.reduce((total, i) => total + x[i], 0) / place.length;
    const variance = place.reduce((total, i) => total + (x[i] - mean) ** 2, 0) / place.length;
    for (const i of place) y[i] = ((x[i] - mean) / Math.sqrt(variance + eps)) * w[i % channels] + b[i % channels];
  }
  return y;
}

export const groupNormCase = (name: string, s: GroupNormSize): Case => ({
  name,
  record({ g, x, w }) {
    const { batch = 1, length, channels, groups, eps = 1e-5 } = s;
    const [[a, as], [m, ms], [b, bs]] = [x([batch, length, channels], 3), w([channels]), w([channels])];
    return [groupNorm(g, a, m, b, { groups, eps }), () => groupNormReference(s, as, ms, bs)];
  },
});

export const quick = (): Case[] => [];

export const odd = (): Case[] => [groupNormCase('group norm', { length: 13, channels: 12, groups: 3 })];

export const paper = (): Measured[] => [
  measured(groupNormCase('vae_group_norm', { length: 1000, channels: 256, groups: 8 }), 8 * 1000 * 256, 2 * 1000 * 256),
];
