// hf:owner/name: the hub's own cache, and a server that answers as the hub does.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { hubModel } from '../../src/cli/hub.ts';
import { systemOf } from '../../src/systems/kind.ts';
import { openSystemFolder } from '../../src/systems/load.ts';
import { openMusicgen } from '../../src/systems/musicgen/model.ts';
import { sendRange, serve } from '../platform/server.ts';

const model = fileURLToPath(new URL('../goldens/systems/musicgen_mono', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'melody-hub-'));
afterAll(() => rmSync(folder, { recursive: true }));
vi.setConfig({ testTimeout: 60_000 });

describe('hf:owner/name', () => {
  const commit = '0123456789'.repeat(4);
  const cache = join(folder, 'hub');
  const home = join(cache, 'models--facebook--musicgen-small');
  mkdirSync(join(home, 'blobs'), { recursive: true });
  mkdirSync(join(home, 'snapshots', commit), { recursive: true });
  mkdirSync(join(home, 'refs', 'pr'), { recursive: true });
  for (const file of ['config.json', 'model.safetensors', 'tokenizer.json']) {
    cpSync(join(model, file), join(home, 'blobs', file));
    symlinkSync(join('..', '..', 'blobs', file), join(home, 'snapshots', commit, file));
  }
  writeFileSync(join(home, 'refs', 'main'), `${commit}\n`);

  it('is a folder of the cache that transformers has filled', async () => {
    for (const env of [{ HF_HUB_CACHE: cache }, { HF_HOME: folder }])
      for (const name of ['hf:facebook/musicgen-small', 'hf:facebook/musicgen-small@main', `hf:facebook/musicgen-small@${commit}`])
        expect(hubModel(name, env)).toBe(join(home, 'snapshots', commit));
    const place = openSystemFolder(hubModel('hf:facebook/musicgen-small', { HF_HUB_CACHE: cache }), {});
    const opened = await openMusicgen(place, (await systemOf(place)).config);
    expect(opened.name).toBe('musicgen-small');
  });

  it('is an address where it is not there, or an error offline', () => {
    const env = { HF_HUB_CACHE: cache };
    expect(hubModel('hf:facebook/musicgen-large@v1', env)).toBe('https://huggingface.co/facebook/musicgen-large/resolve/v1/');
    expect(hubModel('hf:a/b@refs/pr/1', { ...env, HF_ENDPOINT: 'https://mirror.example/' })).toBe(
      'https://mirror.example/a/b/resolve/refs%2Fpr%2F1/',
    );
    expect(() => hubModel('hf:a/b', { ...env, HF_HUB_OFFLINE: '1' })).toThrow(`hf:a/b: it is not in ${cache}, and HF_HUB_OFFLINE forbids`);
  });

  it('refuses what is no name', () => {
    for (const name of ['hf:', 'hf:musicgen', 'hf:../x', 'hf:a/../b', 'hf:a/b@../../etc', 'hf:a/b/c', 'hf:a/b@', 'hf:a/b c'])
      expect(() => hubModel(name, {})).toThrow('names no model of the hub');
  });

  it('is read from a server that answers as the hub does, which sends on to its store', async () => {
    const asked: string[] = [];
    const server = await serve((request, response) => {
      const path = new URL(request.url ?? '/', 'http://hub').pathname;
      asked.push(path);
      const name = /^\/facebook\/musicgen-tiny\/resolve\/main\/([\w.]+)$/.exec(path)?.[1] ?? /^\/store\/([\w.]+)$/.exec(path)?.[1];
      const file =
        name && ['config.json', 'model.safetensors', 'tokenizer.json'].includes(name) ? readFileSync(join(model, name)) : undefined;
      if (!file) response.writeHead(404).end();
      else if (name === 'model.safetensors' && path.includes('/resolve/')) response.writeHead(302, { location: `/store/${name}` }).end();
      else sendRange(file, request, response);
    });
    const place = openSystemFolder(hubModel('hf:facebook/musicgen-tiny', { HF_HUB_CACHE: cache, HF_ENDPOINT: server.origin }), {});
    const { name, weights } = await openMusicgen(place, (await systemOf(place)).config);
    expect(name).toBe('musicgen-tiny');
    expect(weights.has('decoder.lm_heads.3.weight')).toBe(true);
    expect(asked).toContain('/store/model.safetensors');
    await server.close();
  });
});
