// Dual-path diffusion network (docs/system.md §5): noisy latents, an angle per frame and tokens → velocity.
//
//   z [B,L,D'] ─Linear (+ E_δ + aligned tokens)─RMSNorm─Segment─ H [B,S,K,D] ─ N × block ─OverlapAdd─RMSNorm─Linear─ v [B,L,D']
//   v += gated linear skip over z + gated token skip                     (config fields; the paper's printed form has neither)
//   block:  C = Repeat(RoFormer(Merge(H), tokens));  F = RMSNorm(H + C);  H' = RMSNorm(F + FiLM(SRU(F), E_δ + mean tokens))
//
// The token side does not depend on the step: dualPathTokens once a generation, dualPath at every step.
import { type Graph, rowsCols } from '../graph/graph.ts';
import { reshape, type Tensor } from '../graph/tensor.ts';
import { attention, rope } from '../ops/attention.ts';
import { constant, sharedConstant } from '../ops/constant.ts';
import { conv1d } from '../ops/conv.ts';
import { angleEmbedding, mergeColumns, overlapAdd, segment } from '../ops/diffusion.ts';
import { add, film } from '../ops/elementwise.ts';
import { embedding, gatherRows, meanRows } from '../ops/gather.ts';
import { linear } from '../ops/matmul.ts';
import { rmsNorm, rmsNormRepeat } from '../ops/norm.ts';
import { sruLayer } from '../ops/recurrent.ts';
import type { Scope } from '../weights/weights.ts';
import { convNext, EPS, mlp } from './layers.ts';
import { type TimbreConfig, timbreOf } from './timbre.ts';

export interface DualPathConfig extends TimbreConfig {
  readonly dim: number;
  readonly blocks: number;
  readonly segment: number; // K, frames
  readonly heads: number;
  readonly coarse_layers: number;
  readonly sru_hidden: number; // per direction
  readonly sru_layers: number;
  readonly lookup_dim?: number;
  readonly angle_dim: number;
  readonly frames_per_token: number;
  readonly latent_dim: number;
  readonly token_layers: number;
  readonly token_kernel: number;
  readonly linear_skip: number; // channels; 0: absent
  readonly linear_kernel: number;
  readonly token_skip: number;
  readonly token_skip_kernel: number;
  readonly aligned_tokens: boolean;
  readonly column_clock: boolean;
  readonly cfg_null_film: boolean; // the null branch drops the pooled FiLM term too
}

/** What one generation keeps of its tokens. */
export interface TokenMemory {
  readonly pooled: Tensor; // [B, D]
  readonly aligned: Tensor | undefined; // [B, L, D], at the frame rate
  readonly skip: Tensor | undefined; // [B, L, token_skip]
  readonly blocks: readonly (readonly { readonly k: Tensor; readonly v: Tensor }[])[]; // per block and coarse layer, [B, T, D]
}

/**
 * Words of tokens u32 [B, T] → memory for L = T · frames_per_token frames. `timbre` u32 [B, T]: rows of the timbre words, of models that have them.
 */
export function dualPathTokens(g: Graph, w: Scope, ids: Tensor, c: DualPathConfig, timbre?: Tensor): TokenMemory {
  return g.scope('dual_path/tokens', () => {
    const [batch, count] = ids.shape;
    const width = c.lookup_dim ?? c.dim;
    const told = timbreOf(c);
    const words = embedding(g, w.get('lookup.weight', [c.words, width]), ids);
    const rows = told && timbre ? add(g, words, embedding(g, w.get('timbre_lookup.weight', [told.words + 1, width]), timbre)) : words;
    let e = mlp(g, w.at('token_mlp'), rows, c.dim, c.dim);
    for (let i = 0; i < c.token_layers; i++)
      e = g.scope(`block ${i}`, () => convNext(g, w.at(`token_blocks.${i}`), e, 4 * c.dim, c.token_kernel));
    const position = constant(
      g,
      ramp(`token clock ${count}`, count, (t) => t + 0.5),
    );
    const blocks = Array.from({ length: c.blocks }, (_, b) =>
      Array.from({ length: c.coarse_layers }, (_, i) => {
        const a = w.at(`blocks.${b}.coarse.${i}.cross_attn`);
        const k = linear(g, e, a.get('k_proj.weight', [c.dim, c.dim]));
        return { k: rope(g, k, { heads: c.heads, positions: position }), v: linear(g, e, a.get('v_proj.weight', [c.dim, c.dim])) };
      }),
    );
    if (!c.aligned_tokens) return { pooled: meanRows(g, e), aligned: undefined, skip: undefined, blocks };
    const wide = linear(g, e, w.get('upsample.weight', [c.frames_per_token * c.dim, c.dim]), {
      bias: w.get('upsample.bias', [c.frames_per_token * c.dim]),
    });
    const frames = reshape(wide, [batch, count * c.frames_per_token, c.dim]);
    const aligned = linear(g, frames, w.get('align.weight', [c.dim, c.dim]), { bias: w.get('align.bias', [c.dim]) });
    const skip = c.token_skip
      ? conv1d(g, frames, w.get('token_conv.weight', [c.token_skip, c.dim, c.token_skip_kernel]), {
          bias: w.get('token_conv.bias', [c.token_skip]),
          padding: c.token_skip_kernel >> 1,
          act: 'gelu',
        })
      : undefined;
    return { pooled: meanRows(g, e), aligned, skip, blocks };
  });
}

/** Angle embedding E_δ = MLP(cos δ · start + sin δ · end). angle [B, L] radians → [B, L, D]; shared by both branches of guidance. */
export function dualPathAngles(g: Graph, w: Scope, angle: Tensor, c: DualPathConfig): Tensor {
  return g.scope('dual_path/angles', () => {
    const [batch, length] = angle.shape;
    const e = angleEmbedding(g, reshape(angle, [batch * length]), w.get('angle_start', [c.angle_dim]), w.get('angle_end', [c.angle_dim]));
    return reshape(mlp(g, w.at('angle_mlp'), e, c.dim, c.dim), [batch, length, c.dim]);
  });
}

/**
 * z [B, L, D'], angles from dualPathAngles, the tokens' memory → velocity [B, L, D'].
 * `nothing`: the null branch of guidance, without cross-attention to the tokens, aligned rows and token skip (docs/system.md §4).
 */
export function dualPath(
  g: Graph,
  w: Scope,
  z: Tensor,
  angles: Tensor,
  tokens: TokenMemory,
  c: DualPathConfig,
  options: { nothing?: boolean } = {},
): Tensor {
  const memory = options.nothing ? undefined : tokens;
  return g.scope(memory ? 'dual_path' : 'dual_path/null', () => {
    const [batch, length] = z.shape;
    const base = memory?.aligned ? add(g, angles, memory.aligned) : angles;
    const x = linear(g, z, w.get('embed.weight', [c.dim, c.latent_dim]), { bias: w.get('embed.bias', [c.dim]), residual: base });
    let h = segment(g, rmsNorm(g, x, w.get('norm_in.weight', [c.dim]), { eps: EPS }), { size: c.segment });
    const m = modulation(g, angles, memory || !c.cfg_null_film ? tokens.pooled : undefined, h.shape[1]);
    for (let i = 0; i < c.blocks; i++)
      h = g.scope(`block ${i}`, () => block(g, w.at(`blocks.${i}`), h, m, memory?.blocks[i], mergeWindow(i, c.blocks), c));
    const out = rmsNorm(g, overlapAdd(g, h, length), w.get('norm_out.weight', [c.dim]), { eps: EPS });
    let v = linear(g, out, w.get('head.weight', [c.latent_dim, c.dim]), { bias: w.get('head.bias', [c.latent_dim]) });
    const gated = (signal: Tensor, name: string, channels: number) => {
      const gate = linear(g, angles, w.get(`${name}_gate.weight`, [channels, c.dim]), {
        bias: w.get(`${name}_gate.bias`, [channels]),
        scale: signal,
      });
      return linear(g, gate, w.get(`${name}_out.weight`, [c.latent_dim, channels]), { residual: v });
    };
    if (c.linear_skip) {
      const filtered = conv1d(g, z, w.get('skip_conv.weight', [c.linear_skip, c.latent_dim, c.linear_kernel]), {
        bias: w.get('skip_conv.bias', [c.linear_skip]),
        padding: c.linear_kernel >> 1,
      });
      v = gated(filtered, 'skip', c.linear_skip);
    }
    if (memory?.skip) v = gated(memory.skip, 'token', c.token_skip);
    return reshape(v, [batch, length, c.latent_dim]);
  });
}

/** Window of block `index` of n (from 0): 2^min(i, n−i+1) for i from 1, so the widths are K, K/2, … K/2, K. */
const mergeWindow = (index: number, blocks: number): number => 2 ** Math.min(index + 1, blocks - index);

/** One modulation row a segment: the angle at its place, plus the mean token where there are tokens. → [B, S, D]. */
function modulation(g: Graph, angles: Tensor, means: Tensor | undefined, segments: number): Tensor {
  const [batch, length, dim] = angles.shape;
  const at = (rows: number, of: (b: number, s: number) => number) =>
    constant(
      g,
      indices(`${rows} of ${batch} x ${segments} segments`, batch * segments, (i) => of(Math.floor(i / segments), i % segments)),
    );
  const m = gatherRows(
    g,
    reshape(angles, [batch * length, dim]),
    at(length, (b, s) => b * length + Math.floor((s * length) / segments)),
  );
  if (!means) return reshape(m, [batch, segments, dim]);
  const pooled =
    batch === 1
      ? reshape(means, [dim])
      : gatherRows(
          g,
          means,
          at(1, (b) => b),
        );
  return reshape(add(g, m, pooled), [batch, segments, dim]);
}

function block(
  g: Graph,
  w: Scope,
  h: Tensor,
  m: Tensor,
  cached: TokenMemory['blocks'][number] | undefined,
  window: number,
  c: DualPathConfig,
): Tensor {
  const [batch, segments, size, dim] = h.shape;
  const merged = mergeColumns(g, h, { window });
  const width = merged.shape[1];
  // Centre of each column in frames of the window, (s − 1)·K/2 + (k + 1)·w/2, in units of token periods.
  const clock = constant(
    g,
    ramp(`clock ${width} x ${segments} of ${size} ${c.column_clock} ${c.frames_per_token}`, width * segments, (i) => {
      const [k, s] = [Math.floor(i / segments), i % segments];
      return ((s - 1) * (size / 2) + (c.column_clock ? ((k + 1) * window) / 2 : size / 2)) / c.frames_per_token;
    }),
  );
  let x = reshape(merged, [batch * width, segments, dim]);
  for (let i = 0; i < c.coarse_layers; i++)
    x = g.scope(`coarse ${i}`, () => roformer(g, w.at(`coarse.${i}`), x, batch, clock, cached?.[i], c));
  const f = rmsNormRepeat(g, h, reshape(x, [batch, width, segments, dim]), w.get('norm_coarse.weight', [dim]), { eps: EPS });
  let y = reshape(f, [batch * segments, size, dim]);
  for (let i = 0; i < c.sru_layers; i++) y = g.scope(`sru ${i}`, () => sruLayer(g, w.at(`sru.${i}`), y, c.sru_hidden));
  if (2 * c.sru_hidden !== dim) y = linear(g, y, w.get('proj.weight', [dim, 2 * c.sru_hidden]), { bias: w.get('proj.bias', [dim]) });
  const modulated = g.scope('film', () => {
    const [scale, shift] = [mlp(g, w.at('film.mlp1'), m, dim, dim), mlp(g, w.at('film.mlp2'), m, dim, dim)];
    return mlp(g, w.at('film.mlp3'), film(g, reshape(y, h.shape), scale, shift), dim, dim);
  });
  return rmsNorm(g, f, w.get('norm_fine.weight', [dim]), { eps: EPS, residual: modulated });
}

/**
 * Pre-RMSNorm {self-attention by segment index, cross-attention by time in token periods, GELU feed-forward}. x [B·W, S, D].
 * Without tokens the cross-attention's weights attend to the coarse sequence itself.
 */
function roformer(
  g: Graph,
  w: Scope,
  x: Tensor,
  batch: number,
  clock: Tensor,
  cached: { k: Tensor; v: Tensor } | undefined,
  c: DualPathConfig,
): Tensor {
  const [, segments, dim] = x.shape;
  const columns = rowsCols(x)[0] / batch; // W · S queries of one item
  const project = (name: string, y: Tensor, residual?: Tensor) => linear(g, y, w.get(`${name}.weight`, [dim, dim]), { residual });
  const norm = (name: string, y: Tensor) => rmsNorm(g, y, w.get(`${name}.weight`, [dim]), { eps: EPS });
  const heads = { heads: c.heads };

  const y = norm('norm1', x);
  const selfOut = attention(
    g,
    rope(g, project('self_attn.q_proj', y), heads),
    rope(g, project('self_attn.k_proj', y), heads),
    project('self_attn.v_proj', y),
    heads,
  );
  const a = project('self_attn.o_proj', selfOut, x);

  const timed = (t: Tensor) => rope(g, reshape(t, [batch, columns, dim]), { ...heads, positions: clock });
  const z = norm('norm2', a);
  const q = timed(project('cross_attn.q_proj', z));
  const looked = cached
    ? attention(g, q, cached.k, cached.v, heads)
    : attention(g, reshape(q, x.shape), reshape(timed(project('cross_attn.k_proj', z)), x.shape), project('cross_attn.v_proj', z), heads);
  const b = project('cross_attn.o_proj', reshape(looked, [(batch * columns) / segments, segments, dim]), a);

  const up = linear(g, norm('norm3', b), w.get('ffn_up.weight', [4 * dim, dim]), { bias: w.get('ffn_up.bias', [4 * dim]), act: 'gelu' });
  return linear(g, up, w.get('ffn_down.weight', [dim, 4 * dim]), { bias: w.get('ffn_down.bias', [dim]), residual: b });
}

const ramp = (name: string, n: number, of: (i: number) => number) =>
  sharedConstant(name, [n], () => Float32Array.from({ length: n }, (_, i) => of(i)));
const indices = (name: string, n: number, of: (i: number) => number) =>
  sharedConstant(name, [n], () => Uint32Array.from({ length: n }, (_, i) => of(i)), 'u32');
