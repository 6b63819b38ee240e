// What every test file begins with.
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect } from 'vitest';

/** Temporary folders of this file and of the programs that it starts lie in one, which goes with it. Other users of the machine may look in. */
const folder = mkdtempSync(join(tmpdir(), 'melody-tests-'));
chmodSync(folder, 0o755);
for (const name of ['TMPDIR', 'TEMP', 'TMP']) process.env[name] = folder;
const clear = () => rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
afterAll(clear);
process.once('exit', clear); // of a file whose tests are all left out

const isTyped = (x: unknown): x is Float32Array => ArrayBuffer.isView(x) && !(x instanceof DataView);

/** Typed arrays of one kind are equal when each element is. Vitest 4.1 takes 9 µs an element for that, which is seconds for a clip. */
expect.addEqualityTesters([
  (a: unknown, b: unknown) => {
    if (!(isTyped(a) && isTyped(b)) || a.constructor !== b.constructor) return undefined;
    return a.length === b.length && a.every((v, i) => Object.is(v, b[i]));
  },
]);
