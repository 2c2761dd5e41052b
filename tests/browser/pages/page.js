// The least page that a call needs: shows what /live tells, and the call's section while there is a call.
window.heard = [];
window.invitation = null;
window.connections = [];
const Real = window.RTCPeerConnection;
window.RTCPeerConnection = class extends Real {
  constructor(...given) {
    super(...given);
    window.connections.push(this);
  }
};
const main = document.getElementById("main");

function write(path, body = {}) {
  const headers = { "Content-Type": "application/json", "Idempotency-Key": crypto.randomUUID() };
  return fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
}

function draw(invitation) {
  const there = main.querySelector("[data-call]");
  if (invitation?.state !== "confirmed") return there?.remove();
  if (there?.dataset.invitation === invitation.invitation) return;
  main.innerHTML = `<section data-call data-invitation="${invitation.invitation}" data-words-connected="You hear each other.">
    <p data-call-status role="status"></p>
    <button data-call-mute aria-pressed="false">Mute</button>
    <button data-call-hang-up>Hang up</button>
    <audio data-call-audio autoplay></audio></section>`;
  main.querySelector("[data-call-hang-up]").onclick = () => write(`/calls/${invitation.invitation}/end`);
}

function see(invitation) {
  if (!invitation) return;
  const state = invitation.connected ? "/connected" : `/${invitation.state}`;
  if (window.shown !== state) window.heard.push({ state, at: Date.now() });
  window.shown = state;
  window.invitation = invitation;
  draw(invitation);
}

document.addEventListener("partyline:call", ({ detail, target }) => {
  window.words = target.querySelector("[data-call-status]").textContent;
  window.heard.push({ state: detail.state, words: window.words, at: Date.now() });
});
const live = new EventSource("/live");
live.addEventListener("snapshot", (event) => see(JSON.parse(event.data).invitation));
live.addEventListener("invitation", (event) => see(JSON.parse(event.data)));
window.accept = (at = Date.now()) => write(`/invitations/${window.invitation.invitation}/accept`).then(() => at);
window.sound = async () => {
  const found = { received: 0, sent: 0, energy: 0, pair: [] };
  const connection = window.connections.at(-1);
  if (!connection) return found;
  const stats = await connection.getStats();
  for (const one of stats.values()) {
    if (one.type === "inbound-rtp") [found.received, found.energy] = [one.packetsReceived, one.totalAudioEnergy];
    if (one.type === "outbound-rtp") found.sent = one.packetsSent;
    if (one.type === "candidate-pair" && one.nominated && one.state === "succeeded") {
      found.pair = [stats.get(one.localCandidateId), stats.get(one.remoteCandidateId)].map((way) => way?.candidateType);
    }
  }
  return found;
};
document.getElementById("accept").onclick = () => window.accept();
