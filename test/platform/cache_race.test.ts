// Many processes, one cold cache, some killed on the way: the cache must end right. MELODY_TEST_KILLS sets how many are killed (default 8).
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PIECE } from '../../src/platform/cache.ts';
import { diskCache } from '../../src/platform/node_cache.ts';
import { pattern, sendRange, serve, type TestServer } from './server.ts';

const FILE = pattern(3 * PIECE + 1000);
const SHA256 = createHash('sha256').update(FILE).digest('hex');
const KILLS = Number(process.env.MELODY_TEST_KILLS ?? 8);
const AT_ONCE = 8;

let scratch: string;
let child: string;
let server: TestServer;
let etag = true;

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'melody-race-'));
  child = join(scratch, 'child.mjs');
  await build({
    entryPoints: [join(import.meta.dirname, 'cache_child.ts')],
    outfile: child,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
  });
  // Slow enough that a process can be killed between two pieces.
  server = await serve((request, response) => {
    setTimeout(() => sendRange(FILE, request, response, etag ? {} : { etag: '' }), 60);
  });
});

afterAll(async () => {
  await server?.close();
  rmSync(scratch, { recursive: true, force: true });
});

/**
 * Starts a process on the cache; kills it `killAfter` ms after it began to download, if given. What it said of the bytes: right, wrong, or nothing;
 * what it died of, where that was no signal.
 */
function fetchElsewhere(folder: string, killAfter?: number): Promise<string> {
  return new Promise((resolve) => {
    const process = spawn('node', [child, `${server.origin}/model.safetensors`, folder, SHA256], { stdio: ['ignore', 'pipe', 'pipe'] });
    let [said, fault] = ['', ''];
    process.stderr.on('data', (text) => {
      fault += text;
    });
    process.stdout.on('data', (text) => {
      if (said === '' && killAfter !== undefined) setTimeout(() => process.kill('SIGKILL'), killAfter); // counted from its first byte
      said += text;
    });
    process.on('close', (code) => resolve(said.replaceAll('begun ', '') + (code ? fault : '')));
  });
}

test.each([true, false])(
  'processes that share a cold cache, some of them killed, all get the right bytes and leave it right (version mark: %s)',
  async (mark) => {
    etag = mark;
    let killed = 0;
    for (let round = 0; killed < KILLS / 2; round++) {
      const folder = join(scratch, `cache-${mark}-${round}`);
      const jobs = Array.from({ length: AT_ONCE }, (_, i) => {
        // Every second one is killed, at another time in every round.
        const killAfter = i % 2 === 1 ? (round * 97 + i * 53) % 300 : undefined;
        return { killAfter, said: fetchElsewhere(folder, killAfter) };
      });
      for (const { killAfter, said } of jobs) {
        if (killAfter === undefined) expect(await said).toBe('right');
        else if ((await said) === '') killed += 1;
        else expect(await said).toBe('right'); // it was done before the signal came
      }
      expect(await diskCache(folder).verify()).toEqual([]);
      expect(await diskCache(folder).list()).toEqual([
        { address: `${server.origin}/model.safetensors`, received: FILE.length, total: FILE.length },
      ]);
      expect(await fetchElsewhere(folder)).toBe('right');
      await diskCache(folder).remove();
      expect(readdirSync(folder)).toEqual([]);
    }
    expect(killed).toBeGreaterThanOrEqual(KILLS / 2);
  },
  60_000 + KILLS * 15_000,
);
