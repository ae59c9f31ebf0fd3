/** Puts the page together: what is chosen, and what is at work on it. */

import { Api } from "./api.js";
import { showExamples } from "./examples.js";
import { isVideo } from "./guess.js";
import { Inputs } from "./inputs.js";
import { showModel, wireModel } from "./model.js";
import { askRange, rangeQuery, wireRange } from "./range.js";
import { sayError, sayFailure, sayStatus, sayWait, wireErrors } from "./say.js";
import { Stills } from "./stills.js";
import { Timing } from "./timing.js";
import { askToken } from "./token.js";
import { Videos } from "./video.js";
import { Viewer } from "./viewer.js";
import { VIEWS } from "./views.js";

const find = (id) => document.getElementById(id);
const radio = (name, value) => document.querySelector(`input[name=${name}][value=${value}]`);
const checked = (name) => document.querySelector(`input[name=${name}]:checked`).value;
const choice = () => ({ view: checked("view"), side: checked("side") });

const api = new Api({
  askToken,
  tellWait: sayWait,
  tellModel: (weights) => weights !== served && loadModel(weights).catch(sayFailure),
});
const viewer = new Viewer(find("stage"));
const timing = new Timing();
const inputs = new Inputs(begin);
let job = null; // the pair at work
let served = null; // SHA-256 of the weights whose card is shown
let segments = false; // whether the model has a segmentation

/** Begin with what is in the slots. */
async function begin({ vis, ir }) {
  job?.end();
  job = null;
  sayError();
  sayStatus("");
  if (!vis || !ir) {
    setState("empty");
    if (vis || ir) sayStatus(`Now choose ${vis ? "an infrared" : "a visible"} file.`);
    return;
  }
  const video = isVideo(vis);
  if (video !== isVideo(ir)) {
    setState("empty");
    sayError("One file is a video and the other is not; choose two of a kind.");
    return;
  }
  setState(video ? "video" : "images");
  find("stage").scrollIntoView({ block: "nearest" });
  const parts = { api, viewer, timing, inputs, range: rangeQuery() };
  const mine = new (video ? Videos : Stills)({ vis, ir }, parts, choice());
  job = mine;
  await attempt(() => mine.start());
}

/** Do something with the pair at work; of one that has gone nothing is said. */
async function attempt(action) {
  const mine = job;
  sayError();
  try {
    await action();
    if (job && job === mine) find("download").disabled = false;
  } catch (error) {
    if (job !== mine) return;
    sayFailure(error);
    if (job?.shown) {
      radio("view", job.shown).checked = true;
      describeView();
    } else {
      job?.end();
      job = null;
      setState("empty");
      askRange(error);
    }
  }
}

/** Turn the page to nothing, images or a video, with an empty stage. */
function setState(state) {
  const video = state === "video";
  document.body.dataset.state = state;
  for (const layer of ["left", "right", "over"]) viewer.show(layer, null);
  timing.reset({ rate: video });
  find("format").hidden = video;
  find("download").textContent = video ? "Save frame" : "Download";
  find("download").disabled = true;
  allowSegments();
}

function allowSegments() {
  const video = document.body.dataset.state === "video";
  const [input, reason] = [radio("view", "segments"), find("segments-reason")];
  input.disabled = video || !segments;
  if (input.disabled && input.checked) radio("view", "fused").checked = true;
  reason.hidden = !input.disabled;
  reason.textContent = video
    ? "Segments are for images, not for videos."
    : "Segments need a model that training made, and 'ssvif[serve,train]' installed.";
  describeView();
}

function describeView() {
  const view = checked("view");
  find("view-note").textContent = VIEWS[view].note;
  find("opacity-row").hidden = view !== "segments";
}

async function loadModel(weights = null) {
  served = weights;
  const model = await api.model();
  served = model.weights;
  segments = Boolean(model.segmentation);
  showModel(model);
  allowSegments();
}

find("views").addEventListener("change", () => {
  describeView();
  if (job) attempt(() => job.show(choice()));
});
find("sides").addEventListener("change", () => job && attempt(() => job.side(checked("side"))));
find("download").addEventListener("click", () => attempt(() => job.download(find("format").value)));
find("opacity").addEventListener("input", ({ target }) => { viewer.opacity = target.value / 100; });
viewer.opacity = find("opacity").value / 100;

wireErrors();
wireRange(() => begin(inputs.files));
wireModel();
setState("empty");
try {
  await loadModel();
  await showExamples(api, inputs, attempt);
} catch (error) {
  sayFailure(error);
}
