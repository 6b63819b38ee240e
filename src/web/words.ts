// Numbers and faults in words, for every view.

/** 28311552 → "28 MB". */
export function megabytes(bytes: number): string {
  const mb = bytes / 1e6;
  return `${mb < 10 ? mb.toFixed(1) : Math.round(mb)} MB`;
}

/** A fault and what to do about it, as one or two sentences. */
export function sentence({ message, hint }: { message: string; hint?: string | undefined }): string {
  const upper = (text: string) => (/^\w+:\/\//.test(text) ? text : text.charAt(0).toUpperCase() + text.slice(1)); // addresses stay
  const end = (text: string) => (/[.!?]$/.test(text) ? text : `${text}.`);
  return hint ? `${end(upper(message))} ${end(upper(hint))}` : end(upper(message));
}
