// Lets the worker stand in for the network: once the page has loaded, so that it slows nothing down.
// Place in the flow: page -> **installed** -> worker. Browsers know workers only where an address is safe.
export async function installWorker() {
  if (!navigator.serviceWorker) return null;
  if (document.readyState !== "complete") await new Promise((then) => addEventListener("load", then, { once: true }));
  return navigator.serviceWorker.register("/worker.js").catch(() => null); // without it all else goes on
}
