// The last state that was seen, for whoever opens the app in a tunnel: kept on this telephone, of one person, until they
// sign out. Place in the flow: a view was put into `main` -> **last** -> the page that is shown offline.
const CACHE = "last";
const ENTRY = "/last";
const KEPT = ["home", "waiting", "missed", "paused", "held", "ringing", "accepted", "call", "outcome"];
const OLD_MS = 12 * 3_600_000; // no window is longer, so what is older tells nothing

const here = globalThis.caches; // only where an address is safe

export async function keepLast(shown) {
  if (!here || !KEPT.includes(shown.dataset.view)) return;
  const kept = await here.open(CACHE);
  await kept.put(ENTRY, new Response(JSON.stringify({ at: Date.now(), html: shown.innerHTML })));
}

export async function forgetLast() {
  await here?.delete(CACHE);
}

export async function readLast() {
  const answer = await here?.match(ENTRY, { cacheName: CACHE });
  const last = answer && (await answer.json());
  return last && Math.abs(Date.now() - last.at) < OLD_MS ? last : null;
}

export function clockTime(at) {
  return new Date(at).toLocaleTimeString(document.documentElement.lang, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
}
