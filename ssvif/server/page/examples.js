/** The examples that come with the server, as buttons. */

import { place } from "./api.js";

/** Show the server's examples; one that is chosen goes into the slots. */
export async function showExamples(api, inputs, attempt) {
  const examples = await api.examples();
  document.getElementById("examples").replaceChildren(
    ...examples.map((example) => item(example, () => attempt(() => choose(example, api, inputs)))),
  );
  document.querySelector(".examples").hidden = !examples.length;
}

async function choose({ vis, ir }, api, inputs) {
  const nameOf = (path) => path.split("/").pop();
  const [first, second] = await Promise.all([vis, ir].map((path) => api.file(path, nameOf(path))));
  inputs.set({ vis: first, ir: second });
}

function item({ name, vis, ir }, chosen) {
  const [row, button, words] = ["li", "button", "span"].map((tag) => document.createElement(tag));
  button.type = "button";
  button.addEventListener("click", chosen);
  words.textContent = name.replaceAll("_", " ");
  button.append(...[vis, ir].map(thumbnail), words);
  row.append(button);
  return row;
}

function thumbnail(path) {
  const image = new Image(64, 48);
  image.alt = "";
  image.loading = "lazy";
  image.src = place(path);
  return image;
}
