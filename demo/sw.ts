// The service worker: the page itself opens offline. Its few files come from the network where there is one, else as kept last; weights are
// not its business (src/web/model_files.ts). And it isolates the page, which servers of plain files cannot: from the second visit on the
// processor computes with threads.

const CACHE = 'melody-page-1';
const scope = globalThis as unknown as {
  skipWaiting(): Promise<void>;
  clients: { claim(): Promise<void> };
  registration: { scope: string };
  addEventListener(
    type: string,
    listener: (event: { request: Request; waitUntil(p: Promise<unknown>): void; respondWith(p: Promise<Response>): void }) => void,
  ): void;
};
/** Everything of the page; the build checks that none is forgotten. */
declare const PAGE_FILES: string[];
/** What is kept once it was asked for. */
declare const LATER_FILES: string[];

/** By which a browser lets a page share memory among threads; its workers' scripts must say so too. */
const ISOLATED = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' };

scope.addEventListener('install', (event) => {
  event.waitUntil(
    caches
      .open(CACHE)
      .then((cache) => cache.addAll(PAGE_FILES))
      .then(() => scope.skipWaiting()),
  );
});

scope.addEventListener('activate', (event) => event.waitUntil(scope.clients.claim()));

scope.addEventListener('fetch', (event) => {
  const { request } = event;
  const path = new URL(request.url).href.slice(scope.registration.scope.length).replace(/\?.*/, '') || './';
  if (request.method !== 'GET' || request.headers.has('range') || ![...PAGE_FILES, ...LATER_FILES].includes(path)) return;
  event.respondWith(fresh(request).then(isolated));
});

async function fresh(request: Request): Promise<Response> {
  const cache = await caches.open(CACHE);
  try {
    const response = await fetch(request);
    if (response.ok) await cache.put(request.url.replace(/\?.*/, ''), response.clone());
    return response;
  } catch (error) {
    const kept = await cache.match(request, { ignoreSearch: true });
    if (kept) return kept;
    throw error;
  }
}

function isolated({ body, status, statusText, headers: given }: Response): Response {
  const headers = new Headers(given);
  for (const [name, value] of Object.entries(ISOLATED)) headers.set(name, value);
  return new Response(body, { status, statusText, headers });
}
