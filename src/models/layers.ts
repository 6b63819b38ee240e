// Layers that several networks share. Sequences are [B, T, C] or [T, C]; eps 1e-6; GELU is the exact (erf) one.
import type { Graph } from '../graph/graph.ts';
import type { Tensor } from '../graph/tensor.ts';
import { attention, rope } from '../ops/attention.ts';
import { sharedConstant } from '../ops/constant.ts';
import { conv1d } from '../ops/conv.ts';
import { meanRows } from '../ops/gather.ts';
import { linear } from '../ops/matmul.ts';
import { layerNorm, rmsNorm } from '../ops/norm.ts';
import type { Scope } from '../weights/weights.ts';

export const EPS = 1e-6;

/** Whatever the rate and channels of its music: models listen to the mean of the channels at this rate, in Hz. */
export const LISTENING_RATE = 24000;

/** Of an STFT encoder that hears `air`: its first bin and the one after its last. */
export function airBins({
  air,
  sample_rate = 0,
}: {
  readonly air?: { readonly size: number; readonly low: number; readonly high: number };
  readonly sample_rate?: number;
}): [low: number, high: number] {
  const at = (hz = 0) => Math.round((hz * (air?.size ?? 0)) / sample_rate);
  return [at(air?.low), at(air?.high)];
}

/** MLP(x) = RMSNorm(W₂·GELU(W₁x + b₁) + b₂), the paper's appendix form. x [..., in] → [..., out]. */
export function mlp(g: Graph, w: Scope, x: Tensor, hidden: number, out: number): Tensor {
  const width = x.shape[x.shape.length - 1];
  const h = linear(g, x, w.get('fc1.weight', [hidden, width]), { bias: w.get('fc1.bias', [hidden]), act: 'gelu' });
  const y = linear(g, h, w.get('fc2.weight', [out, hidden]), { bias: w.get('fc2.bias', [out]) });
  return rmsNorm(g, y, w.get('norm.weight', [out]), { eps: EPS });
}

/** ConvNeXt block: x + gamma ⊙ W₂·GELU(W₁·LayerNorm(depthwise(x))); zero padding keeps T. x [B?, T, C]. */
export function convNext(g: Graph, w: Scope, x: Tensor, ffn: number, kernel: number): Tensor {
  const c = x.shape[x.shape.length - 1];
  const d = conv1d(g, x, w.get('dwconv.weight', [c, 1, kernel]), { bias: w.get('dwconv.bias', [c]), groups: c, padding: kernel >> 1 });
  const y = layerNorm(g, d, w.get('norm.weight', [c]), w.get('norm.bias', [c]), { eps: EPS });
  const h = linear(g, y, w.get('up.weight', [ffn, c]), { bias: w.get('up.bias', [ffn]), act: 'gelu' });
  return linear(g, h, w.get('down.weight', [c, ffn]), { bias: w.get('down.bias', [c]), scale: w.get('gamma', [c]), residual: x });
}

export interface EncoderConfig {
  readonly dim: number;
  readonly layers: number;
  readonly heads: number;
  readonly ffn: number;
  readonly embedding_dim: number;
}

/** Bidirectional Transformer encoder of both towers: pre-LayerNorm, rotary positions, mean over time, unit norm. x [T, dim] → [1, embedding_dim]. */
export function encoder(g: Graph, w: Scope, x: Tensor, c: EncoderConfig): Tensor {
  const rows = x.shape[0];
  let y: Tensor = { ...x, shape: [1, rows, c.dim] };
  for (let i = 0; i < c.layers; i++) y = g.scope(`layer ${i}`, () => encoderLayer(g, w.at(`layers.${i}`), y, c));
  const pooled = meanRows(g, layerNorm(g, y, w.get('norm.weight', [c.dim]), w.get('norm.bias', [c.dim]), { eps: EPS }));
  const e = linear(g, pooled, w.get('proj.weight', [c.embedding_dim, c.dim]), { bias: w.get('proj.bias', [c.embedding_dim]) });
  return unit(g, e);
}

function encoderLayer(g: Graph, w: Scope, x: Tensor, c: EncoderConfig): Tensor {
  const square = (name: string, y: Tensor, residual?: Tensor) =>
    linear(g, y, w.get(`${name}.weight`, [c.dim, c.dim]), { bias: w.get(`${name}.bias`, [c.dim]), residual });
  const norm = (name: string, y: Tensor) => layerNorm(g, y, w.get(`${name}.weight`, [c.dim]), w.get(`${name}.bias`, [c.dim]), { eps: EPS });
  const y = norm('norm1', x);
  const q = rope(g, square('q_proj', y), { heads: c.heads });
  const k = rope(g, square('k_proj', y), { heads: c.heads });
  const a = square('o_proj', attention(g, q, k, square('v_proj', y), { heads: c.heads }), x);
  const h = linear(g, norm('norm2', a), w.get('up.weight', [c.ffn, c.dim]), { bias: w.get('up.bias', [c.ffn]), act: 'gelu' });
  return linear(g, h, w.get('down.weight', [c.dim, c.ffn]), { bias: w.get('down.bias', [c.dim]), residual: a });
}

/** x / ‖x‖ over the last dimension: RMSNorm with weight 1/√n, without eps to speak of. */
function unit(g: Graph, x: Tensor): Tensor {
  const n = x.shape[x.shape.length - 1];
  return rmsNorm(
    g,
    x,
    sharedConstant(`1/sqrt(${n})`, [n], () => new Float32Array(n).fill(1 / Math.sqrt(n))),
    { eps: 1e-30 },
  );
}
