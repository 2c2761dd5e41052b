// Small manners of the page that HTML alone does not have: where the focus goes, what is read out, the seconds left,
// the ring, and what to do when the line is lost. Place in the flow: a view was put into `main` -> this.
import { count } from "./counting.js";
import { installWorker } from "./installed.js";
import { clockTime, forgetLast, keepLast } from "./last.js";
import { offer } from "./passkey.js";
import { offerRinging, settleRinging, takeBackMessages } from "./push.js";
import { ring, stopRinging, tellWhetherItRings } from "./ring.js";

const LINE_AGAIN_MS = 3000;
const TICK_MS = 250;
const LAST_WORDS_IN = ["call", "broke", "outcome"];

const main = document.getElementById("main");
const said = document.getElementById("said");
const trouble = document.getElementById("trouble");
const line = document.getElementById("line");
const { noLine: NO_LINE, crowded: CROWDED } = trouble.dataset;
let endsAt = null;
let shown = null;
let focused = ""; // the words of what had the focus
let lastWords = ""; // of a call that failed
let offlineWords = "";
let lookedAt = Date.now(); // when what is shown was last known to be so
const signedIn = main.hasAttribute("hx-get");

function arrive(first) {
  const before = shown && subject();
  shown = document.getElementById("showing");
  if (isOutdated()) {
    location.assign("/");
    return;
  }
  offer(shown);
  offerRinging(shown);
  takeBackMessages();
  tellWhetherItRings(shown);
  if (signedIn) keepLast(shown);
  else if (atTheDoor()) forgetLast();
  if (!LAST_WORDS_IN.includes(shown.dataset.view)) untell(lastWords);
  const heading = main.querySelector("h1");
  if (!first) {
    const kept = main.querySelector("[autofocus]") ?? (subject() === before ? focusedBefore() : null);
    if (!kept) window.scrollTo(0, 0);
    heading?.setAttribute("tabindex", "-1");
    (kept ?? heading)?.focus();
  }
  const seconds = main.querySelector("[data-seconds]");
  endsAt = seconds && performance.now() + 1000 * Number(seconds.dataset.seconds);
  said.textContent = heading?.dataset.said ?? "";
  if (heading?.hasAttribute("data-ring")) ring();
  else stopRinging();
}

// Whether another version of the gateway drew this view: then the scripts and styles around it are not those it expects.
function isOutdated() {
  const calm = "calm" in shown.dataset && !main.querySelector(".notice[role=alert], [aria-invalid]");
  return calm && shown.dataset.version !== main.dataset.version;
}

// Whoever is asked for their number is not signed in here any more; a page that is not there tells nothing of it.
function atTheDoor() {
  return shown.dataset.view === "sign_in";
}

// The view, and the invitation or the note that it shows.
function subject() {
  return shown.dataset.showing.split(":", 2).join(":");
}

// Where the focus was, if the same view was drawn anew: what somebody is about to press must not move away.
function focusedBefore() {
  const all = [...main.querySelectorAll("button, a, summary")];
  return all.find((one) => focused && one.textContent.trim() === focused);
}

// Whether somebody is in the middle of a form: what they typed or chose must not be taken from them.
function isFillingIn() {
  const fields = [...main.querySelectorAll("input:not([type=hidden]), textarea")];
  return fields.some((one) => one === document.activeElement || one.value !== one.defaultValue || one.checked !== one.defaultChecked);
}

function tick() {
  const seconds = main.querySelector("[data-seconds]");
  if (!seconds || endsAt === null) return;
  const left = Math.max(0, Math.ceil((endsAt - performance.now()) / 1000));
  if (String(left) === seconds.textContent) return;
  count(seconds.parentElement, left);
  if (left === 10) said.textContent = said.dataset.tenLeft;
  if (left === 0) look();
}

function tell(words) {
  trouble.textContent = words;
  trouble.hidden = words === "";
}

function untell(...words) {
  if (words.includes(trouble.textContent)) tell("");
}

function tellOffline() {
  offlineWords = trouble.dataset.offline.replace("[time]", clockTime(lookedAt));
  tell(offlineWords);
}

function tellNoLine() {
  if (navigator.onLine) tell(NO_LINE);
  else tellOffline();
}

function look() {
  if (signedIn) htmx.trigger(main, "look", {}, false);
}

// What `main` shows is said when the request goes out, not when it was asked for: it may have waited behind a form.
document.addEventListener("htmx:before:request", (event) => {
  const { ctx } = event.detail;
  if (ctx.sourceElement !== main) return;
  const showing = encodeURIComponent(shown.dataset.showing);
  ctx.request.action = `/view?showing=${showing}&version=${main.dataset.version}`;
});
document.addEventListener("htmx:before:swap", (event) => {
  const { ctx } = event.detail;
  if (ctx.sourceElement === main && isFillingIn() && ctx.text.includes(`data-view="${shown.dataset.view}"`)) {
    event.preventDefault(); // more is known of the same: that can wait until they are done
    return;
  }
  const one = document.activeElement;
  focused = main.contains(one) ? one.textContent.trim() : "";
});
// htmx tells of a swap even when the answer was that nothing has changed.
document.addEventListener("htmx:after:swap", () => {
  if (document.getElementById("showing") !== shown) arrive(false);
});
document.addEventListener("htmx:after:request", () => {
  lookedAt = Date.now();
  untell(NO_LINE, offlineWords);
});
document.addEventListener("htmx:error", tellNoLine);
window.addEventListener("offline", tellOffline);
window.addEventListener("online", () => {
  untell(offlineWords);
  look();
});

// What a call that failed has said goes with its view into the one that asks how it was.
document.addEventListener("partyline:call", ({ detail }) => {
  if (detail.state !== "failed") return;
  lastWords = detail.words;
  tell(lastWords);
});

if (line) keepLine();
arrive(true);
installWorker().then(() => settleRinging(main, atTheDoor())).catch(() => {}); // the next page that is loaded tries again
navigator.serviceWorker?.addEventListener("message", look); // somebody tapped on a message
document.addEventListener("visibilitychange", takeBackMessages);
setInterval(tick, TICK_MS);

// htmx keeps an open line open; whatever keeps it from opening at all is tried again here.
function keepLine() {
  let asking = false;
  let held = false;
  let crowded = false;
  line.addEventListener("htmx:before:request", () => { asking = true; });
  line.addEventListener("htmx:finally:request", () => { asking = false; });
  line.addEventListener("htmx:sse:before:connection", () => { held = true; });
  line.addEventListener("htmx:sse:after:connection", () => untell(NO_LINE, offlineWords, CROWDED));
  line.addEventListener("htmx:sse:error", look);
  line.addEventListener("htmx:sse:close", (event) => {
    held = false;
    crowded = event.detail.reason === "message";
    if (crowded) tell(CROWDED);
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && crowded) crowded = false;
  });
  setInterval(() => {
    if (!asking && !held && !crowded) htmx.ajax("GET", "/live", { source: line });
  }, LINE_AGAIN_MS);
}
