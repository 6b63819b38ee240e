/** Set by tools/build.mjs from package.json. */
declare const MELODY_VERSION: string | undefined;

/** The version of this build; run from the sources it is unknown. */
export const version: string = typeof MELODY_VERSION === 'string' ? MELODY_VERSION : '0.0.0-source';
