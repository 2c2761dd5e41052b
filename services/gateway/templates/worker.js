// The worker of the app: stands in for the network when there is none, and shows what comes while the page is closed.
// Place in the flow: page asked for -> network, or else the page that is shown offline. A new version takes over at once
// and takes the old one's files away; pages themselves are never kept.
const VERSION = {{ version | tojson }};
const FILES = {{ files | tojson }};
const SHELL = `shell-${VERSION}`;
const OURS = [SHELL, "last"];
const PAGE_WITHIN_MS = 8_000;

self.addEventListener("install", (event) => event.waitUntil(install()));
self.addEventListener("activate", (event) => event.waitUntil(takeOver()));

async function install() {
  const shell = await caches.open(SHELL);
  await shell.addAll(FILES.map((path) => new Request(path, { cache: "reload" })));
  await self.skipWaiting();
}

async function takeOver() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => !OURS.includes(name)).map((name) => caches.delete(name)));
  await self.clients.claim();
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== location.origin) return;
  if (request.mode === "navigate") event.respondWith(page(request));
  else if (FILES.includes(pathname)) event.respondWith(file(request));
});

async function page(request) {
  const late = new Promise((_, fail) => setTimeout(fail, PAGE_WITHIN_MS));
  try {
    return await Promise.race([fetch(request), late]);
  } catch {
    return (await caches.match("/offline", { cacheName: SHELL })) ?? Response.error();
  }
}

async function file(request) {
  return (await caches.match(request, { cacheName: SHELL })) ?? fetch(request);
}
