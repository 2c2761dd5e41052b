// A stand-in for the voice: says that this side hears the other, as long as the call is on the page.
// Place in the flow: [data-call] appears -> heartbeats every 5 s -> bridge.
const BEAT_EVERY_MS = 5000;
let going = null;

function look() {
  const section = document.querySelector("[data-call]");
  if (section === (going && going.section)) return;
  if (going) clearInterval(going.timer);
  going = section && { section, timer: setInterval(() => beat(section), BEAT_EVERY_MS) };
  if (section) beat(section);
}

async function beat(section) {
  const headers = { "Content-Type": "application/json", "Idempotency-Key": crypto.randomUUID() };
  const path = `/calls/${encodeURIComponent(section.dataset.invitation)}/heartbeat`;
  const answer = await fetch(path, { method: "POST", headers, body: '{"connected":true}' }).catch(() => null);
  if (answer && answer.ok && section.isConnected) {
    section.querySelector("[data-call-status]").textContent = section.dataset.wordsConnected;
    section.dispatchEvent(new CustomEvent("partyline:call", { bubbles: true, detail: { state: "connected" } }));
  }
}

new MutationObserver(look).observe(document.body, { childList: true, subtree: true });
look();
