// melody pull: fetches a model whole, so that it plays later without a network.
import { platform } from '#platform';
import { MelodyError } from '../errors.ts';
import { openModel } from '../pipeline/model.ts';
import type { ByteFolder } from '../platform/bytes.ts';
import { MANIFEST_FILE, readManifest } from '../platform/manifest.ts';
import { isHubName, readHubName } from '../platform/node_hub.ts';
import { type SystemKind, systemOf } from '../systems/kind.ts';
import { licenceText as ofMusicgen, openMusicgen } from '../systems/musicgen/model.ts';
import type { SystemPlace } from '../systems/place.ts';
import { openSystemFolder } from '../systems/place.ts';
import { licenceText as ofStableAudio, openStableAudio } from '../systems/stable_audio/model.ts';
import type { JsonObject } from '../weights/json.ts';
import { licenceOf } from '../weights/model_card.ts';
import { printableText } from '../weights/printable.ts';
import { Weights } from '../weights/weights.ts';
import type { Command } from './command.ts';
import { ProgressLine } from './generate/progress.ts';
import { REDIRECT_HOST } from './locate_model.ts';
import { openingOptions } from './opening.ts';

/** Bytes of a file whose fetching is not worth a word. */
const SMALL = 1e6;

export const pull: Command = {
  name: 'pull',
  summary: 'Fetches a model, so that it plays later without a network.',
  arguments: '<address | hf:owner/name[@revision]> [options]',
  options: {
    'redirect-host': REDIRECT_HOST,
    quiet: { help: 'print nothing but errors', short: 'q' },
  },
  examples: ['melody pull hf:facebook/musicgen-small', 'melody pull https://host/melody-small/'],
  async run(words, values, io) {
    const [name, ...rest] = words;
    if (name === undefined || rest.length > 0 || !(isHubName(name) || /^https?:/i.test(name)))
      throw new MelodyError(
        'invalid_argument',
        `pull: got ${words.length === 1 ? `"${name}"` : `${words.length} names`}, expected the address of one model folder, or hf:owner/name`,
        'a folder on this disk need not be fetched: name it with --model',
      );
    const location = isHubName(name) ? readHubName(name).name : name;
    let [line, shown] = [new ProgressLine(io, { quiet: values.quiet === true }), ''];
    const onProgress = (received: number, total: number, address: string) => {
      if (total < SMALL) return;
      if (address !== shown) {
        line.close();
        [line, shown] = [new ProgressLine(io, { quiet: values.quiet === true }), address];
      }
      line.hear({ type: 'download', file: decodeURIComponent(address.slice(address.lastIndexOf('/') + 1)), received, total });
    };
    const place = openSystemFolder(location, { ...openingOptions(values, io), cache: true, onProgress });
    const say = (text: string) => {
      line.close();
      if (!values.quiet) io.err(`${text}\n`);
    };
    const { kind, config } = await systemOf(place, io.signal);
    const card = await licenceOf(place, io.signal);
    const licence = kind === 'musicgen' ? ofMusicgen(card) : kind === 'stable_audio' ? ofStableAudio(card) : card;
    say(`${place.name}: weights under ${printableText(licence ?? 'a licence that is not stated')}`);
    const sizes = new Map<string, number>();
    await openWhole(kind, config, counted(place, sizes), io.signal);
    const bytes = [...sizes.values()].reduce((sum, size) => sum + size, 0);
    say(`${sizes.size} files, ${(bytes / 1e6).toFixed(1)} MB, are kept: melody generate --model ${location} "calm piano"`);
    say(`\`melody cache\` lists what is kept in ${platform.cache.place}`);
    return 0;
  },
};

/** Opens every file that the model plays from: what is kept is fetched whole, and checked, when it is opened. Throws as opening a model does. */
async function openWhole(kind: SystemKind, config: JsonObject, place: SystemPlace, signal: AbortSignal): Promise<void> {
  if (kind === 'musicgen') await openMusicgen(place, config, signal);
  else if (kind === 'stable_audio') await openStableAudio(place, config, signal);
  else if (kind === 'encodec') await (await Weights.open(place, { signal })).prepare(undefined, signal);
  else {
    await openModel(place, { signal });
    const manifest = await place.open(MANIFEST_FILE, signal);
    const stated = manifest ? readManifest(await manifest.read(0, manifest.size, signal), manifest.name) : [];
    for (const file of stated) await place.open(file.name, signal);
  }
}

/** The same place, which notes the size of every file that is opened in it. */
function counted(place: SystemPlace, sizes: Map<string, number>): SystemPlace {
  const folder = (of: ByteFolder): ByteFolder => ({
    name: of.name,
    async open(file, signal) {
      const source = await of.open(file, signal);
      if (source) sizes.set(source.name, source.size);
      return source;
    },
  });
  return { ...folder(place), part: (name) => folder(place.part(name)) };
}
