// How scripts of the page ask the gateway: each write with an Idempotency-Key that its repeats keep, none for ever.
// Place in the flow: call.js, signals.js, passkey.js, push.js -> **this** -> the gateway's routes.
const LIMIT_MS = 5_000; // a connection that died in a tunnel says nothing, and others must not wait behind it
const AGAIN_MS = 1_000;

// From a page that is being closed: nobody is left to try again.
export function lastWord(path, body) {
  fetch(path, { ...asWrite("POST", body), keepalive: true }).catch(() => {});
}

// What was answered. What may pass is tried again, as long as it is `wanted`.
export async function request(method, path, body, tries = 1, wanted = () => true) {
  const asked = method === "GET" ? {} : asWrite(method, body);
  for (;;) {
    tries -= 1;
    const answer = await once(path, asked);
    if (answer?.ok) return answer.said && JSON.parse(answer.said);
    const passing = !answer || answer.status === 429 || answer.status >= 500;
    if (!passing || tries <= 0 || !wanted()) throw Object.assign(new Error(path), { status: answer?.status });
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
}

function asWrite(method, body) {
  const headers = { "Content-Type": "application/json", "Idempotency-Key": crypto.randomUUID() };
  return { method, headers, body: JSON.stringify(body) };
}

async function once(path, asked) {
  try {
    const answer = await fetch(path, { ...asked, signal: AbortSignal.timeout(LIMIT_MS) });
    return { ok: answer.ok, status: answer.status, said: await answer.text() };
  } catch {
    return null;
  }
}
