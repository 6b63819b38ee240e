// A page whose player lies on one host and whose weights lie on another. The browser takes the player only if it is the very file that is
// installed here.
//
//   node page.mjs https://cdn.example/melody-0.2.0/web/ https://models.example/melody-small/ > index.html
//
// Both hosts answer with `Access-Control-Allow-Origin: *` (the weights also with `Access-Control-Expose-Headers: Content-Range, ETag`, so that
// downloads that broke off go on). `integrity` holds for melody-player.js; its worker and worklet come from the same folder, which must not change.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const [web, weights] = process.argv.slice(2);
const player = readFileSync(fileURLToPath(import.meta.resolve('melody/web/melody-player.js')));
const integrity = `sha384-${createHash('sha384').update(player).digest('base64')}`;

console.log(`<!doctype html>
<html lang="en">
  <meta charset="utf-8">
  <title>melody from other hosts</title>
  <script type="module" src="${web}melody-player.js" integrity="${integrity}" crossorigin></script>
  <h1>Music on this machine</h1>
  <melody-player controls prompt="calm piano, 80 bpm" src="${weights}"></melody-player>
</html>`);
