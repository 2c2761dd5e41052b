// Passkeys: makes one, or lets one sign in, when its button is tapped. What stands in `data-passkey` is shown only where
// this browser can do it. Place in the flow: a button -> **passkey** -> the gateway's routes -> the page, loaded anew.
import { request } from "./asking.js";

const IS_NUMBER = /^[\d.]+$|:/; // an address without a name can have no passkeys
const HELD_BACK = ["NotAllowedError", "AbortError"]; // closed by the person, or too slow

const able =
  typeof window.PublicKeyCredential?.parseRequestOptionsFromJSON === "function" && !IS_NUMBER.test(location.hostname);

export function offer(within) {
  if (!able) return;
  for (const one of within.querySelectorAll("[data-passkey]")) one.hidden = false;
}

async function make() {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(await request("POST", "/passkeys/options", {}));
  const credential = await navigator.credentials.create({ publicKey });
  await request("POST", "/passkeys", { credential: credential.toJSON() });
  location.assign("/passkeys");
}

async function signIn() {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(await request("POST", "/passkeys/sign-in/options", {}));
  const credential = await navigator.credentials.get({ publicKey });
  await request("POST", "/passkeys/sign-in", { credential: credential.toJSON() });
  location.assign("/");
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-passkey-make], [data-passkey-sign-in]");
  if (!button) return;
  const told = button.closest("[data-passkey]").querySelector("[role=alert]");
  told.textContent = "";
  button.disabled = true;
  try {
    await ("passkeyMake" in button.dataset ? make() : signIn());
  } catch (error) {
    if (error.name === "InvalidStateError") told.textContent = told.dataset.known;
    else told.textContent = HELD_BACK.includes(error.name) ? told.dataset.heldBack : told.dataset.failed;
    button.disabled = false;
  }
});
