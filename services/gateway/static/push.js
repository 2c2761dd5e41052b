// Rings a locked telephone: asks the browser for it when its button is tapped, never before, and keeps what the browser
// knows and what we know the same. Place in the flow: a button -> **push** -> the browser, the gateway -> the page anew.
import { request } from "./asking.js";
import { installWorker } from "./installed.js";

const ANSWER_WITHIN_MS = 20_000;
const PATH = "/push/subscription";
const TAG = "invitation";

class Late extends Error {}
class Refused extends Error {}

const able = isSecureContext && "PushManager" in window && "Notification" in window && "serviceWorker" in navigator;

function situation() {
  if (!able) return navigator.standalone === false ? "home-screen" : "unable";
  return Notification.permission === "denied" ? "blocked" : "able";
}

// Shows what fits this browser.
export function offerRinging(within) {
  for (const one of within.querySelectorAll("[data-push-when]")) one.hidden = one.dataset.pushWhen !== situation();
}

// A message is of no use any more once the page can be seen.
export async function takeBackMessages() {
  if (!able || document.hidden) return;
  const registration = await navigator.serviceWorker.getRegistration();
  for (const one of (await registration?.getNotifications({ tag: TAG })) ?? []) one.close();
}

async function subscriptionOf(registration) {
  return (await registration?.pushManager?.getSubscription()) ?? null;
}

async function markOf({ endpoint }) {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(endpoint));
  return [...new Uint8Array(digest)].map((one) => one.toString(16).padStart(2, "0")).join("").slice(0, 32);
}

// What the browser knows and what this session said may have come apart: the browser took the permission back, moved
// the telephone to another address, or somebody else used it before.
export async function settleRinging(main, atTheDoor) {
  const { pushKey, pushMark } = main.dataset;
  if (!able || (pushKey === undefined && !atTheDoor)) return; // whether we may is not known just now
  const subscription = await subscriptionOf(await navigator.serviceWorker.getRegistration());
  if (!pushMark) await subscription?.unsubscribe();
  else if (!subscription) await request("DELETE", PATH, {});
  else if ((await markOf(subscription)) !== pushMark) await request("POST", PATH, subscription.toJSON());
}

async function turnOn(key) {
  const late = new Promise((_, fail) => setTimeout(() => fail(new Late()), ANSWER_WITHIN_MS));
  const soon = (wanted) => Promise.race([wanted, late]);
  if ((await soon(Notification.requestPermission())) !== "granted") throw new Refused();
  const registration = await soon(installWorker().then(() => navigator.serviceWorker.ready));
  await (await soon(subscriptionOf(registration)))?.unsubscribe(); // it may have been made for another key
  const subscription = await soon(
    registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key }),
  );
  await request("POST", PATH, subscription.toJSON(), 3);
}

async function turnOff() {
  await request("DELETE", PATH, {}, 3);
  const registration = await navigator.serviceWorker?.getRegistration();
  await (await subscriptionOf(registration))?.unsubscribe();
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-push-on], [data-push-off]");
  if (!button) return;
  const told = button.parentElement.querySelector("[data-push-told]");
  told.textContent = "";
  button.disabled = true;
  try {
    await ("pushOn" in button.dataset ? turnOn(document.getElementById("main").dataset.pushKey) : turnOff());
    location.reload();
  } catch (error) {
    const { refused, late, failed } = told.dataset;
    told.textContent = (error instanceof Refused && refused) || (error instanceof Late && late) || failed;
    button.disabled = false;
    button.focus();
  }
});
