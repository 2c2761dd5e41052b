// The minutes that both still have for their call, counted on from what the server sent: no clock of this telephone is
// asked. Place in the flow: the view of a call is in `main` -> this. Read out once, when two minutes are left.
import { count } from "./counting.js";

const LOOK_MS = 1_000;
const SAID_AT = 2;
const said = document.getElementById("said");
let sentence = null; // the one that is counted on
let began = 0;

function look() {
  const shown = document.querySelector("[data-left-s]");
  if (shown !== sentence) {
    sentence = shown;
    began = performance.now();
  }
  if (sentence) tell();
}

function tell() {
  const { leftS, pace, wordsLast, wordsOver } = sentence.dataset;
  const left_s = Number(leftS) - (Number(pace) * (performance.now() - began)) / 1000;
  const minutes = Math.floor(left_s / 60);
  if (minutes > 0) return tellMinutes(minutes);
  const words = left_s > 0 ? wordsLast : wordsOver;
  if (sentence.textContent !== words) sentence.textContent = words;
}

function tellMinutes(minutes) {
  if (sentence.querySelector("strong").textContent === String(minutes)) return;
  count(sentence, minutes);
  if (minutes === SAID_AT) said.textContent = sentence.textContent;
}

look();
setInterval(look, LOOK_MS);
