// The public API. Everything a program needs, and nothing else.
export { type ErrorCode, MelodyError } from './errors.ts';
