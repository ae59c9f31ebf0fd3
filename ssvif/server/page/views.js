/** The views: what is asked of the server for each, and what they are, in words. */

export const VIEWS = {
  fused: {
    name: "Fused",
    query: { view: "fused", colour: "visible" },
    note: "For people: brightness from both cameras, colours of the visible one.",
  },
  machine: {
    name: "Machine",
    query: { view: "machine", colour: "visible" },
    note: "For segmentation networks: three channels of free colour.",
  },
  heat: {
    name: "Heat",
    query: { view: "fused", colour: "heat" },
    note: "Fused, with what is warm laid over in the colours of thermal cameras.",
  },
  grey: {
    name: "Grey",
    query: { view: "fused", colour: "grey" },
    note: "Fused brightness alone.",
  },
  segments: {
    name: "Segments",
    note: "Regions of the fused image, found without labels; each colour is one prototype.",
  },
};

export const SIDES = { vis: "Visible", ir: "Infrared" };

const SUFFIXES = { "image/png": "png", "image/jpeg": "jpg", "image/webp": "webp" };

/** Save an image under the name of its visible file. */
export function save(blob, file, view) {
  const link = document.createElement("a");
  const stem = file.name.replace(/\.[^.]*$/, "");
  link.download = `${stem}_${view}.${SUFFIXES[blob.type] ?? "png"}`;
  link.href = URL.createObjectURL(blob);
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
