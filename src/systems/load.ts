// Opens a published system from its folder.
import { platform } from '#platform';
import { MelodyError } from '../errors.ts';
import type { OpenOptions } from '../platform/platform.ts';
import { systemOf } from './kind.ts';
import { openMusicgen } from './musicgen/model.ts';
import { MusicGen } from './musicgen/musicgen.ts';
import { placeAt, type SystemPlace } from './place.ts';
import { openStableAudio } from './stable_audio/model.ts';
import { StableAudio } from './stable_audio/stable_audio.ts';
import type { SystemOptions } from './system.ts';

/** Where huggingface.co keeps large files: it sends who asks for them there. */
const HUB = 'huggingface.co';
const HUB_STORES = ['cdn-lfs.huggingface.co', 'cdn-lfs.hf.co', 'cdn-lfs-us-1.hf.co', 'cdn-lfs-eu-1.hf.co', 'cas-bridge.xethub.hf.co'];

/** A folder, or the address of one; the hub may send on to its own stores, and nobody else to anywhere. */
export function openSystemFolder(location: string | URL, options: OpenOptions): SystemPlace {
  const hub = URL.canParse(location) && new URL(location).hostname === HUB;
  return placeAt(location, (place) => platform.openFolder(place, { ...options, ...(hub && { redirectHosts: HUB_STORES }) }));
}

/**
 * Opens a published model: MusicGen in the layout of transformers, Stable Audio in that of diffusers. Reads configurations and headers only; weights
 * follow when a stage first needs them. `licence` says what the weights allow: Meta's are not for commercial use.
 * @param location a folder, or an https address of one
 * @throws MelodyError `io`, `weights`, `no_adapter`, `wrong_results`, `aborted`
 */
export async function loadSystem(location: string | URL, options: SystemOptions = {}): Promise<MusicGen | StableAudio> {
  const { signal } = options;
  const onProgress = (received: number, total: number, address: string) =>
    options.onEvent?.({ type: 'download', file: decodeURIComponent(address.slice(address.lastIndexOf('/') + 1)), received, total });
  const place = openSystemFolder(location, { ...(signal && { signal }), cache: options.cache ?? true, onProgress });
  const { kind, config } = await systemOf(place, signal);
  if (kind === 'melody') throw new MelodyError('weights', `${place.name}: this is a MeLoDy model`, 'open it with Melody.load');
  if (kind === 'encodec') throw new MelodyError('weights', `${place.name}: EnCodec is a codec, which makes no music by itself`);
  if (kind === 'stable_audio') return StableAudio.over(await openStableAudio(place, config, signal), options);
  return MusicGen.over(await openMusicgen(place, config, signal), options);
}
