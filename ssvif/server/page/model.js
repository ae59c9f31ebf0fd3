/** What serves: the model's version and card. */

import { render } from "./markdown.js";

const SHORT = 12; // characters of a hash that tell it apart
const find = (id) => document.getElementById(id);

/** Show a model's facts and card; what the server sends is shown as text. */
export function showModel(model) {
  const title = [model.name, model.version].filter(Boolean).join(" ");
  find("model-short").textContent = title || short(model.weights);
  find("about-model").hidden = false;
  find("card-title").textContent = title || "Model";
  find("facts").replaceChildren(...factsOf(model).map(fact));
  find("card-text").replaceChildren(render(model.card ?? ""));
}

export function wireModel() {
  const dialog = find("card");
  find("about-model").addEventListener("click", () => {
    dialog.showModal();
    dialog.scrollTop = 0;
  });
  dialog.addEventListener("click", ({ target }) => {
    if (target === dialog) dialog.close(); // outside of it
  });
}

const short = (text) => String(text ?? "").slice(0, SHORT);

function factsOf(model) {
  const { parameters } = model;
  return [
    ["Version", model.version],
    ["Parameters", Number.isFinite(parameters) ? parameters.toLocaleString("en") : null],
    ["Commit", model.commit && short(model.commit), model.commit],
    ["Weights, SHA-256", short(model.weights), model.weights],
  ].filter(([, value]) => value);
}

function fact([name, value, whole]) {
  const [row, key, text] = ["div", "dt", "dd"].map((tag) => document.createElement(tag));
  key.textContent = name;
  text.textContent = value;
  if (whole) text.title = whole;
  row.append(key, text);
  return row;
}
