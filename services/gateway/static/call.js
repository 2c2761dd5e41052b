// The voice of a call: the page's side of a WebRTC connection, from both accepts to the end.
//
// Place in the flow: <section data-call data-invitation="ID"> appears -> microphone, way through, sound -> heartbeats
// to the bridge, `partyline:call` events and status words on the page -> the section disappears, and all of it ends.
// Method: perfect negotiation. Side a makes the first offer; when offers cross, b gives way. Each page load has an id
// of its own in every signal: a reloaded page says "I am here now", and the other begins anew with it. Of several windows
// of one person the one that accepted has the call, and later the newest that was loaded or asked to have it.

import { request } from "./asking.js";
import { counted, grew, heardSo, NOTHING } from "./hearing.js";
import "./left.js";
import { acceptedHere, askForMicrophone, isMuted, keepMicrophone, keepMuted, sayUnable, Unable } from "./microphone.js";
import { hold, stopHolding } from "./ring.js";
import { Signals } from "./signals.js";

const LOOK_MS = 50; // until there is sound
const LOOK_LATER_MS = 500;
const BEAT_MS = 5_000;
const SILENT_MS = 3_000; // without a packet, and we say that the line is being found again
const REPAIR_MS = 5_000; // between two tries to find it
const STUCK_MS = 8_000; // without ever a sound: something that was signalled got lost
const STAND_BY_MS = 2_000; // for another window of the same person, which may have accepted
const ASKED_MS = 1_000; // then the browser is asking about the microphone, and we say so
const GIVE_UP_MS = 60_000; // then the one who stays is told, and is free
const PASSWORDS_MS = 240_000; // then the way through is asked for again: they are good for five minutes
const ASK_TRIES = 5;
const FOR_GOOD = "for good"; // the other hung up, and is not waited for

const calls = new Map(); // invitation -> Call
const windows = new BroadcastChannel("call"); // the others of this browser hear in which call somebody has hung up

class Call {
  constructor(section, begin) {
    this.invitation = section.dataset.invitation;
    this.signals = new Signals(this.invitation, (signal) => this.take(signal), () => this.end("ended"));
    this.seenMyself = false;
    this.over = false;
    this.last = this.beaten = NOTHING;
    this.lastSound = null;
    this.lastBeat = performance.now();
    this.leftAt = null; // when the other's page said that it was closing
    this.muted = isMuted(this.invitation);
    this.hushedAt = null; // when the telephone began to keep our voice back
    this.stop = new AbortController();
    this.attach(section);
    addEventListener("pagehide", () => this.leave(), { signal: this.stop.signal });
    this.say("connecting");
    this.start(begin);
  }

  // --- the page ---

  attach(section) {
    this.section = section;
    const options = { signal: this.stop.signal };
    section.querySelector("[data-call-mute]")?.addEventListener("click", () => this.mute(!this.muted), options);
    this.showMuted();
    if (this.state) this.show();
    this.play();
  }

  mute(muted) {
    this.muted = muted;
    keepMuted(this.invitation, muted);
    this.showMuted();
  }

  showMuted() {
    this.section.querySelector("[data-call-mute]")?.setAttribute("aria-pressed", String(this.muted));
    for (const track of this.microphone?.getTracks() ?? []) track.enabled = !this.muted;
  }

  play() {
    const audio = this.section.querySelector("[data-call-audio]");
    if (!audio || !this.sound || audio.srcObject === this.sound) return;
    audio.srcObject = this.sound;
    audio.play().catch(() => {}); // without a gesture some browsers wait for one; `autoplay` plays then
  }

  say(state, words = state) {
    if (this.state === state && this.saying === words) return;
    this.state = state;
    this.saying = words;
    this.words = this.section.getAttribute(`data-words-${words}`);
    this.show();
    (state === "reconnecting" ? hold : stopHolding)();
    const detail = { state, invitation: this.invitation, words: this.words };
    this.section.dispatchEvent(new CustomEvent("partyline:call", { bubbles: true, detail }));
  }

  show() {
    const status = this.section.querySelector("[data-call-status]");
    if (status && status.textContent !== this.words) status.textContent = this.words;
    this.section.dataset.callState = this.state;
  }

  // --- from the start to the end ---

  async start(begin) {
    if (!begin) await this.standBy();
    if (this.over) return;
    try {
      await Promise.all([this.openMicrophone(), this.fetchIce(ASK_TRIES)]);
      if (this.over) return;
      this.beginAnew();
      this.signals.listen();
      this.look();
    } catch (error) {
      if (!this.over) this.giveUp(error instanceof Unable ? error.why : "failed");
    }
  }

  async standBy() {
    this.standing = true;
    this.signals.listen();
    await new Promise((resolve) => setTimeout(resolve, STAND_BY_MS));
    this.standing = false;
    this.signals.hearAll();
  }

  async openMicrophone() {
    const slow = setTimeout(() => this.over || this.say("asking"), ASKED_MS);
    this.microphone = await askForMicrophone().finally(() => clearTimeout(slow));
    if (!this.over) this.say("connecting");
    for (const track of this.microphone.getTracks()) {
      track.addEventListener("ended", () => this.giveUp("no-microphone"), { signal: this.stop.signal });
      track.addEventListener("mute", () => { this.hushedAt = performance.now(); }, { signal: this.stop.signal });
      track.addEventListener("unmute", () => { this.hushedAt = null; }, { signal: this.stop.signal });
    }
    this.showMuted();
    if (this.over) this.close();
  }

  async fetchIce(tries) {
    const ice = await request("GET", `/invitations/${this.invitation}/ice`, null, tries);
    this.polite = ice.side === "b";
    this.ice = { iceServers: ice.ice_servers, iceTransportPolicy: ice.policy };
    this.fetchedAt = performance.now();
  }

  // What we have does rather than nothing.
  async freshenIce() {
    if (performance.now() - this.fetchedAt > PASSWORDS_MS) await this.fetchIce(1).catch(() => {});
  }

  giveUp(words) {
    if (this.over) return;
    this.end("failed", words);
    const unable = words === "no-microphone" || words === "no-calls";
    if (unable) sayUnable(words);
    this.free(!unable); // if it was lost, both are asked whether they want to go on
  }

  // So that nobody has to wait for anybody.
  free(lost) {
    request("POST", `/calls/${this.invitation}/end`, { lost }, ASK_TRIES).catch(() => {});
  }

  hangUp() {
    if (this.over) return;
    this.leave(FOR_GOOD);
    this.end("ended");
  }

  end(state, words = state) {
    if (this.over) return;
    this.say(state, words);
    this.close();
  }

  close() {
    this.over = true;
    this.stop.abort();
    clearTimeout(this.timer);
    stopHolding();
    this.signals.close();
    this.connection?.close();
    for (const track of this.microphone?.getTracks() ?? []) track.stop();
    const audio = this.section.querySelector("[data-call-audio]");
    if (audio) audio.srcObject = null;
  }

  // --- signals ---

  async take(signal) {
    if (this.over) return;
    if (signal.mine) return this.meetMyself(signal.page);
    if (this.standing) return;
    if (signal.to && signal.to !== this.signals.page) return; // meant for the page that was here before
    if (signal.leaving) return this.otherLeft(signal.page, signal.leaving);
    if (signal.page !== this.peer) await this.beginWith(signal.page);
    if (signal.page !== this.peer) return; // it is over, or we have begun anew
    if (!signal.to) this.signals.tell({ to: this.peer });
    if (signal.description) await this.describe(signal.description);
    for (const candidate of signal.candidates) await this.addCandidate(candidate);
  }

  leave(leaving = true) {
    if (this.peer) this.signals.tellLast({ to: this.peer, leaving });
  }

  otherLeft(page, leaving) {
    if (page !== this.peer) return; // the last word of a page that was loaded again came late
    if (leaving === FOR_GOOD) {
      this.end("ended");
      return this.free(false); // they may be in a tunnel, and this all that came through
    }
    this.leftAt = performance.now();
    this.say("reconnecting", "away");
  }

  meetMyself(page) {
    if (page === this.signals.page) this.seenMyself = true;
    else if (this.seenMyself || this.standing) this.end("elsewhere"); // the newest page of a person has their call
  }

  // --- the connection ---

  beginAnew() {
    this.repaired = performance.now();
    this.signals.begin();
    this.peer = null;
    this.signals.tell({}); // I am here now
  }

  async beginWith(peer) {
    const page = this.signals.page;
    await this.freshenIce();
    if (this.over || page !== this.signals.page) return;
    this.connection?.close();
    this.peer = peer;
    this.leftAt = null;
    this.early = [];
    this.making = false;
    const connection = new RTCPeerConnection(this.ice);
    this.connection = connection;
    this.last = this.beaten = NOTHING;
    this.repaired = performance.now();
    this.restarts = 0;
    connection.onnegotiationneeded = () => this.offer(connection);
    connection.onicecandidate = ({ candidate }) => {
      if (candidate && connection === this.connection) this.signals.tell({ to: peer, candidates: [candidate.toJSON()] });
    };
    connection.onicegatheringstatechange = () => this.lookForAWay(connection);
    connection.ontrack = ({ track }) => {
      this.sound = new MediaStream([track]);
      this.play();
    };
    if (!this.polite) this.addMicrophone(); // b adds it when it has the offer, so that offers seldom cross
  }

  addMicrophone() {
    if (this.connection.getSenders().some((sender) => sender.track)) return;
    for (const track of this.microphone.getTracks()) this.connection.addTrack(track, this.microphone);
  }

  async offer(connection) {
    try {
      this.making = true;
      await connection.setLocalDescription();
      this.sendDescription(connection);
    } catch {
      // it was closed meanwhile, or the other's offer came first
    } finally {
      this.making = false;
    }
  }

  sendDescription(connection) {
    if (connection !== this.connection) return;
    const { type, sdp } = connection.localDescription;
    this.signals.tell({ to: this.peer, description: { type, sdp } });
  }

  async describe(description) {
    const connection = this.connection;
    const crossing = description.type === "offer" && (this.making || connection.signalingState !== "stable");
    if (crossing && !this.polite) return;
    await connection.setRemoteDescription(description);
    if (description.type === "offer") {
      this.addMicrophone();
      await connection.setLocalDescription();
      this.sendDescription(connection);
    }
    for (const candidate of this.early.splice(0)) await this.addCandidate(candidate);
  }

  async addCandidate(candidate) {
    if (!this.connection.remoteDescription) return this.early.push(candidate);
    try {
      await this.connection.addIceCandidate(candidate);
    } catch {
      // one of an offer that was ignored, or garbage: the others may do
    }
  }

  lookForAWay(connection) {
    if (connection !== this.connection || connection.iceGatheringState !== "complete") return;
    const found = /^a=candidate:/m.test(connection.localDescription?.sdp ?? "");
    if (!found && this.lastSound === null) this.giveUp("failed"); // as when the TURN server does not know us
  }

  async repair() {
    this.repaired = performance.now();
    this.signals.listen(); // a line that died in a tunnel may not know it
    if (this.lastSound === null || this.restarts > 0) return this.beginAnew();
    this.restarts += 1;
    const connection = this.connection;
    await this.freshenIce();
    if (connection !== this.connection || this.over) return;
    connection.setConfiguration(this.ice);
    connection.restartIce();
  }

  // --- looking whether there is sound, and telling the bridge ---

  async look() {
    const packets = await counted(this.connection);
    if (this.over) return;
    const now = performance.now();
    const leaving = this.leftAt !== null && now - this.leftAt < SILENT_MS; // what still comes was on its way
    if (grew(this.last, packets, this.hushedAt !== null) && !leaving) {
      this.last = packets;
      this.leftAt = null;
      const first = this.lastSound === null;
      this.lastSound = now;
      this.say("connected", this.isHushed(now) ? "hushed" : "connected");
      if (first) this.beat(packets);
    } else if (this.lastSound !== null && now - this.lastSound > SILENT_MS) {
      if (this.state !== "reconnecting") this.say("reconnecting");
      if (now - this.lastSound > GIVE_UP_MS) return this.giveUp("lost");
    }
    if (this.lost(now) && now - this.repaired > REPAIR_MS) this.repair();
    if (now - this.lastBeat > BEAT_MS) this.beat(packets);
    this.timer = setTimeout(() => this.look(), this.state === "connected" ? LOOK_LATER_MS : LOOK_MS);
  }

  // For long: a telephone that rings takes the microphone for a moment.
  isHushed(now) {
    return this.hushedAt !== null && now - this.hushedAt > SILENT_MS;
  }

  lost(now) {
    if (this.lastSound === null) return now - this.repaired > STUCK_MS;
    return this.connection.connectionState === "failed" || now - this.lastSound > SILENT_MS;
  }

  async beat(packets) {
    const connected = grew(this.beaten, packets);
    const quality = connected ? heardSo(this.beaten, packets) : null;
    this.beaten = packets;
    this.lastBeat = performance.now();
    try {
      await request("POST", `/calls/${this.invitation}/heartbeat`, { connected, quality });
    } catch (error) {
      if (error.status === 404 || error.status === 409) this.end("ended");
    }
  }
}

// --- the page, as it changes ---

function scan(changed) {
  keepMicrophone();
  const there = new Map();
  for (const section of document.querySelectorAll("[data-call][data-invitation]")) {
    there.set(section.dataset.invitation, section);
  }
  for (const [invitation, call] of calls) {
    const section = there.get(invitation);
    if (!section) {
      call.close();
      calls.delete(invitation);
    } else if (section !== call.section) {
      call.attach(section); // drawn anew: the call goes on
    }
  }
  for (const [invitation, section] of there) {
    if (!calls.has(invitation)) calls.set(invitation, new Call(section, !changed || acceptedHere()));
  }
}

// The window that let go may take its call back. Whichever is told to hang up, nothing is heard in any of them any more.
document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-call-here], [data-call-hang-up]");
  const section = button?.closest("[data-call]");
  if (!section) return;
  const { invitation } = section.dataset;
  if (button.matches("[data-call-here]")) return calls.set(invitation, new Call(section, true));
  calls.get(invitation)?.hangUp();
  windows.postMessage(invitation);
});
windows.addEventListener("message", ({ data }) => calls.get(data)?.hangUp());
new MutationObserver(scan).observe(document.documentElement, { childList: true, subtree: true });
scan();
