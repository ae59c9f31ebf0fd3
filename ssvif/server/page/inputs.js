/** The two slots: choosing, dropping, swapping, and guessing which file is which. */

import { cameraOf, guess, isVideo } from "./guess.js";

const CAMERAS = ["vis", "ir"];
const OTHER = { vis: "ir", ir: "vis" };
const GUESSED = {
  name: "Told apart by their names. Swap them if that is wrong.",
  colour: "Told apart by colour: the grey one is infrared. Swap them if that is wrong.",
  order: "Nothing tells them apart: the first is taken as visible. Swap them if that is wrong.",
};

const slotOf = (camera) => document.querySelector(`.slot[data-camera=${camera}]`);

export class Inputs {
  /** @param changed Called with {vis, ir}, each a file or undefined, whenever one changes. */
  constructor(changed) {
    this.files = {};
    this.changed = changed;
    this.icons = Object.fromEntries(
      CAMERAS.map((camera) => [camera, slotOf(camera).querySelector(".picture svg")]),
    );
    for (const camera of CAMERAS) {
      slotOf(camera).querySelector("input").addEventListener("change", ({ target }) => {
        const chosen = [...target.files];
        target.value = ""; // so that the same file can be chosen again
        this.take(chosen, camera);
      });
    }
    document.getElementById("swap").addEventListener("click", () => this.#swap());
    wireDrop((files, camera) => this.take(files, camera));
  }

  /** Take files: two are told apart, one goes to `camera`, or to where it seems to belong. */
  async take(files, camera) {
    if (!files.length) return;
    if (files.length > 1) {
      const { by, ...pair } = await guess(files[0], files[1]);
      this.set(pair, files.length > 2 ? "Only the first two files were taken." : GUESSED[by]);
      return;
    }
    const place = camera ?? this.#onlyEmpty() ?? (await cameraOf(files[0]));
    const rest = this.files[OTHER[place]];
    // An image beside a video makes no pair: the new file starts another one.
    const fits = rest && isVideo(rest) === isVideo(files[0]);
    this.set({ [place]: files[0], ...(fits && { [OTHER[place]]: rest }) });
  }

  /** Put files into the slots, and say a note. */
  set(files, note = "") {
    this.files = files;
    for (const camera of CAMERAS) this.#fill(camera, files[camera]);
    document.getElementById("swap").disabled = !files.vis && !files.ir;
    document.getElementById("guessed").textContent = note;
    this.changed(files);
  }

  /** Show an element, such as a playing video, in a slot. */
  picture(camera, element) {
    slotOf(camera).querySelector(".picture").replaceChildren(element);
  }

  #fill(camera, file) {
    const slot = slotOf(camera);
    slot.classList.toggle("full", Boolean(file));
    slot.querySelector(".file").textContent = file?.name ?? "choose or drop a file";
    URL.revokeObjectURL(slot.dataset.address ?? "");
    delete slot.dataset.address;
    this.picture(camera, this.icons[camera]);
    if (!file || isVideo(file)) return;
    slot.dataset.address = URL.createObjectURL(file);
    const image = new Image();
    image.alt = "";
    image.src = slot.dataset.address;
    image.decode().then(() => {
      if (this.files[camera] === file) this.picture(camera, image);
    }, () => {}); // what a browser cannot show, such as TIFF, keeps the icon
  }

  #onlyEmpty() {
    const empty = CAMERAS.filter((camera) => !this.files[camera]);
    return empty.length === 1 ? empty[0] : undefined;
  }

  #swap() {
    const { vis, ir } = this.files;
    this.set({ vis: ir, ir: vis });
  }
}

function wireDrop(take) {
  const holdsFiles = (event) => event.dataTransfer?.types.includes("Files");
  let depth = 0; // of elements that the files were dragged into and not yet out of
  const mark = (by) => {
    depth = Math.max(depth + by, 0);
    document.body.classList.toggle("dragging", depth > 0);
  };
  addEventListener("dragenter", (event) => holdsFiles(event) && mark(1));
  addEventListener("dragleave", (event) => holdsFiles(event) && mark(-1));
  addEventListener("dragover", (event) => holdsFiles(event) && event.preventDefault());
  addEventListener("drop", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    mark(-depth);
    take([...event.dataTransfer.files], event.target.closest?.(".slot")?.dataset.camera);
  });
}
