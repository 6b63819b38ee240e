// One clip by turns on the CPU executor and on WebGPU, in one process: wall time and CPU time of every stage. CPU time is what counts on a
// machine that others use: it includes the threads of the driver, and of the pool.
//
//   node tools/run.mjs tools/compare_executors.ts [model folder] [seconds] [rounds] [threads]
import { loadavg } from 'node:os';
import { MeLoDy } from '../src/pipeline/melody.ts';
import { openModel } from '../src/pipeline/model.ts';
import { platform } from '../src/platform/node.ts';

const [folder = 'weights/melody-small', seconds = '10', rounds = '3', threads] = process.argv.slice(2);
const request = { prompt: 'calm piano, 80 bpm', durationSeconds: Number(seconds), seed: 1 };

interface Cost {
  wall: number;
  cpu: number;
}

/** Milliseconds of every stage of one clip. */
async function costs(melody: MeLoDy): Promise<Map<string, Cost>> {
  const all = new Map<string, Cost>();
  let [stage, since, before] = ['start', performance.now(), process.cpuUsage()];
  const end = (next: string) => {
    const used = process.cpuUsage(before);
    const cost = all.get(stage) ?? { wall: 0, cpu: 0 };
    all.set(stage, { wall: cost.wall + performance.now() - since, cpu: cost.cpu + (used.user + used.system) / 1000 });
    [stage, since, before] = [next, performance.now(), process.cpuUsage()];
  };
  await melody.generate({ ...request, onEvent: (event) => event.type === 'progress' && event.stage !== stage && end(event.stage) });
  end('');
  return all;
}

const open = async (device: 'cpu' | 'gpu') => {
  const model = await openModel(platform.openFolder(folder));
  return MeLoDy.over(model, () => platform.openGpu(), { device, ...(threads && { threads: Number(threads) }) });
};
const machines = { cpu: await open('cpu'), gpu: await open('gpu') };
for (const melody of Object.values(machines)) await costs(melody); // reads, uploads, compiles
const best = new Map<string, number>();
for (let round = 0; round < Number(rounds); round++)
  for (const [name, melody] of Object.entries(machines)) {
    const found = await costs(melody);
    const words = [...found].map(([stage, { wall, cpu }]) => `${stage} ${wall.toFixed(0)} (${cpu.toFixed(0)})`);
    console.log(`${name.padEnd(4)} load ${loadavg()[0].toFixed(1)}  ${words.join('  ')}  wall ms (CPU ms)`);
    for (const [stage, { cpu }] of found) best.set(`${name} ${stage}`, Math.min(best.get(`${name} ${stage}`) ?? Infinity, cpu));
  }
for (const stage of ['tokens', 'diffusion', 'decoding']) {
  const [cpu, gpu] = ['cpu', 'gpu'].map((name) => best.get(`${name} ${stage}`) as number);
  console.log(
    `${stage}: least CPU ms ${cpu.toFixed(0)} on the executor, ${gpu.toFixed(0)} on ${machines.gpu.engine.device.caps.name}: ${(gpu / cpu).toFixed(2)} x`,
  );
}
for (const melody of Object.values(machines)) melody.dispose();
process.exit(0);
