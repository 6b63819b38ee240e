// Opens a published system from its folder.
import { MelodyError } from '../errors.ts';
import { checkLoading } from '../pipeline/checks.ts';
import { identified } from './identity.ts';
import { systemOf } from './kind.ts';
import { openMusicgen } from './musicgen/model.ts';
import { MusicGen } from './musicgen/musicgen.ts';
import { openSystemFolder } from './place.ts';
import { openStableAudio } from './stable_audio/model.ts';
import { StableAudio } from './stable_audio/stable_audio.ts';
import type { SystemOptions } from './system.ts';

/**
 * Opens a published model: MusicGen in the layout of transformers, Stable Audio in that of diffusers. Reads configurations and headers only; weights
 * follow when a stage first needs them. `licence` says what the weights allow: Meta's are not for commercial use.
 * @param location a folder, an https address of one, or in Node `hf:owner/name` of the Hugging Face hub
 * @throws MelodyError `invalid_argument`, `io`, `weights`, `no_adapter`, `wrong_results`, `aborted`
 */
export async function loadSystem(location: string | URL, options: SystemOptions = {}): Promise<MusicGen | StableAudio> {
  checkLoading(location, options);
  const { signal, redirectHosts, allowedHosts, fetch, cache = true } = options;
  const onProgress = (received: number, total: number, address: string) =>
    options.onEvent?.({ type: 'download', file: decodeURIComponent(address.slice(address.lastIndexOf('/') + 1)), received, total });
  const found = openSystemFolder(location, { signal, redirectHosts, allowedHosts, fetch, cache, onProgress });
  const { place, identity } = identified(found);
  const { kind, config } = await systemOf(place, signal);
  if (kind === 'melody')
    throw new MelodyError('weights', `${place.name}: this is a MeLoDy model`, 'open it with Melody.load, without `precision`');
  if (kind === 'encodec') throw new MelodyError('weights', `${place.name}: EnCodec is a codec, which makes no music by itself`);
  if (kind === 'stable_audio') return StableAudio.over({ ...(await openStableAudio(place, config, signal)), identity }, options);
  return MusicGen.over({ ...(await openMusicgen(place, config, signal)), identity }, options);
}
