// MusicLM's three rounds of one token a pass: semantic tokens → coarse codes → fine codes → samples.
//
//   semantic   25 a second, of the whole piece                       ids: token
//   coarse    200 a second, in windows, after their semantic tokens  ids: code + level · entries; semantic tokens at level 4
//   fine      400 a second, in windows, after their coarse codes     ids: code + level · entries
import type { Machine } from '../../engine/engine.ts';
import { plus } from '../../graph/graph.ts';
import { reshape, state } from '../../graph/tensor.ts';
import { codebooks, codebooksOf, encodecDecoderFrames, encodecDecoderSamples, hopOf } from '../../models/encodec.ts';
import { llama, llamaCache } from '../../models/llama.ts';
import { rvqDecode } from '../../ops/codes.ts';
import { slice } from '../../ops/gather.ts';
import { seedWords } from '../../ops/random.ts';
import { type Sampling, sampleToken, samplingParams } from '../../ops/sample.ts';
import { COARSE_LEVELS, type MusicLmModel } from './model.ts';

export type MusicLmMachine = Machine<MusicLmModel>;

export interface MusicLmRequest {
  readonly seconds: number;
  readonly seed: number;
  readonly sampling: Sampling;
  /** Seconds of a window of the coarse model. Default 10. */
  readonly coarseSeconds?: number;
  /** Seconds of a window of the fine model. Default 3. */
  readonly fineSeconds?: number;
}

/** Semantic tokens a second. */
const SEMANTIC_RATE = 25;
/** Passes before the host looks up. */
const PASSES_AT_ONCE = 50;

/** One round of a language model: `count` tokens after `prefix`, two ids or more; token t speaks of level first + t % levels. */
interface Round {
  readonly part: 'semantic' | 'coarse' | 'fine';
  readonly prefix: Uint32Array;
  readonly count: number;
  readonly first: number;
  readonly levels: number;
  /** Number of its first draw. */
  readonly position: number;
  /** Places of the cache: the longest round of this part. */
  readonly capacity: number;
}

/** Codes of every frame, [frames, codebooks]. */
export async function drawMusicLm(m: MusicLmMachine, r: MusicLmRequest, signal?: AbortSignal): Promise<Uint32Array> {
  const { codec } = m.model.config;
  const { codebook_size: entries } = codec;
  const levels = codebooksOf(codec);
  const fineLevels = levels - COARSE_LEVELS;
  const frameRate = codec.sampling_rate / hopOf(codec);
  const frames = Math.ceil(r.seconds * frameRate);
  const tokens = Math.ceil(r.seconds * SEMANTIC_RATE);
  const begin = Uint32Array.of(0, 0); // where MusicLM has what MuLan hears
  const semantic = await draw(
    m,
    r,
    { part: 'semantic', prefix: begin, count: tokens, first: 0, levels: 1, position: 0, capacity: tokens + begin.length },
    signal,
  );

  const codes = new Uint32Array(frames * levels);
  const windows = (seconds: number) => {
    const size = Math.min(frames, Math.round(seconds * frameRate));
    return Array.from({ length: Math.ceil(frames / size) }, (_, i) => ({ from: i * size, to: Math.min(frames, (i + 1) * size), size }));
  };
  let position = tokens;
  for (const { from, to, size } of windows(r.coarseSeconds ?? 10)) {
    const heard = semantic.subarray(Math.floor((from * SEMANTIC_RATE) / frameRate), Math.ceil((to * SEMANTIC_RATE) / frameRate));
    const prefix = heard.map((token) => token + COARSE_LEVELS * entries);
    const count = (to - from) * COARSE_LEVELS;
    const capacity = size * COARSE_LEVELS + Math.ceil((size * SEMANTIC_RATE) / frameRate) + 1;
    const drawn = await draw(m, r, { part: 'coarse', prefix, count, first: 0, levels: COARSE_LEVELS, position, capacity }, signal);
    for (const [i, code] of drawn.entries()) codes[(from + Math.floor(i / COARSE_LEVELS)) * levels + (i % COARSE_LEVELS)] = code;
    position += count;
  }
  for (const { from, to, size } of windows(r.fineSeconds ?? 3)) {
    const prefix = Uint32Array.from({ length: (to - from) * COARSE_LEVELS }, (_, i) => {
      const level = i % COARSE_LEVELS;
      return (codes[(from + Math.floor(i / COARSE_LEVELS)) * levels + level] ?? 0) + level * entries;
    });
    const count = (to - from) * fineLevels;
    const round = { part: 'fine', prefix, count, first: COARSE_LEVELS, levels: fineLevels, position, capacity: size * levels } as const;
    const drawn = await draw(m, r, round, signal);
    for (const [i, code] of drawn.entries()) codes[(from + Math.floor(i / fineLevels)) * levels + COARSE_LEVELS + (i % fineLevels)] = code;
    position += count;
  }
  return codes;
}

async function draw(m: MusicLmMachine, r: MusicLmRequest, round: Round, signal?: AbortSignal): Promise<Uint32Array> {
  const { part, prefix, count, first, levels, capacity } = round;
  const c = m.model.config[part];
  const entries = m.model.config.codec.codebook_size;
  const cache = m.keep(`${part} ${capacity}`, () => llamaCache(`musiclm.${part}`, c, capacity));
  const out = m.keep(`${part} tokens ${capacity}`, () => state(`musiclm.${part}.tokens`, [capacity], 'u32'));
  const w = () => m.model.weights.at(part);
  const record = (name: string, rows: number) =>
    m.plan(
      name,
      (g) => {
        const s = (scalar: string) => g.scalar(scalar);
        const at = s('at');
        const ids = rows === 1 ? slice(g, out, plus(at, -1), 1) : g.input('ids', [1, rows], 'u32');
        const place = rows === 1 ? { start: s('start'), offset: s('offset') } : { start: 0 };
        const logits = llama(g, w(), reshape(ids, [1, rows]), c, { cache, ...place });
        const spoken = reshape(slice(g, reshape(logits, [c.vocab_size]), s('from'), entries), [entries]);
        const seed = [s('low'), s('high')] as const;
        sampleToken(g, spoken, { topK: s('topK'), topP: s('topP'), rate: s('rate'), seed, position: s('position'), into: out, at });
      },
      signal,
    );
  const [low, high] = seedWords(r.seed);
  const common = { ...samplingParams(r.sampling), low, high };
  const levelOf = (t: number) => first + (t % levels);
  const before = prefix.length;
  const prefill = await record(`${part} prefill ${before} ${capacity}`, before);
  const decode = await record(`${part} decode ${capacity}`, 1);
  prefill.run({ ...common, at: 0, from: levelOf(0) * entries, position: round.position }, { ids: prefix });
  for (let t = 1; t < count; t++) {
    const scalars = {
      at: t,
      start: before + t - 1,
      offset: levelOf(t - 1) * entries,
      from: levelOf(t) * entries,
      position: round.position + t,
    };
    decode.run({ ...common, ...scalars });
    if (t % PASSES_AT_ONCE === 0) await m.settle(signal);
  }
  await m.settle(signal);
  return new Uint32Array(await m.residents.read(out)).slice(0, count);
}

/** Samples of codes [frames, codebooks], frames · hop of them. */
export async function decodeMusicLm(m: MusicLmMachine, codes: Uint32Array, signal?: AbortSignal): Promise<Float32Array> {
  const { codec } = m.model.config;
  const levels = codebooksOf(codec);
  const frames = codes.length / levels;
  const plan = await m.plan(
    `codec ${frames}`,
    (g) => {
      const w = m.model.weights.at('codec');
      const z = rvqDecode(g, g.input('codes', [frames, levels], 'u32'), codebooks(w, codec, levels));
      g.output('audio', encodecDecoderSamples(g, w, encodecDecoderFrames(g, w, z, codec), codec));
    },
    signal,
  );
  plan.run({}, { codes });
  return plan.read('audio');
}
