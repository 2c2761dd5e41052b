// The voice of a call: the page's side of a WebRTC connection, from both accepts to the end.
//
// Place in the flow: <section data-call data-invitation="ID"> appears -> microphone, way through, sound -> heartbeats
// to the bridge, `partyline:call` events and status words on the page -> the section disappears, and all of it ends.
// Method: perfect negotiation. Side a makes the first offer; when offers cross, b gives way. Each page load has an id
// of its own in every signal: a reloaded page says "I am here now", and the other begins anew with it. Of several windows
// of one person the one that accepted has the call, and later the newest that was loaded or asked to have it.

import { lastWord, newId, request } from "./asking.js";
import { counted, grew, heardSo, NOTHING } from "./hearing.js";
import { acceptedHere, askForMicrophone, keepMicrophone, NoMicrophone, sayThatThereIsNone } from "./microphone.js";
import { hold, stopHolding } from "./ring.js";

const LOOK_MS = 50; // until there is sound
const LOOK_LATER_MS = 500;
const BEAT_MS = 5_000;
const SILENT_MS = 3_000; // without a packet, and we say that the line is being found again
const REPAIR_MS = 5_000; // between two tries to find it
const STUCK_MS = 8_000; // without ever a sound: something that was signalled got lost
const STAND_BY_MS = 2_000; // for another window of the same person, which may have accepted
const ASKED_MS = 1_000; // then the browser is asking about the microphone, and we say so
const GIVE_UP_MS = 60_000; // then the one who stays is told, and is free
const AGAIN_MS = 1_000; // before a line that was closed is opened anew
const SEND_TRIES = 5;
const CANDIDATES_AT_ONCE = 20;

const calls = new Map(); // invitation -> Call

class Call {
  constructor(section, begin) {
    this.invitation = section.dataset.invitation;
    this.signalsTo = `/invitations/${this.invitation}/signal`;
    this.outbox = []; // signals that were not sent yet
    this.sending = false;
    this.seenMyself = false;
    this.over = false;
    this.last = this.beaten = NOTHING;
    this.lastSound = null;
    this.lastBeat = performance.now();
    this.leftAt = null; // when the other's page said that it was closing
    this.muted = false;
    this.stop = new AbortController();
    this.turn = Promise.resolve(); // signals are taken one after another, and not before we are ready
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
    section.querySelector("[data-call-hang-up]")?.addEventListener("click", () => this.end("ended"), options);
    this.mute(this.muted);
    if (this.state) this.show();
    this.play();
  }

  mute(muted) {
    this.muted = muted;
    this.section.querySelector("[data-call-mute]")?.setAttribute("aria-pressed", String(muted));
    for (const track of this.microphone?.getTracks() ?? []) track.enabled = !muted;
  }

  play() {
    const audio = this.section.querySelector("[data-call-audio]");
    if (!audio || !this.sound || audio.srcObject === this.sound) return;
    audio.srcObject = this.sound;
    audio.play().catch(() => {}); // without a gesture some browsers wait for one; `autoplay` plays then
  }

  say(state, words = state) {
    if (this.state === state) return;
    this.state = state;
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
      if (!("RTCPeerConnection" in window)) throw new Error("no WebRTC"); // some browsers let people switch it off
      [, this.ice] = await Promise.all([this.openMicrophone(), this.fetchIce()]);
      if (this.over) return;
      this.beginAnew();
      this.listen();
      this.look();
    } catch (error) {
      if (!this.over) this.giveUp(error instanceof NoMicrophone ? "no-microphone" : "failed");
    }
  }

  async standBy() {
    this.standing = true;
    this.listen();
    await new Promise((resolve) => setTimeout(resolve, STAND_BY_MS));
    this.standing = false;
    this.line.close();
  }

  async openMicrophone() {
    const slow = setTimeout(() => this.over || this.say("asking"), ASKED_MS);
    this.microphone = await askForMicrophone().finally(() => clearTimeout(slow));
    if (!this.over) this.say("connecting");
    for (const track of this.microphone.getTracks()) {
      track.addEventListener("ended", () => this.giveUp("no-microphone"), { signal: this.stop.signal });
    }
    this.mute(this.muted);
    if (this.over) this.close();
  }

  async fetchIce() {
    const answer = await request("GET", `/invitations/${this.invitation}/ice`);
    const ice = await answer.json();
    this.polite = ice.side === "b";
    return { iceServers: ice.ice_servers, iceTransportPolicy: ice.policy };
  }

  giveUp(words) {
    if (this.over) return;
    this.end("failed", words);
    if (words === "no-microphone") sayThatThereIsNone();
    const lost = words !== "no-microphone"; // then both are asked whether they want to go on
    request("POST", `/calls/${this.invitation}/end`, { lost }, SEND_TRIES).catch(() => {}); // so that the other is free
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
    this.line?.close();
    this.connection?.close();
    for (const track of this.microphone?.getTracks() ?? []) track.stop();
    const audio = this.section.querySelector("[data-call-audio]");
    if (audio) audio.srcObject = null;
  }

  // --- signals ---

  listen(since = "") {
    this.line = new EventSource(`/invitations/${this.invitation}/signals${since && `?since=${since}`}`);
    this.line.addEventListener("signal", (event) => {
      since = event.lastEventId;
      this.turn = this.turn.then(() => this.take(JSON.parse(event.data))).catch(() => {}); // garbage ends nothing
    });
    this.line.addEventListener("over", () => this.end("ended"));
    this.line.addEventListener("error", () => {
      if (this.line.readyState === EventSource.CLOSED && !this.over) {
        setTimeout(() => this.over || this.listen(since), AGAIN_MS);
      }
    });
  }

  async take(signal) {
    if (this.over) return;
    if (signal.mine) return this.meetMyself(signal.page);
    if (this.standing) return;
    if (signal.to && signal.to !== this.page) return; // meant for the page that was here before
    if (signal.leaving) return this.otherLeft(signal.page);
    if (signal.page !== this.peer) await this.beginWith(signal.page);
    if (!signal.to) this.signal({ to: this.peer });
    if (signal.description) await this.describe(signal.description);
    for (const candidate of signal.candidates) await this.addCandidate(candidate);
  }

  leave() {
    if (this.peer) lastWord(this.signalsTo, { page: this.page, to: this.peer, leaving: true });
  }

  otherLeft(page) {
    if (page !== this.peer) return; // the last word of a page that was loaded again came late
    this.leftAt = performance.now();
    this.say("reconnecting", "away");
  }

  meetMyself(page) {
    if (page === this.page) this.seenMyself = true;
    else if (this.seenMyself || this.standing) this.end("elsewhere"); // the newest page of a person has their call
  }

  signal(said) {
    const waiting = this.outbox.at(-1);
    const room = waiting && waiting.candidates.length < CANDIDATES_AT_ONCE;
    if (room && said.candidates && waiting.to === said.to) waiting.candidates.push(...said.candidates);
    else this.outbox.push({ page: this.page, candidates: [], ...said });
    this.send();
  }

  async send() {
    if (this.sending) return;
    this.sending = true;
    while (this.outbox.length && !this.over) {
      const signal = this.outbox.shift(); // one at a time keeps their order; what comes meanwhile goes together
      await request("POST", this.signalsTo, signal, SEND_TRIES).catch(() => {});
    }
    this.sending = false;
  }

  // --- the connection ---

  beginAnew() {
    this.repaired = performance.now();
    this.page = newId();
    this.peer = null;
    this.signal({}); // I am here now
  }

  async beginWith(peer) {
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
      if (candidate && connection === this.connection) this.signal({ to: peer, candidates: [candidate.toJSON()] });
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
    this.signal({ to: this.peer, description: { type, sdp } });
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
    if (this.lastSound === null || this.restarts > 0) return this.beginAnew();
    this.restarts += 1;
    const connection = this.connection;
    const ice = await this.fetchIce().catch(() => this.ice); // the passwords may be old by now
    if (connection !== this.connection || this.over) return;
    this.ice = ice;
    connection.setConfiguration(ice);
    connection.restartIce();
  }

  // --- looking whether there is sound, and telling the bridge ---

  async look() {
    const packets = await counted(this.connection);
    if (this.over) return;
    const now = performance.now();
    const leaving = this.leftAt !== null && now - this.leftAt < SILENT_MS; // what still comes was on its way
    if (grew(this.last, packets) && !leaving) {
      this.last = packets;
      this.leftAt = null;
      const first = this.lastSound === null;
      this.lastSound = now;
      this.say("connected");
      if (first) this.beat(packets);
    } else if (this.lastSound !== null && now - this.lastSound > SILENT_MS) {
      this.say("reconnecting");
      if (now - this.lastSound > GIVE_UP_MS) return this.giveUp("lost");
    }
    if (this.lost(now) && now - this.repaired > REPAIR_MS) this.repair();
    if (now - this.lastBeat > BEAT_MS) this.beat(packets);
    this.timer = setTimeout(() => this.look(), this.state === "connected" ? LOOK_LATER_MS : LOOK_MS);
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

// The window that let go may take its call back.
document.addEventListener("click", (event) => {
  const section = event.target.closest?.("[data-call-here]")?.closest("[data-call]");
  if (section) calls.set(section.dataset.invitation, new Call(section, true));
});
new MutationObserver(scan).observe(document.documentElement, { childList: true, subtree: true });
scan();
