// The words around a number, in the form that goes with it. Place in the flow: what `countdown()` of the gateway made of
// a sentence -> page.js, left.js, which count on -> **this**.
const plurals = new Intl.PluralRules(document.documentElement.lang);

export function count(sentence, number) {
  const forms = JSON.parse(sentence.dataset.forms);
  const around = forms[plurals.select(number)] ?? forms.other;
  sentence.querySelectorAll("span").forEach((part, index) => { part.textContent = around[index]; });
  sentence.querySelector("strong").textContent = String(number);
}
