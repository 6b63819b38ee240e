// melody cache: what was downloaded and is kept, and how to be rid of it.
import { platform } from '#platform';
import { MelodyError } from '../errors.ts';
import type { Command } from './command.ts';

export const cache: Command = {
  name: 'cache',
  summary: 'Lists downloaded models that are kept, checks or removes them.',
  arguments: '[verify | remove <address> | remove --all] [--json]',
  options: {
    all: { help: 'with remove: every download' },
    json: { help: 'print the list as JSON' },
  },
  examples: [
    'melody cache',
    'melody cache verify',
    'melody cache remove https://host/model/model.safetensors',
    'melody cache remove --all',
  ],
  async run([verb, address, ...rest], values, io) {
    if (verb === undefined && !values.all) {
      const entries = await platform.cache.list();
      if (values.json) io.out(`${JSON.stringify(entries, null, 2)}\n`);
      else {
        for (const { address: from, received, total } of entries) {
          const part = received < total ? `, ${Math.floor((100 * received) / total)} % of it here` : '';
          io.out(`${from}  ${megabytes(total)}${part}\n`);
        }
        io.out(
          `${entries.length} kept in ${platform.cache.place}, ${megabytes(entries.reduce((sum, { received }) => sum + received, 0))}\n`,
        );
      }
      return 0;
    }
    if (verb === 'verify' && address === undefined && !values.all) {
      const removed = await platform.cache.verify();
      for (const from of removed) io.out(`${from}  was damaged and is removed: it is fetched again when it is needed\n`);
      if (removed.length === 0) io.out('every complete file is as it was fetched\n');
      return 0;
    }
    // Exactly one of an address and --all, so that a forgotten word never removes everything.
    if (verb !== 'remove' || rest.length > 0 || (address === undefined) === !values.all) {
      throw new MelodyError(
        'invalid_argument',
        'cache: expected nothing, "verify", "remove <address>" or "remove --all"',
        'see `melody cache --help`',
      );
    }
    const known = await platform.cache.list();
    if (address !== undefined && !known.some((entry) => entry.address === address)) {
      throw new MelodyError('io', `cache: nothing is kept from ${address}`, '`melody cache` lists what is');
    }
    io.out(`${megabytes(await platform.cache.remove(address))} freed\n`);
    return 0;
  },
};

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
