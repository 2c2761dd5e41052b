// A soft ring of two notes, made on the spot: under three seconds, then once more while nobody has answered. And a low
// note now and then for whoever holds a line that was lost, with the telephone at their ear and not before their eyes.
// Place in the flow: an invitation is on the page, a call is looking for its line -> this. Browsers let a page sound once
// somebody has tapped on it.
const NOTES_HZ = [523.25, 659.25];
const LOW_HZ = 329.63;
const AGAIN_MS = 9_000;
const HOLD_MS = 4_000;
let sound = null;
let again = null;
let holding = null;

export function ring() {
  stopRinging();
  play();
  again = setInterval(play, AGAIN_MS);
  navigator.vibrate?.([200, 100, 200]);
}

export function stopRinging() {
  clearInterval(again);
  again = null;
}

export function hold() {
  holding ??= setInterval(() => note(LOW_HZ, awake().currentTime), HOLD_MS);
}

export function stopHolding() {
  clearInterval(holding);
  holding = null;
}

function awake() {
  sound ??= new AudioContext();
  if (sound.state === "suspended") sound.resume().catch(() => {});
  return sound;
}

function play() {
  awake();
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
