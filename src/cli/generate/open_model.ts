// A model opened for one command: its weights on a GPU, and what is written into the files that it makes.
import { platform } from '#platform';
import { MelodyError } from '../../errors.ts';
import { MeLoDy } from '../../pipeline/melody.ts';
import type { Recipe } from '../../pipeline/options.ts';
import { licenceOf } from '../../weights/model_card.ts';
import type { Io, Values } from '../command.ts';
import { deviceOptions } from '../device.ts';
import { redirectHosts } from '../locate_model.ts';
import { openingOptions } from '../opening.ts';
import { askQuietly } from '../quiet.ts';
import { ProgressLine } from './progress.ts';
import type { FileRecipe } from './recipe_file.ts';
import type { GenerateRequest } from './request.ts';

/** A model on a GPU, and what its files say about it. */
export interface Opened {
  readonly melody: MeLoDy;
  readonly adapter: string;
  readonly licence: string | undefined;
}

/** Throws `io`, `weights`, `no_adapter`, `aborted`. */
export async function open(request: GenerateRequest, values: Values, io: Io): Promise<Opened> {
  const line = new ProgressLine(io, { quiet: values.quiet === true });
  const device = deviceOptions(values);
  const { exact } = request.options;
  if (exact && device.device === 'gpu')
    throw new MelodyError('invalid_argument', '--exact is made on the CPU; got --device gpu', 'leave one of them out');
  await askQuietly(exact ? 'cpu' : device.device, io);
  const melody = await MeLoDy.load(request.model, {
    ...device,
    ...redirectHosts(values),
    ...(exact && { device: 'cpu' }),
    signal: io.signal,
    onEvent: (event) => line.hear(event),
  });
  try {
    line.close();
    const { hash, changed = [] } = melody.model.identity ?? {};
    const folder = platform.openFolder(request.model, { ...openingOptions(values, io), cache: true });
    const licence = await licenceOf(folder, io.signal);
    if (changed.length > 0)
      line.warn(`${changed.join(', ')} of the model: not what manifest.json names; the recipe says that these are other weights`);
    const adapter = melody.engine.device.caps.name;
    const { recipe } = request;
    if (recipe?.weights !== undefined && hash !== undefined && recipe.weights !== hash)
      throw new MelodyError(
        'weights',
        `the recipe was made with other weights of ${String(recipe.model)}`,
        'without --recipe, its prompt and seed make something like it',
      );
    if (recipe?.adapter !== undefined && recipe.adapter !== adapter)
      line.warn(`the recipe was made on ${String(recipe.adapter)}, this is ${adapter}: the music is the same, its last bits may differ`);
    const { negativePrompt, lmGuidanceScale = melody.model.config.sampling.lm_guidance ?? 1 } = request.options;
    if (negativePrompt !== undefined && lmGuidanceScale <= 1)
      line.warn(`--negative has no effect at --lm-guidance ${lmGuidanceScale}: over 1 it has, for example 3`);
    return { melody, adapter, licence };
  } catch (error) {
    melody.dispose();
    throw error;
  }
}

/** The recipe with what else decides the bytes of the file. */
export function fileRecipe({ adapter }: Opened, request: GenerateRequest, recipe: Recipe, streamed = false): FileRecipe {
  const { format, inputs, recipe: again } = request;
  const used = Object.entries(inputs).flatMap(([option, input]) =>
    input ? [[option, { sha256: input.sha256, name: input.name }] as const] : [],
  );
  return {
    ...recipe,
    format: format.name,
    adapter,
    ...((streamed || again?.streamed === true) && { streamed: true }),
    ...(used.length > 0 && { inputs: Object.fromEntries(used) }),
  };
}
