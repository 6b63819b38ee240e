// The measuring process of one peer: node main.mjs <peer>.
import { serve } from '../harness/worker.ts';
import { openJax } from './jax.ts';
import { openOrt } from './ort.ts';
import { openTfjs } from './tfjs.ts';

const PEERS: Record<string, Parameters<typeof serve>[0]> = {
  'ort-webgpu': () => openOrt('webgpu'),
  'ort-cpu': () => openOrt('cpu'),
  'ort-wasm': () => openOrt('wasm'),
  'tfjs-webgpu': openTfjs,
  'jax-webgpu': openJax,
};

serve(PEERS[process.argv[2]]);
