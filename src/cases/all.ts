// Every case, by lists of sizes.
import * as attention from './attention.ts';
import * as biasedAttention from './biased_attention.ts';
import * as bytes from './bytes.ts';
import type { Case, Measured } from './case.ts';
import * as codes from './codes.ts';
import * as conv from './conv.ts';
import * as diffusion from './diffusion.ts';
import * as elementwise from './elementwise.ts';
import * as fuse from './fuse.ts';
import * as gather from './gather.ts';
import * as groupNorm from './group_norm.ts';
import * as image from './image.ts';
import * as lstm from './lstm.ts';
import * as matmul from './matmul.ts';
import * as norm from './norm.ts';
import * as normLinear from './norm_linear.ts';
import * as pad from './pad.ts';
import * as partialRope from './partial_rope.ts';
import * as phase from './phase.ts';
import * as quantise from './quantise.ts';
import * as random from './random.ts';
import * as recurrent from './recurrent.ts';
import * as sample from './sample.ts';
import * as sampler from './sampler.ts';
import * as snake from './snake.ts';
import * as spectrum from './spectrum.ts';
import * as watch from './watch.ts';

/** Small, one a kind of kernel, all in one submit: what every adapter computes before its first music. A page downloads these. */
export const quickCases = (): Case[] => [
  ...matmul.quick(),
  ...attention.quick(),
  ...norm.quick(),
  ...conv.quick(),
  ...gather.quick(),
  ...recurrent.quick(),
  ...diffusion.quick(),
  ...elementwise.quick(),
  ...quantise.quick(),
  ...random.quick(),
  ...sample.quick(),
  ...spectrum.quick(),
  ...phase.quick(),
  ...watch.quick(),
];

const FAMILIES = [
  matmul,
  attention,
  norm,
  conv,
  gather,
  recurrent,
  diffusion,
  elementwise,
  fuse,
  quantise,
  random,
  sample,
  spectrum,
  phase,
  image,
  watch,
  biasedAttention,
  bytes,
  codes,
  groupNorm,
  lstm,
  normLinear,
  pad,
  partialRope,
  sampler,
  snake,
];

/** Odd sizes, sizes by fours, many rows and few: between them every op, and every form that an op may choose. `melody doctor` runs them. */
export const oddCases = (): Case[] => FAMILIES.flatMap(({ odd }) => odd());

/** Sizes at the paper's scale, where an op has one, else of a small model. `melody bench` runs them. */
export const paperCases = (): Measured[] => FAMILIES.flatMap(({ paper }) => paper());
