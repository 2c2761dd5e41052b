// The microphone of a call, asked for as early as possible: with the accept, if its button says `data-call-prepare`.
//
// Place in the flow: a click -> **microphone** -> call.js. What was opened early and not used is closed again.

const KEEP_MS = 60_000;

export class NoMicrophone extends Error {}

let early = null; // a microphone that was asked for before the call

export async function askForMicrophone() {
  const asked = early ?? navigator.mediaDevices?.getUserMedia({ audio: true });
  early = null;
  try {
    return (await asked) ?? Promise.reject(new NoMicrophone());
  } catch {
    throw new NoMicrophone(); // denied, missing, taken, or the page is not on a secure origin
  }
}

function prepareMicrophone() {
  if (early || !navigator.mediaDevices) return;
  const asked = navigator.mediaDevices.getUserMedia({ audio: true });
  early = asked;
  asked.catch(() => {}); // the call says so
  setTimeout(async () => {
    if (early !== asked) return;
    early = null;
    for (const track of (await asked).getTracks()) track.stop(); // no call came
  }, KEEP_MS);
}

document.addEventListener("click", (event) => {
  if (event.target.closest?.("[data-call-prepare]")) prepareMicrophone();
});
