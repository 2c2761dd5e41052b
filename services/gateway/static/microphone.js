// The microphone of a call, asked for as early as possible: with the accept, whose button says `data-call-prepare`.
//
// Place in the flow: a click -> **microphone** -> call.js. What was opened early and is not needed is closed again. If
// there is none, or the browser keeps calls back, the form `no-microphone` says so to the gateway, so that the other
// person need not wait.

const MUTED = "muted"; // kept by all windows of this browser: the call in which somebody muted themselves
const NEEDED = "[data-call-prepare], [data-call-soon], [data-call]";

// `why` is "no-microphone" or "no-calls".
export class Unable extends Error {
  constructor(why) {
    super(why);
    this.why = why;
  }
}

let early = null; // a microphone that was asked for before the call
let accepted = false; // here, and not in another window

export function acceptedHere() {
  return accepted;
}

export async function askForMicrophone() {
  if (!letsCallsThrough()) throw new Unable("no-calls");
  const asked = early ?? open();
  early = null;
  try {
    return (await asked) ?? Promise.reject(new Unable("no-microphone"));
  } catch {
    throw new Unable("no-microphone"); // denied, missing, taken, or the page is not on a secure origin
  }
}

export function sayUnable(why) {
  const form = document.querySelector("form.no-microphone");
  if (!form) return;
  form.elements.why.value = why;
  form.requestSubmit();
}

export function isMuted(invitation) {
  return localStorage.getItem(MUTED) === invitation;
}

export function keepMuted(invitation, muted) {
  if (muted) localStorage.setItem(MUTED, invitation);
  else localStorage.removeItem(MUTED);
}

// Whenever the page has changed: no call came of the accept.
export function keepMicrophone() {
  if (document.querySelector(NEEDED)) return;
  accepted = false;
  if (early) release(early);
  early = null;
}

// Some browsers let people switch WebRTC off, and extensions take it away or let it throw.
function letsCallsThrough() {
  try {
    new RTCPeerConnection().close();
    return true;
  } catch {
    return false;
  }
}

function open() {
  return navigator.mediaDevices?.getUserMedia({ audio: true });
}

function release(asked) {
  asked.then((stream) => stream.getTracks().forEach((track) => track.stop())).catch(() => {});
}

async function prepare() {
  accepted = true;
  if (early) return;
  early = askForMicrophone();
  await early.catch(({ why }) => {
    early = null; // what failed once may be tried again
    setTimeout(() => sayUnable(why)); // after the accept, which the same click is just about to send
  });
}

// "Try my microphone": only if there is one now does the form go on.
async function tryIt(button) {
  const tells = button.form.querySelector("[data-microphone-tells]");
  tells.textContent = "";
  try {
    const stream = await askForMicrophone();
    release(Promise.resolve(stream));
    button.form.requestSubmit();
  } catch {
    tells.textContent = tells.dataset.words;
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-call-prepare], [data-call-try]");
  if (button?.matches("[data-call-prepare]")) prepare();
  if (!button?.matches("[data-call-try]")) return;
  event.preventDefault();
  tryIt(button);
});
