
"use strict";

const root = document.documentElement;
const byId = (id) => document.getElementById(id);
const read = (id) => (byId(id) ? JSON.parse(byId(id).textContent) : null);

// Theme: the system's, until the reader chooses.
const dark = () =>
  root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
const showTheme = () => {
  byId("theme").textContent = dark() ? "Light" : "Dark";
  byId("theme").setAttribute("aria-pressed", String(dark()));
};
byId("theme").addEventListener("click", () => {
  root.dataset.theme = dark() ? "light" : "dark";
  showTheme();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", showTheme);
showTheme();

// Tips: whatever has `data-tip` says it; in distributions, the nearest dot says its pair as well.
const tip = byId("tip");
const samples = read("samples");

const nearest = (target, event) => {
  const chart = target.closest(".chart[data-scale]");
  const row = target.closest("[data-row]");
  const figure = target.closest("[data-metric]");
  if (!chart || !row || !figure) return "";
  const [low, high, start, end] = chart.dataset.scale.split(" ").map(Number);
  const box = chart.firstElementChild.getBoundingClientRect();
  const width = chart.firstElementChild.viewBox.baseVal.width;
  const x = ((event.clientX - box.left) / box.width) * width;
  const wanted = low + ((x - start) / (end - start)) * (high - low);
  const values = samples.values[row.dataset.row][figure.dataset.metric];
  let best = -1;
  values.forEach((value, index) => {
    if (value === null) return;
    if (best < 0 || Math.abs(value - wanted) < Math.abs(values[best] - wanted)) best = index;
  });
  return best < 0 ? "" : `\n${samples.pairs[best]}: ${values[best]}`;
};

const placeTip = (event) => {
  const target = event.target.closest?.("[data-tip]");
  tip.hidden = !target;
  if (!target) return;
  tip.textContent = target.dataset.tip + nearest(target, event);
  const { width, height } = tip.getBoundingClientRect();
  const left = Math.min(Math.max(event.clientX + 14, 8), innerWidth - width - 8);
  const above = event.clientY - height - 12;
  tip.style.left = `${Math.max(left, 8)}px`;
  tip.style.top = `${above > 8 ? above : event.clientY + 18}px`;
};
document.addEventListener("pointermove", placeTip);
document.addEventListener("pointerdown", placeTip);
document.addEventListener("scroll", () => { tip.hidden = true; }, { passive: true });

// Pictures: two layers of one pair, with a divider.
const gallery = read("gallery");
if (gallery) {
  const compare = byId("compare");
  const buttons = [...document.querySelectorAll("[data-pair]")];
  let current = 0;

  const showLayer = (side) => {
    const pair = gallery.pairs[current];
    const select = byId(side);
    for (const option of select.options) option.disabled = !(option.value in pair.layers);
    if (!(select.value in pair.layers)) select.value = "vis";
    const image = byId(`image-${side}`);
    image.src = pair.layers[select.value];
    image.alt = `${gallery.layers[select.value]}, ${pair.name}`;
    image.width = pair.width;
    image.height = pair.height;
  };

  const showSegmentations = (pair) => {
    const block = byId("segmentations");
    if (!block) return;
    block.hidden = pair.segmentations.length === 0;
    if (block.hidden) return;
    const images = [pair.layers[gallery.model] ?? pair.layers.vis, ...pair.segmentations];
    ["fused", "segmentation-0", "segmentation-1"].forEach((id, index) => {
      byId(id).src = images[index];
      byId(id).width = pair.width;
      byId(id).height = pair.height;
    });
    byId("agreement").textContent = pair.agreement;
  };

  const showPair = (index) => {
    current = index;
    const pair = gallery.pairs[index];
    buttons.forEach((button, place) => button.setAttribute("aria-pressed", String(place === index)));
    byId("caption").textContent = pair.name;
    showLayer("left");
    showLayer("right");
    showSegmentations(pair);
  };

  const showPosition = () => {
    const value = byId("position").value;
    compare.style.setProperty("--position", `${value}%`);
    byId("position").setAttribute("aria-valuetext", `${value} % ${gallery.layers[byId("left").value]}`);
  };

  buttons.forEach((button, index) => {
    const { layers } = gallery.pairs[index];
    button.firstElementChild.src = layers[gallery.model] ?? layers.vis;
    button.addEventListener("click", () => showPair(index));
  });
  for (const side of ["left", "right"]) byId(side).addEventListener("change", () => showLayer(side));
  byId("position").addEventListener("input", showPosition);
  showPair(0);
  showPosition();
}

// Stress: one metric at a time.
const metric = byId("stress-metric");
metric?.addEventListener("change", () => {
  for (const view of document.querySelectorAll("[data-stress]")) {
    view.hidden = view.dataset.stress !== metric.value;
  }
});
