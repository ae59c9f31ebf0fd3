/** Guesses which of two files is the visible one, by their names, else by their colours. */

const NAMES = {
  vis: new Set(["vis", "visible", "vi", "rgb", "color", "colour", "eo"]),
  ir: new Set(["ir", "infrared", "thermal", "therm", "tir", "lwir", "mwir", "swir", "nir", "heat"]),
};
const VIDEO_SUFFIXES = /\.(mp4|m4v|mkv|webm|mov|avi|ogv|ts)$/i;
const LOOK = 64; // pixels a side are enough to see colour
const LEAST_DIFFERENCE = 2; // grey levels of mean chroma

export const isVideo = (file) => file.type.startsWith("video/") || VIDEO_SUFFIXES.test(file.name);

/** Return "vis", "ir", or null where a name says neither or both. */
export function cameraByName(name) {
  const words = name.toLowerCase().split(/[^a-z]+/);
  const found = ["vis", "ir"].filter((camera) => words.some((word) => NAMES[camera].has(word)));
  return found.length === 1 ? found[0] : null;
}

/** Return the mean difference between an image's channels, 0 where it is grey. */
export function chroma(pixels) {
  let sum = 0;
  for (let at = 0; at < pixels.length; at += 4) {
    const [red, green, blue] = pixels.subarray(at, at + 3);
    sum += Math.max(red, green, blue) - Math.min(red, green, blue);
  }
  return sum / (pixels.length / 4);
}

/**
 * Tell two files apart.
 *
 * @param first @param second Files.
 * @returns {Promise<{vis, ir, by}>} `by` is "name", "colour", or "order" where nothing tells.
 */
export async function guess(first, second) {
  const names = [first, second].map((file) => cameraByName(file.name));
  if (names[0] !== names[1]) {
    const swapped = names[0] === "ir" || names[1] === "vis";
    return pairOf(first, second, swapped, "name");
  }
  const [one, other] = await Promise.all([first, second].map(chromaOfFile));
  if (Math.abs(one - other) < LEAST_DIFFERENCE) return pairOf(first, second, false, "order");
  return pairOf(first, second, one < other, "colour");
}

/** Guess the camera of one file. */
export async function cameraOf(file) {
  return cameraByName(file.name) ?? ((await chromaOfFile(file)) < LEAST_DIFFERENCE ? "ir" : "vis");
}

function pairOf(first, second, swapped, by) {
  return swapped ? { vis: second, ir: first, by } : { vis: first, ir: second, by };
}

/** What the browser cannot show is taken as grey: most often it is infrared of 16 bits. */
async function chromaOfFile(file) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = LOOK;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  try {
    const source = isVideo(file) ? await firstFrame(file) : await createImageBitmap(file);
    context.drawImage(source, 0, 0, LOOK, LOOK);
    source.close?.();
  } catch {
    return 0;
  }
  return chroma(context.getImageData(0, 0, LOOK, LOOK).data);
}

function firstFrame(file) {
  return new Promise((resolve, reject) => {
    const video = document.createElement("video");
    const address = URL.createObjectURL(file);
    const end = (action) => (event) => {
      if (action === reject) URL.revokeObjectURL(address);
      action(action === resolve ? video : event);
    };
    video.close = () => URL.revokeObjectURL(address);
    video.muted = video.playsInline = true;
    video.preload = "auto";
    video.addEventListener("loadeddata", end(resolve), { once: true });
    video.addEventListener("error", end(reject), { once: true });
    video.src = address;
  });
}
