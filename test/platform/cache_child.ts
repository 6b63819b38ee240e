// A process of its own for cache_race.test.ts: fetches an address into a folder and says on its standard output whether the bytes are right.
import { createHash } from 'node:crypto';
import { openCached } from '../../src/platform/cache.ts';
import { openHttp } from '../../src/platform/http.ts';
import { diskStore } from '../../src/platform/node_cache.ts';
import { followInNode } from '../../src/platform/node_fetch.ts';

const [address, folder, sha256] = process.argv.slice(2);
const source = await openCached(address, diskStore(address, folder), () => openHttp(new URL(address), followInNode([])), {
  onProgress: (received, total) => void (received < total && process.stdout.write('begun ')),
});
const bytes = await source.read(0, source.size);
process.stdout.write(createHash('sha256').update(bytes).digest('hex') === sha256 ? 'right' : 'wrong');
