// A soft ring of two notes, made on the spot: under three seconds, then once more while nobody has answered. And a low
// note now and then for whoever holds a line that was lost, with the telephone at their ear and not before their eyes.
// Place in the flow: an invitation is on the page, a call is looking for its line -> this. Browsers let a page sound once
// somebody has tapped on it: any tap will do, and whoever waits is told while it is missing.
const NOTES_HZ = [523.25, 659.25];
const LOW_HZ = 329.63;
const AGAIN_MS = 9_000;
const HOLD_MS = 4_000;
const WAKES_MS = 500; // where no tap is needed
const TAPS = ["pointerdown", "pointerup", "click", "keydown"]; // of a touch only its end counts
let sound = null;
let again = null;
let holding = null;

export function ring() {
  stopRinging();
  again = setInterval(play, AGAIN_MS);
  play();
  navigator.vibrate?.([200, 100, 200]);
}

export function stopRinging() {
  clearInterval(again);
  again = null;
}

export function hold() {
  holding ??= setInterval(() => awake() && note(LOW_HZ, sound.currentTime), HOLD_MS);
}

export function stopHolding() {
  clearInterval(holding);
  holding = null;
}

// A view that says of itself whether a tap is needed.
export function tellWhetherItRings(view) {
  if (!view.querySelector("[data-ring-silent]")) return;
  awake();
  setTimeout(tell, WAKES_MS);
}

function tell() {
  const silent = document.querySelector("[data-ring-silent]");
  if (silent) silent.hidden = sound.state === "running";
}

function awake() {
  sound ??= opened();
  if (sound.state !== "running") sound.resume().catch(() => {});
  return sound.state === "running";
}

function opened() {
  const made = new AudioContext();
  made.addEventListener("statechange", () => {
    tell();
    if (again) play();
  });
  return made;
}

// Nothing while it may not sound: the notes would wait, and come all at once.
function play() {
  if (!awake()) return;
  for (let turn = 0; turn < 2; turn += 1) {
    NOTES_HZ.forEach((pitch, index) => note(pitch, sound.currentTime + turn * 1.2 + index * 0.35));
  }
}

function note(pitch, at) {
  const tone = new OscillatorNode(sound, { frequency: pitch });
  const volume = new GainNode(sound, { gain: 0 });
  volume.gain.setValueAtTime(0, at);
  volume.gain.linearRampToValueAtTime(0.15, at + 0.03);
  volume.gain.exponentialRampToValueAtTime(0.001, at + 0.8);
  tone.connect(volume).connect(sound.destination);
  tone.start(at);
  tone.stop(at + 0.9);
}

for (const tap of TAPS) addEventListener(tap, awake, { capture: true });
