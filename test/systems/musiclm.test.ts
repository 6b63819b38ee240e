// MusicLM's shape from folders that transformers saved, against the same three rounds by transformers' own networks; and the passes that
// `melody bench systems` counts by running.
import { describe, expect, it } from 'vitest';
import { platform } from '#platform';
import { benchSystems, type SystemCount, systemsTable } from '../../src/cli/bench/systems.ts';
import { Engine } from '../../src/engine/engine.ts';
import { llama, llamaCache } from '../../src/models/llama.ts';
import { openMusicLm } from '../../src/systems/musiclm/model.ts';
import { decodeMusicLm, drawMusicLm } from '../../src/systems/musiclm/stages.ts';
import { placeAt } from '../../src/systems/place.ts';
import { nmse } from '../helpers/data.ts';
import { golden } from '../helpers/goldens.ts';

const folder = new URL('../goldens/systems/musiclm/', import.meta.url);
const place = placeAt(folder, (location) => platform.openFolder(location));
const GREEDY = { topK: 0, topP: 1, temperature: 0 };
const REQUEST = { seconds: 0.2, coarseSeconds: 0.12, fineSeconds: 0.08, seed: 1, sampling: GREEDY };

describe.each(['cpu', 'gpu'] as const)('MusicLM from LLaMA-layout weights, %s', (device) => {
  it('plays what transformers plays', async () => {
    const engine = await Engine.open(await openMusicLm(place), () => platform.openGpu(), { device, threads: 1, untested: true });
    const gold = await golden('systems/musiclm.golden');
    const { coarse: c } = engine.model.config;
    const probe = gold.ids('probe');
    const plan = await engine.plan('probe', (g) => {
      const ids = g.input('ids', [1, probe.length], 'u32');
      g.output('logits', llama(g, engine.model.weights.at('coarse'), ids, c, { cache: llamaCache('probe', c, 8), start: 0 }));
    });
    plan.run({}, { ids: probe });
    expect(nmse(await plan.read('logits'), gold.get('logits'))).toBeLessThanOrEqual(1e-9);
    if (device === 'gpu') return engine.dispose(); // every kernel of it is compared elsewhere
    const codes = await drawMusicLm(engine, REQUEST);
    expect([...codes]).toEqual([...gold.ids('codes')]);
    expect(nmse(await decodeMusicLm(engine, codes), gold.get('audio'))).toBeLessThanOrEqual(1e-9);
    engine.dispose();
  });
});

it('a vocabulary without room for the codes is refused', async () => {
  const swapped = { ...place, part: (name: string) => place.part(name === 'coarse' ? 'semantic' : name) };
  await expect(openMusicLm(swapped)).rejects.toThrow('vocab_size of coarse/config.json is 19; expected at least 80');
});

it('passes are counted by running: 625 a second of MusicLM, 50 of MusicGen and three columns of its delay', async () => {
  const counts = await benchSystems({ device: 'cpu', threads: 1, untested: true }, [1, 2], () => {}, { filter: 'music' });
  expect(counts.map(({ system, seconds, passes }) => [system, seconds, passes])).toEqual([
    ['MusicLM', 1, 625],
    ['MusicLM', 2, 1250],
    ['MusicGen', 1, 53],
    ['MusicGen', 2, 103],
  ]);
  for (const at of [0, 2]) {
    expect(counts[at].gflop).toBeGreaterThan(50);
    expect(counts[at + 1].gflop / counts[at].gflop).toBeCloseTo(2, 0);
  }
});

it('the table says what was counted, and what that is against MusicLM', () => {
  const count = (system: string, seconds: number, passes: number): SystemCount => {
    return { system, size: 'small', seconds, passes, took: 1, gflop: 1500, peakBytes: 2e9 };
  };
  const table = systemsTable([count('MeLoDy', 10, 270), count('MusicLM', 10, 6250), count('MusicLM', 30, 18_750)]);
  expect(table).toContain('| MusicLM | 6,250 | 18,750 | 1.0 | 1.0 | small | 1.50 | 1.50 | 2.00 | 2.00 |');
  expect(table).toContain('| MeLoDy | 270 | – |');
  expect(table).toContain('10 s: MeLoDy runs 95.7 % fewer passes than MusicLM (270 for 6250)');
});
