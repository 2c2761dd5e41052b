// How the page of a call asks the gateway: each write with an Idempotency-Key that its repeats keep.
// Place in the flow: call.js -> **this** -> the gateway's routes.
const AGAIN_MS = 1_000;

export function newId() {
  return crypto.randomUUID();
}

// From a page that is being closed: nobody is left to try again.
export function lastWord(path, body) {
  const headers = { "Content-Type": "application/json", "Idempotency-Key": newId() };
  fetch(path, { method: "POST", headers, body: JSON.stringify(body), keepalive: true }).catch(() => {});
}

export async function request(method, path, body, tries = 1) {
  const headers = method === "GET" ? {} : { "Content-Type": "application/json", "Idempotency-Key": newId() };
  for (;;) {
    tries -= 1;
    const answer = await fetch(path, { method, headers, body: body && JSON.stringify(body) }).catch(() => null);
    if (answer?.ok) return answer;
    const passing = !answer || answer.status === 429 || answer.status >= 500;
    if (!passing || tries <= 0) throw Object.assign(new Error(path), { status: answer?.status });
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
}
