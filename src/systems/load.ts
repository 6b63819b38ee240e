// Opens a published system from its folder.
import { platform } from '#platform';
import { MelodyError } from '../errors.ts';
import type { ByteFolder } from '../platform/bytes.ts';
import type { OpenOptions } from '../platform/platform.ts';
import { systemOf } from './kind.ts';
import { openMusicgen } from './musicgen/model.ts';
import { MusicGen, type SystemOptions } from './musicgen/musicgen.ts';

/** Where huggingface.co keeps large files: it sends who asks for them there. */
const HUB = 'huggingface.co';
const HUB_STORES = ['cdn-lfs.huggingface.co', 'cdn-lfs.hf.co', 'cdn-lfs-us-1.hf.co', 'cdn-lfs-eu-1.hf.co', 'cas-bridge.xethub.hf.co'];

/** A folder, or the address of one; the hub may send on to its own stores, and nobody else to anywhere. */
export function openSystemFolder(location: string | URL, options: OpenOptions): ByteFolder {
  const hub = URL.canParse(location) && new URL(location).hostname === HUB;
  return platform.openFolder(location, { ...options, ...(hub && { redirectHosts: HUB_STORES }) });
}

/**
 * Opens a published model in the layout of transformers: MusicGen, mono or stereo. Reads its configuration and headers only; weights follow when a
 * stage first needs them. `MusicGen.licence` says what the weights allow: Meta's are not for commercial use.
 * @param location a folder, or an https address of one
 * @throws MelodyError `io`, `weights`, `no_adapter`, `wrong_results`, `aborted`
 */
export async function loadSystem(location: string | URL, options: SystemOptions = {}): Promise<MusicGen> {
  const { signal } = options;
  const onProgress = (received: number, total: number, address: string) =>
    options.onEvent?.({ type: 'download', file: decodeURIComponent(address.slice(address.lastIndexOf('/') + 1)), received, total });
  const folder = openSystemFolder(location, { ...(signal && { signal }), cache: options.cache ?? true, onProgress });
  const { kind, config } = await systemOf(folder, signal);
  if (kind === 'melody') throw new MelodyError('weights', `${folder.name}: this is a MeLoDy model`, 'open it with Melody.load');
  if (kind === 'encodec') throw new MelodyError('weights', `${folder.name}: EnCodec is a codec, which makes no music by itself`);
  return MusicGen.over(await openMusicgen(folder, config, signal), options);
}
