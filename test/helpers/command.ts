// The command as a process of its own, bundled as tools/build.mjs does it, from today's sources.
import { join } from 'node:path';
import { build } from 'esbuild';

/** Writes it into a folder; returns the path of its first file. npm `webgpu` stays outside. */
export async function buildCommand(folder: string): Promise<string> {
  await build({
    entryPoints: { cli: 'src/cli/bin.ts' },
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    external: ['webgpu'],
    platform: 'node',
    format: 'esm',
    target: 'node20',
    define: { MELODY_VERSION: '"test"' },
  });
  return join(folder, 'cli.mjs');
}
