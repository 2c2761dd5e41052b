// The page that is shown offline: how things were, to read and not to tap, and the way back as soon as there is one.
// Place in the flow: worker -> **offline** -> the page itself, loaded anew.
import { clockTime, readLast } from "./last.js";

const AGAIN_MS = 5_000;
const NOT_SHOWN = "form, button, input, audio, .countdown, .calm, .offer, a:not([href^='tel:'])"; // nothing here would work
const said = document.getElementById("said");

async function show() {
  const last = await readLast();
  if (!last) return;
  const held = new DOMParser().parseFromString(last.html, "text/html");
  for (const one of held.querySelectorAll(NOT_SHOWN)) one.remove();
  for (const one of held.querySelectorAll("h1")) {
    const heading = document.createElement("h2");
    heading.append(...one.childNodes);
    one.replaceWith(heading);
  }
  for (const one of held.querySelectorAll("p, section")) if (!one.textContent.trim()) one.remove();
  const then = document.getElementById("then");
  then.querySelector("strong").textContent = clockTime(last.at);
  document.getElementById("last").append(...held.body.childNodes);
  for (const one of [then, document.getElementById("last")]) one.hidden = false;
}

async function look() {
  const answer = await fetch("/health", { cache: "no-store", redirect: "error" }).catch(() => null);
  if (answer) location.reload();
  return Boolean(answer);
}

document.getElementById("again").addEventListener("click", async () => {
  said.textContent = "";
  if (!(await look())) said.textContent = said.dataset.still;
});
window.addEventListener("online", look);
setInterval(look, AGAIN_MS);
show();
