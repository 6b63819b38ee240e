// hf:owner/name: the hub's own cache, and a server that answers as the hub does: redirects, commits, hashes, tokens, a network that is away.
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { MeLoDy } from '../../src/pipeline/melody.ts';
import { forgetMisses } from '../../src/platform/cache.ts';
import { platform } from '../../src/platform/node.ts';
import { hubFolder } from '../../src/platform/node_hub.ts';
import { systemOf } from '../../src/systems/kind.ts';
import { openMusicgen } from '../../src/systems/musicgen/model.ts';
import { openSystemFolder } from '../../src/systems/place.ts';
import { openStableAudio } from '../../src/systems/stable_audio/model.ts';
import { sendRange, serve, type TestServer } from '../platform/server.ts';

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
        expect(hubFolder(name, {}, platform.openFolder, env).name).toBe(join(home, 'snapshots', commit));
    const place = hubFolder('hf:facebook/musicgen-small', {}, platform.openFolder, { HF_HUB_CACHE: cache });
    const opened = await openMusicgen(place, (await systemOf(place)).config);
    expect(opened.name).toBe('musicgen-small');
  });

  it('is no folder of the cache where that holds a part of it, or nothing', () => {
    const env = { HF_HUB_CACHE: cache, HF_HUB_OFFLINE: '1', XDG_CACHE_HOME: folder };
    const part = join(cache, 'models--a--b', 'snapshots', 'main');
    mkdirSync(part, { recursive: true });
    cpSync(join(model, 'config.json'), join(part, 'config.json'));
    return Promise.all(
      ['hf:a/b', 'hf:a/none'].map((name) =>
        expect(hubFolder(name, {}, platform.openFolder, env).open('config.json')).rejects.toThrow(
          `${name}: it is neither in ${cache} nor among melody's own downloads, and HF_HUB_OFFLINE forbids`,
        ),
      ),
    );
  });

  it('refuses what is no name', () => {
    for (const name of ['hf:', 'hf:musicgen', 'hf:../x', 'hf:a/../b', 'hf:a/b@../../etc', 'hf:a/b/c', 'hf:a/b@', 'hf:a/b c'])
      expect(() => hubFolder(name, {}, platform.openFolder, {})).toThrow('names no model of the hub');
  });
});

describe('a server that answers as the hub does', () => {
  const sha256 = createHash('sha256')
    .update(readFileSync(join(model, 'model.safetensors')))
    .digest('hex');
  let hub: TestServer;
  let asked: { path: string; token: string | undefined }[];
  let head: string;
  let stated: string;
  let secret: string | undefined;
  const HEADS = ['a', 'b'].map((digit) => digit.repeat(40));

  beforeEach(async () => {
    asked = [];
    head = HEADS[0];
    stated = sha256;
    secret = undefined;
    forgetMisses();
    hub = await serve((request, response) => {
      const path = decodeURIComponent(new URL(request.url ?? '/', 'http://hub').pathname);
      asked.push({ path, token: request.headers.authorization });
      const [, revision, name] = /^\/facebook\/musicgen-tiny\/resolve\/([^/]+)\/([\w.]+)$/.exec(path) ?? [];
      const kept = /^\/store\/([\w.]+)$/.exec(path)?.[1] ?? name;
      const known = kept !== undefined && ['config.json', 'model.safetensors', 'tokenizer.json'].includes(kept);
      if (revision !== undefined) response.setHeader('x-repo-commit', head);
      if (secret !== undefined && revision !== undefined && request.headers.authorization !== `Bearer ${secret}`)
        response.writeHead(401).end();
      else if (!known) response.writeHead(404).end();
      else if (kept === 'model.safetensors' && revision !== undefined)
        response
          .writeHead(302, {
            location: `/store/${name}`,
            'x-linked-etag': `"${stated}"`,
            'x-linked-size': String(readFileSync(join(model, kept)).length),
          })
          .end();
      else sendRange(readFileSync(join(model, kept)), request, response);
    });
    vi.stubEnv('XDG_CACHE_HOME', mkdtempSync(join(folder, 'own-')));
    vi.stubEnv('HF_HUB_CACHE', join(folder, 'nowhere'));
    vi.stubEnv('HF_ENDPOINT', hub.origin);
    vi.stubEnv('HF_TOKEN', '');
    vi.stubEnv('HF_HUB_OFFLINE', '');
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await hub.close();
  });
  const NAME = 'hf:facebook/musicgen-tiny';
  const openIt = async (name = NAME) => {
    const place = openSystemFolder(name, { cache: true });
    return openMusicgen(place, (await systemOf(place)).config);
  };

  it('is read at the commit where the branch stands, through its store, and kept for when it is away', async () => {
    const { name, weights } = await openIt();
    expect(name).toBe('musicgen-tiny');
    expect(weights.has('decoder.lm_heads.3.weight')).toBe(true);
    expect(asked.map(({ path }) => path)).toContain('/store/model.safetensors');
    expect(
      asked
        .filter(({ path }) => path.endsWith('model.safetensors') && path.includes('resolve'))
        .every(({ path }) => path.includes(HEADS[0])),
    ).toBe(true);

    head = HEADS[1]; // the branch has moved: nothing of the old commit is mixed with it
    asked.length = 0;
    await openIt();
    expect(asked.some(({ path }) => path === `/facebook/musicgen-tiny/resolve/${HEADS[1]}/config.json`)).toBe(true);

    asked.length = 0;
    vi.stubEnv('HF_HUB_OFFLINE', '1');
    expect((await openIt()).weights.has('decoder.lm_heads.3.weight')).toBe(true);
    expect(asked).toEqual([]);
    vi.stubEnv('HF_HUB_OFFLINE', '');
    await hub.close();
    expect((await openIt()).weights.has('decoder.lm_heads.3.weight')).toBe(true);
  });

  it('whose file is not what it states is refused and not kept', async () => {
    stated = '0'.repeat(64);
    await expect(openIt()).rejects.toMatchObject({ code: 'weights', message: expect.stringContaining(`expected SHA-256 ${stated}`) });
    stated = sha256;
    expect((await openIt()).weights.has('decoder.lm_heads.3.weight')).toBe(true);
  });

  it('that wants a token gets HF_TOKEN, and says so where there is none', async () => {
    secret = 'for tests alone';
    await expect(openIt()).rejects.toMatchObject({ code: 'io', hint: expect.stringContaining('set HF_TOKEN') });
    vi.stubEnv('HF_TOKEN', 'wrong');
    await expect(openIt()).rejects.toMatchObject({ hint: expect.stringContaining('that HF_TOKEN may read it') });
    vi.stubEnv('HF_TOKEN', secret);
    expect((await openIt()).name).toBe('musicgen-tiny');
  });

  it('is opened by Melody.load too, whose redirects go where they may', async () => {
    await expect(MeLoDy.load(NAME)).rejects.toMatchObject({ code: 'weights' }); // found, and not a MeLoDy model
    await expect(MeLoDy.load('hf:nobody/none')).rejects.toMatchObject({ message: expect.stringContaining('hf:nobody/none') });
  });
});

describe('a pipeline of folders at the hub, as diffusers has it', () => {
  const goldens = fileURLToPath(new URL('../goldens/systems/', import.meta.url));
  const commit = 'c'.repeat(40);
  const fileAt = (path: string) => {
    const file = path === 'tokenizer/tokenizer.json' ? 'musicgen_mono/tokenizer.json' : `stable_audio/${path}`;
    try {
      return readFileSync(join(goldens, file));
    } catch {
      return undefined;
    }
  };

  it('is read folder by folder at one commit, large files by their hashes, and again without the network', async () => {
    const asked: string[] = [];
    let lie = false;
    const hub = await serve((request, response) => {
      const path = decodeURIComponent(new URL(request.url ?? '/', 'http://hub').pathname);
      asked.push(path);
      const [, revision, name] = /^\/stabilityai\/tiny\/resolve\/([^/]+)\/([\w./]+)$/.exec(path) ?? [];
      const bytes = fileAt(name ?? path.slice('/store/'.length));
      if (revision !== undefined) response.setHeader('x-repo-commit', commit);
      if (!bytes) response.writeHead(404).end();
      else if (revision !== undefined && name?.endsWith('.safetensors')) {
        const sha256 = createHash('sha256').update(bytes).digest('hex');
        const stated = lie && name.startsWith('vae/') ? '0'.repeat(64) : sha256;
        response.writeHead(302, { location: `/store/${name}`, 'x-linked-etag': `"${stated}"`, 'x-linked-size': `${bytes.length}` }).end();
      } else sendRange(bytes, request, response);
    });
    forgetMisses();
    vi.stubEnv('XDG_CACHE_HOME', mkdtempSync(join(folder, 'own-')));
    vi.stubEnv('HF_HUB_CACHE', join(folder, 'nowhere'));
    vi.stubEnv('HF_ENDPOINT', hub.origin);
    vi.stubEnv('HF_HUB_OFFLINE', '');
    const openIt = async () => {
      const place = openSystemFolder('hf:stabilityai/tiny', { cache: true });
      const { kind, config } = await systemOf(place);
      expect(kind).toBe('stable_audio');
      return openStableAudio(place, config);
    };
    try {
      lie = true;
      await expect(openIt()).rejects.toMatchObject({
        code: 'weights',
        message: expect.stringContaining(`expected SHA-256 ${'0'.repeat(64)}`),
      });
      lie = false;
      const { name, weights } = await openIt();
      expect(name).toBe('tiny');
      expect(weights.at('transformer').has('transformer_blocks.1.norm1.weight')).toBe(true);
      const parts = [
        'transformer/config.json',
        'vae/diffusion_pytorch_model.safetensors',
        'scheduler/scheduler_config.json',
        'tokenizer/tokenizer.json',
      ];
      for (const part of parts) expect(asked).toContain(`/stabilityai/tiny/resolve/${commit}/${part}`);
      expect(asked).toContain('/store/vae/diffusion_pytorch_model.safetensors');
      expect(asked.filter((path) => path.includes('/resolve/main/'))).toEqual(
        asked.filter((path) => path.endsWith('/resolve/main/config.json')),
      );

      asked.length = 0;
      vi.stubEnv('HF_HUB_OFFLINE', '1');
      expect((await openIt()).weights.at('vae').has('decoder.conv1.bias')).toBe(true);
      expect(asked).toEqual([]);
    } finally {
      vi.unstubAllEnvs();
      await hub.close();
    }
  });
});
