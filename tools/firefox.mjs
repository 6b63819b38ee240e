// @ts-check
// A real Firefox for tests: Debian's firefox-esr, or a Firefox of another kind, driven over WebDriver BiDi with the few commands that are wanted.
// `.ci/run` installs it where it may.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where Firefox is; undefined where there is none. MELODY_FIREFOX names another place. */
export const firefoxPath = [process.env.MELODY_FIREFOX, '/usr/bin/firefox-esr', '/usr/bin/firefox'].find(
  (path) => path && existsSync(path),
);

/** Its first start on a busy machine takes minutes. */
const START_MS = 600_000;
/** How long a person's press takes. */
const HOLD_MS = 150;
/** It asks Mozilla for settings and experiments, and waits where there is no network. */
const ALONE = {
  'app.normandy.enabled': false,
  'app.update.enabled': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'toolkit.telemetry.enabled': false,
};

/**
 * A browser with a fresh profile and one tab.
 * @returns {Promise<import('./webkit.mjs').WebKit>}
 */
export async function openFirefox() {
  const profile = mkdtempSync(join(tmpdir(), 'melody-firefox-'));
  const lines = Object.entries(ALONE).map(([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`);
  writeFileSync(join(profile, 'user.js'), lines.join(''));
  const child = spawn(firefoxPath ?? 'firefox', ['--remote-debugging-port=0', '--headless', '--no-remote', '--profile', profile], {
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true, // ends with the processes that it starts
    env: { ...process.env, MOZ_CRASHREPORTER_DISABLE: '1' },
  });
  const end = () => {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL');
    rmSync(profile, { recursive: true, force: true, maxRetries: 50, retryDelay: 200 });
  };
  try {
    const port = await new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`${firefoxPath} said no port within ${START_MS / 1000} s`)), START_MS);
      let said = '';
      child.stderr.on('data', (data) => {
        said += data;
        const found = /WebDriver BiDi listening on ws:\/\/[^:]+:(\d+)/.exec(said);
        if (!found) return;
        clearTimeout(late);
        resolve(Number(found[1]));
      });
      child.once('exit', (code) => reject(new Error(`${firefoxPath} ended with ${code}: ${said.slice(-500)}`)));
    });
    const { ask, close } = await connect(port);
    await ask('session.new', { capabilities: {} });
    const { contexts } = await ask('browsingContext.getTree', {});
    const { context } = contexts[0];
    const run = async (/** @type {string} */ expression) => {
      const answer = await ask('script.evaluate', { expression, target: { context }, awaitPromise: true });
      if (answer.type === 'exception') throw new Error(`Firefox, ${expression}: ${answer.exceptionDetails.text}`);
      return answer.result;
    };
    return {
      goto: (url) => ask('browsingContext.navigate', { context, url, wait: 'complete' }),
      evaluate: async (expression) => JSON.parse((await run(`JSON.stringify((${expression}) ?? null)`)).value),
      async press(expression) {
        const { sharedId } = await run(
          `(() => { const element = ${expression}; element?.scrollIntoView({ block: 'center' }); return element; })()`,
        );
        if (!sharedId) throw new Error(`there is no element ${expression}`);
        const origin = { type: 'element', element: { sharedId } };
        const [down, up] = ['pointerDown', 'pointerUp'].map((type) => ({ type, button: 0 }));
        const actions = [{ type: 'pointerMove', x: 0, y: 0, origin }, down, { type: 'pause', duration: HOLD_MS }, up];
        await ask('input.performActions', { context, actions: [{ type: 'pointer', id: 'mouse', actions }] });
      },
      screenshot: async () => Buffer.from((await ask('browsingContext.captureScreenshot', { context })).data, 'base64'),
      async close() {
        close();
        end();
      },
    };
  } catch (error) {
    end();
    throw error;
  }
}

/**
 * Commands over a WebSocket, which Node 20 has none of: text frames, whole or in parts, and no more than that.
 * @param {number} port
 * @returns {Promise<{ ask: (method: string, params: object) => Promise<any>, close: () => void }>}
 */
function connect(port) {
  /** @type {Map<number, { resolve: (value: any) => void, reject: (error: Error) => void }>} */
  const waiting = new Map();
  let count = 0;
  return new Promise((resolve, reject) => {
    const key = randomBytes(16).toString('base64');
    const headers = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-key': key, 'sec-websocket-version': '13' };
    const opening = request({ host: '127.0.0.1', port, path: '/session', headers });
    opening.once('error', reject);
    opening.once('response', ({ statusCode }) => reject(new Error(`Firefox answered ${statusCode} to a WebSocket`)));
    opening.once('upgrade', (_, socket, head) => {
      let bytes = Buffer.from(head);
      let text = '';
      const take = () => {
        while (bytes.length >= 2) {
          const short = bytes[1] & 127;
          const start = short === 126 ? 4 : short === 127 ? 10 : 2;
          if (bytes.length < start) return;
          const size = short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short;
          if (bytes.length < start + size) return;
          const [last, kind] = [bytes[0] >> 7, bytes[0] & 15];
          const body = bytes.subarray(start, start + size).toString();
          bytes = bytes.subarray(start + size);
          if (kind > 1) continue; // pings and the end
          text += body;
          if (!last) continue;
          const { id, type, result, error, message } = JSON.parse(text);
          text = '';
          const found = waiting.get(id);
          waiting.delete(id);
          if (type === 'error') found?.reject(new Error(`Firefox: ${error}: ${message}`));
          else found?.resolve(result);
        }
      };
      const over = () => {
        for (const { reject: fail } of waiting.values()) fail(new Error('Firefox closed its connection'));
        waiting.clear();
      };
      socket.on('data', (data) => {
        bytes = Buffer.concat([bytes, data]);
        take();
      });
      socket.on('error', over);
      socket.once('close', over);
      take();
      resolve({
        ask: (method, params) =>
          new Promise((done, fail) => {
            const id = ++count;
            waiting.set(id, { resolve: done, reject: fail });
            const body = Buffer.from(JSON.stringify({ id, method, params }));
            const mask = randomBytes(4);
            const length = Buffer.alloc(body.length < 126 ? 2 : 4);
            length[0] = 0x81;
            length[1] = 0x80 | Math.min(126, body.length);
            if (body.length >= 126) length.writeUInt16BE(body.length, 2);
            socket.write(Buffer.concat([length, mask, body.map((byte, i) => byte ^ mask[i % 4])]));
          }),
        close: () => socket.destroy(),
      });
    });
    opening.end();
  });
}
