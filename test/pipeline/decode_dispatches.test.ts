// How many dispatches one token of the language model takes on a GPU: each costs a small machine some ten microseconds.
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Machine } from '../../src/engine/engine.ts';
import { type Caps, DEFAULT_CAPS } from '../../src/gpu/caps.ts';
import { Graph } from '../../src/graph/graph.ts';
import { fuseElementwise } from '../../src/ops/fuse.ts';
import { MeLoDy } from '../../src/pipeline/melody.ts';
import type { Model } from '../../src/pipeline/model.ts';
import { extendTokens } from '../../src/pipeline/stages/language.ts';

let melody: MeLoDy;
beforeAll(async () => {
  melody = await MeLoDy.load(new URL('../../weights/melody-small/', import.meta.url), { device: 'cpu', threads: 0 });
});
afterAll(() => melody.dispose());

/** Kernels of each plan that two tokens take, as an adapter of these capabilities gets them; nothing runs. */
async function kernelsOf(caps: Caps, guidance: number): Promise<Map<string, string[]>> {
  const kernels = new Map<string, string[]>();
  const nothing = async () => new ArrayBuffer(1 << 16);
  const machine: Machine<Model> = {
    model: melody.engine.model,
    recoveries: 0,
    residents: { write() {}, clear() {}, read: nothing },
    async plan(name, record) {
      const g = new Graph(caps);
      record(g);
      fuseElementwise(g);
      kernels.set(
        name,
        g.dispatches.map(({ kernel }) => kernel.name),
      );
      return { run() {}, read: async () => new Float32Array(0), readBytes: nothing };
    },
    keep: (_, make) => make(),
    settle: async () => {},
    resilient: (stage) => stage(),
  };
  const sampling = { temperature: 1, topK: 0, topP: 1 };
  await extendTokens(machine, 0, new Uint32Array(0), 2, { style: undefined, guidance, sampling, seed: 1 });
  return kernels;
}

it('one token takes 6 dispatches a layer and 4 more, with guidance and without', async () => {
  const { layers } = melody.engine.model.config.semantic_lm;
  expect(layers).toBe(5);
  const subgroups = { subgroups: true, subgroupMin: 8, subgroupMax: 8 };
  for (const caps of [DEFAULT_CAPS, { ...DEFAULT_CAPS, executor: 'software' as const, ...subgroups }])
    for (const [guidance, batch] of [
      [1, 1],
      [3, 2],
    ]) {
      const decode = (await kernelsOf(caps, guidance)).get(`lm decode ${batch}`) ?? [];
      const product = caps.executor === 'software' ? 'matvec_broadcast' : 'matvec';
      const layer = [product, 'qkv_append', 'attention_row4', product, product, product];
      expect(decode).toEqual(['gather_rows', ...Array(layers).fill(layer).flat(), product, 'count_non_finite', 'sample_token']);
    }
});
