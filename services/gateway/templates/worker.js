// The worker of the app: stands in for the network when there is none, and shows what comes while the page is closed.
// Place in the flow: page asked for -> network, or else the page that is shown offline. A new version takes over at once
// and takes the old one's files away; pages themselves are never kept.
const VERSION = {{ (version ~ "-" ~ language().code) | tojson }}; // what is shown offline is in one language
const FILES = {{ files | tojson }};
const SHELL = `shell-${VERSION}`;
const OURS = [SHELL, "last"];
const PAGE_WITHIN_MS = 8_000;
const TAG = "invitation"; // of several messages the last is shown
const WORDS = {
  ring: {{ _("Somebody is free to talk with you. Tap to answer.") | tojson }},
  answered: {{ _("You have answered on another telephone.") | tojson }},
  missed: {{ _("You missed a call. Never mind: we won’t ring again unless you tell us to.") | tojson }},
  gone: {{ _("They had to go, so you need not answer. You keep your place.") | tojson }},
};

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

self.addEventListener("push", (event) => event.waitUntil(tell(read(event.data))));
self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(comeBack());
});
self.addEventListener("pushsubscriptionchange", (event) => event.waitUntil(moved(event)));

function read(data) {
  try {
    const { kind, invitation } = data.json();
    return { kind: Object.hasOwn(WORDS, kind) ? kind : "ring", invitation };
  } catch {
    return { kind: "ring" };
  }
}

// A push has to be shown, or the browser says something of its own; before an open page it is quiet and gone at once.
async function tell({ kind, invitation }) {
  const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const seen = pages.some((one) => one.visibilityState === "visible");
  const before = await self.registration.getNotifications({ tag: TAG });
  const stands = before.some((one) => one.data === invitation);
  const rings = kind === "ring" && !seen && !stands;
  await self.registration.showNotification("Partyline", {
    body: WORDS[kind], tag: TAG, data: invitation, silent: !rings, renotify: rings, requireInteraction: kind === "ring",
    icon: "/static/icons/icon-192.png", badge: "/static/icons/badge-96.png",
  });
  if (seen || (kind === "answered" && !stands)) await takeBack();
}

async function takeBack() {
  for (const one of await self.registration.getNotifications({ tag: TAG })) one.close();
}

async function comeBack() {
  const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const page = pages.find((one) => one.focused) ?? pages[0];
  if (!page) return self.clients.openWindow("/");
  page.postMessage("look");
  return page.focus();
}

// The browser has moved the telephone to another address.
async function moved({ newSubscription, oldSubscription }) {
  const asked = oldSubscription?.options;
  const made = newSubscription ?? (asked && (await self.registration.pushManager.subscribe(asked)));
  if (!made) return; // the next page that is opened puts it right
  const headers = { "Content-Type": "application/json", "Idempotency-Key": crypto.randomUUID() };
  await fetch("/push/subscription", { method: "POST", headers, body: JSON.stringify(made) });
}
