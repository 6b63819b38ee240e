// The weights of a part of a published system, as its publisher calls them.
import { MelodyError } from '../errors.ts';
import type { ByteFolder } from '../platform/bytes.ts';
import { indexFile, STEM, singleFile } from '../weights/index_file.ts';
import { Weights } from '../weights/weights.ts';
import { pickleIn } from './kind.ts';

/** Opens them, headers of all shards too. Throws `weights`, for pickles alone with what to do. */
export async function openWeights(folder: ByteFolder, signal?: AbortSignal, stem = STEM): Promise<Weights> {
  const lacks = async (file: string) => (await folder.open(file, signal)) === undefined;
  if ((await lacks(singleFile(stem))) && (await lacks(indexFile(stem)))) {
    const pickle = await pickleIn(folder, signal);
    throw new MelodyError(
      'weights',
      `${folder.name}: neither ${indexFile(stem)} nor ${singleFile(stem)} is there${pickle ? `; ${pickle} is a pickle, which could run any code` : ''}`,
      pickle ? 'save it as safetensors: save_pretrained of transformers and diffusers does' : 'fetch the whole model again',
    );
  }
  const weights = await Weights.open(folder, { stem, floats: true, ...(signal && { signal }) });
  await weights.prepare(undefined, signal);
  return weights;
}
