// What the pages of a call tell each other, through the gateway: in order, and one at a time.
//
// Place in the flow: call.js -> **signals** -> the gateway -> the other's page. Each page has an id of its own, which it
// gives up when it begins anew: what it had still to say is of no use then. The line on which we hear may die in a tunnel
// and not know it; it can be opened anew at any time, and goes on after what was heard last.

import { lastWord, request } from "./asking.js";

const AGAIN_MS = 1_000; // before a line that was closed is opened anew
const SEND_TRIES = 5;
const CANDIDATES_AT_ONCE = 20;

export class Signals {
  constructor(invitation, take, over) {
    this.invitation = invitation;
    this.take = take;
    this.over = over;
    this.page = null;
    this.waiting = [];
    this.sending = false;
    this.turn = Promise.resolve(); // they are taken one after another
    this.hearAll();
  }

  // As another page from now on.
  begin() {
    this.waiting = [];
    this.page = crypto.randomUUID();
  }

  // What comes while another is on its way goes together.
  tell(said) {
    const last = this.waiting.at(-1);
    const room = last && last.candidates.length < CANDIDATES_AT_ONCE;
    if (room && said.candidates && last.to === said.to) last.candidates.push(...said.candidates);
    else this.waiting.push({ page: this.page, candidates: [], ...said });
    this.send();
  }

  tellLast(said) {
    lastWord(this.path, { page: this.page, ...said });
  }

  get path() {
    return `/invitations/${this.invitation}/signal`;
  }

  async send() {
    if (this.sending) return;
    this.sending = true;
    while (this.waiting.length) {
      const signal = this.waiting.shift();
      await request("POST", this.path, signal, SEND_TRIES, () => signal.page === this.page).catch(() => {});
    }
    this.sending = false;
  }

  listen() {
    this.line?.close();
    const line = new EventSource(`${this.path}s${this.since && `?since=${this.since}`}`);
    this.line = line;
    line.addEventListener("signal", (event) => {
      this.since = event.lastEventId;
      this.turn = this.turn.then(() => this.take(JSON.parse(event.data))).catch(() => {}); // garbage ends nothing
    });
    line.addEventListener("over", this.over);
    line.addEventListener("error", () => {
      if (line.readyState !== EventSource.CLOSED) return;
      setTimeout(() => line === this.line && this.listen(), AGAIN_MS);
    });
  }

  // From the first of this call on, when it is listened to next.
  hearAll() {
    this.hearNothing();
    this.since = "";
  }

  hearNothing() {
    this.line?.close();
    this.line = null;
  }

  close() {
    this.hearNothing();
    this.waiting = [];
    this.page = null;
  }
}
