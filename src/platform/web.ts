// Browsers and workers: navigator.gpu, addresses through fetch, downloads kept in the Cache API.
import { MelodyError } from '../errors.ts';
import { type ByteFolder, type ByteSource, blobSource, memorySource } from './bytes.ts';
import { openCached } from './cache.ts';
import { checkAddress, checkRedirect, type Follow, httpFolder, openHttp } from './http.ts';
import type { BytesLocation, OpenOptions, Platform } from './platform.ts';
import { webCache, webFacts, webStore } from './web_cache.ts';

async function openGpu(): Promise<GPU> {
  const gpu = globalThis.navigator?.gpu;
  if (gpu) return gpu;
  const secure = globalThis.isSecureContext !== false;
  throw new MelodyError(
    'no_adapter',
    secure ? 'this browser has no WebGPU' : 'WebGPU needs a secure page; got an http address that is not this machine',
    secure ? 'use a current Chrome, Edge, Safari or Firefox' : 'open the page over https',
  );
}

/** A page cannot see the stops of a redirect (and a browser guards private networks itself), but it sees where it ended. */
const follow =
  ({ redirectHosts = [], fetch: ask = fetch }: OpenOptions): Follow =>
  async (address, init) => {
    const response = await ask(address, { ...init, redirect: 'follow' });
    if (response.redirected) checkRedirect(address, new URL(response.url), redirectHosts);
    return response;
  };

async function openBytes(location: BytesLocation, options: OpenOptions = {}): Promise<ByteSource> {
  if (location instanceof Blob) return blobSource(location instanceof File ? location.name : 'Blob', location);
  if (location instanceof ArrayBuffer || location instanceof Uint8Array) return memorySource('buffer', location);
  if (typeof location !== 'string' && !(location instanceof URL)) {
    throw new MelodyError('invalid_argument', `got ${typeof location}, expected an address or bytes`);
  }
  return openAddress(checkAddress(location, pageAddress()), options);
}

function openAddress(address: URL, options: OpenOptions): Promise<ByteSource> {
  const connect = () => openHttp(address, follow(options), options.signal, options.onWait);
  return options.cache ? openCached(address.href, webStore(address.href), connect, options) : connect();
}

function openFolder(location: string | URL, options: OpenOptions = {}): ByteFolder {
  return httpFolder(checkAddress(location, pageAddress()), (address) => openAddress(address, options));
}

/** What relative addresses are relative to. */
const pageAddress = () => globalThis.location?.href;

export const platform: Platform = {
  name: 'web',
  openGpu,
  openBytes,
  openFolder,
  runtime: globalThis.navigator?.userAgent ?? 'web',
  facts: webFacts,
  freeMemory: () => undefined,
  cache: webCache(),
};
