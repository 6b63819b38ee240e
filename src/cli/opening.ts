// How commands open addresses: Ctrl-C ends it, redirects go where they may, and a server that is silent is told of.
import type { OpenOptions } from '../platform/platform.ts';
import type { Io, Values } from './command.ts';
import { ProgressLine } from './generate/progress.ts';
import { redirectHosts } from './locate_model.ts';

export const openingOptions = (values: Values, io: Io): OpenOptions & { signal: AbortSignal } => ({
  signal: io.signal,
  onWait: (address) =>
    new ProgressLine(io, { quiet: values.quiet === true }).hear({
      type: 'waiting',
      file: decodeURIComponent(address.slice(address.lastIndexOf('/') + 1)),
    }),
  ...redirectHosts(values),
});
