/** The last part of a path or address; of the hub (owner/name/resolve/…) and its cache (models--owner--name/snapshots/…) the name. */
export function modelName(path: string, otherwise: string): string {
  const hub = /models--[\w.-]+?--([\w.-]+)[/\\]/.exec(path)?.[1] ?? /\/([\w.-]+)\/resolve\//.exec(path)?.[1];
  const last = path
    .replace(/[/\\]+$/, '')
    .split(/[/\\]/)
    .pop();
  return hub ?? (last || otherwise);
}
