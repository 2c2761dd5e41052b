// What a test hears in the real page: runs before the page's own scripts and changes nothing that they do.
window.heard = []; // {state, words, at}: what the call says of itself, and "bridged" once the page was told so
window.connections = [];
window.asked = 0; // how often for the microphone

const Real = window.RTCPeerConnection;
window.RTCPeerConnection = class extends Real {
  constructor(...given) {
    super(...given);
    window.connections.push(this);
  }
};
const microphone = navigator.mediaDevices; // none on an empty page
const ask = microphone?.getUserMedia.bind(microphone);
if (microphone) microphone.getUserMedia = (what) => {
  window.asked += 1;
  return ask(what);
};

function hear(state, words) {
  if (window.heard.at(-1)?.state !== state) window.heard.push({ state, words, at: Date.now() });
}

document.addEventListener("partyline:call", ({ detail }) => hear(detail.state, detail.words));
document.addEventListener("invitation", ({ detail }) => {
  if (JSON.parse(detail.data).connected) hear("bridged");
});
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-call-prepare]")) hear("accepted");
}, true);

window.sound = async () => {
  const found = { received: 0, sent: 0, energy: 0, ways: [] };
  const stats = (await window.connections.at(-1)?.getStats()) ?? new Map();
  for (const one of stats.values()) {
    if (one.type === "inbound-rtp") [found.received, found.energy] = [one.packetsReceived, one.totalAudioEnergy];
    if (one.type === "outbound-rtp") found.sent = one.packetsSent;
    if (one.type === "candidate-pair" && one.nominated && one.state === "succeeded") {
      found.ways = [stats.get(one.localCandidateId), stats.get(one.remoteCandidateId)].map((way) => way?.candidateType);
    }
  }
  return found;
};
