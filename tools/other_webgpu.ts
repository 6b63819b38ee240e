// Runs in Deno, whose WebGPU is wgpu with naga instead of Dawn with Tint: the self-test of all kernels, in the forms for software and for GPUs,
// and one clip of melody-tiny. test/platform/other_webgpu.test.ts bundles and starts it; the clip goes into the file named, the rest to stdout.
//
//   deno run -A --unstable-webgpu other_webgpu.mjs FOLDER-OF-MODEL FILE-OF-SAMPLES
import { writeFileSync } from 'node:fs';
import { checkKernels } from '../src/cli/kernel_check.ts';
import { wrongKinds } from '../src/engine/adapter_check.ts';
import { Gpu } from '../src/gpu/device.ts';
import { gpuRunner } from '../src/graph/runner.ts';
import { MeLoDy } from '../src/pipeline/melody.ts';

const [model, file] = process.argv.slice(2);
const entry = navigator.gpu;

const results: Record<string, unknown>[] = [];
const quick: string[] = [];
let adapter = '';
for (const executor of ['software', 'gpu'] as const) {
  const gpu = await Gpu.open(entry, { pretend: { executor } });
  adapter = gpu.caps.name;
  results.push(...(await checkKernels(gpu)).map((result) => ({ ...result, executor })));
  quick.push(...(await wrongKinds(gpuRunner(gpu))));
  gpu.dispose();
}
const melody = await MeLoDy.load(model, { gpu: entry, untested: true }); // no verdict of this run goes into the user's cache
const { channels } = await melody.generate({ prompt: 'calm piano', durationSeconds: 2, seed: 5, steps: 4 });
writeFileSync(file, channels[0]);
console.log(JSON.stringify({ adapter, results, quick, samples: channels[0].length }));
process.exit(0);
