// One ONNX file that `visioncam export-model` wrote, run in the browser: the class, and where it was seen.
import * as ort from "./node_modules/onnxruntime-web/dist/ort.wasm.min.mjs";

ort.env.wasm.wasmPaths = new URL("./node_modules/onnxruntime-web/dist/", import.meta.url).href;
ort.env.wasm.numThreads = 1;

const answer = document.getElementById("answer");
const canvas = document.getElementById("picture");

// An ONNX file is a list of fields; number 14 has the metadata, each a key (1) and a value (2).
function* fields(bytes) {
  let at = 0;
  const number = () => {
    let found = 0, scale = 1;
    for (;;) {
      const byte = bytes[at++];
      found += (byte & 127) * scale;
      if (byte < 128) return found;
      scale *= 128;
    }
  };
  while (at < bytes.length) {
    const tag = number(), kind = tag % 8;
    if (kind === 2) {
      const length = number();
      yield [Math.floor(tag / 8), bytes.subarray(at, at += length)];
    } else if (kind === 0) number();
    else at += kind === 5 ? 4 : 8;
  }
}

function metadata(bytes) {
  const text = new TextDecoder();
  for (const [field, entry] of fields(bytes)) {
    if (field !== 14) continue;
    const [key, value] = [...fields(entry)].map(([, part]) => text.decode(part));
    if (key === "visioncam") return JSON.parse(value);
  }
  throw new Error("the file has no metadata of VisionCam");
}

// The part of a picture that the model sees: left, top, width, height.
function view(picture, about, width, height) {
  const { name, fraction } = about.picture.geometry ?? {};
  if (name !== "CenterCrop") return [0, 0, picture.width, picture.height];
  const w = Math.min(picture.width, picture.height * width / height) * fraction, h = w * height / width;
  return [(picture.width - w) / 2, (picture.height - h) / 2, w, h];
}

function modelInput(picture, about) {
  const { channels_first: first, preprocess: how } = about.picture;
  const shape = about.inputs[0].shape, [height, width] = first ? shape.slice(1) : shape;
  const small = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  small.imageSmoothingQuality = "high";
  const seen = view(picture, about, width, height);
  small.drawImage(picture, ...seen, 0, 0, width, height);
  const pixels = small.getImageData(0, 0, width, height).data;
  const values = new Float32Array(width * height * 3);
  for (let p = 0; p < width * height; p++)
    for (let k = 0; k < 3; k++)
      values[first ? k * width * height + p : 3 * p + k] = (pixels[4 * p + how.order[k]] - how.mean[k]) / how.std[k];
  return [new ort.Tensor("float32", values, [1, ...shape]), seen];
}

const RAMP = [[40, 11, 84], [120, 28, 109], [212, 72, 66], [251, 155, 6], [252, 255, 164]];

function colour(value) {
  const at = value * (RAMP.length - 1), low = Math.min(Math.floor(at), RAMP.length - 2);
  return RAMP[low].map((one, k) => one + (at - low) * (RAMP[low + 1][k] - one));
}

// The photo where there is no evidence, colours where there is; a frame around what the model saw.
function draw(picture, heat, seen) {
  const [, height, width] = heat.dims, map = new ImageData(width, height);
  heat.data.forEach((value, p) => map.data.set([...colour(value), 215 * value], 4 * p));
  const small = new OffscreenCanvas(width, height);
  small.getContext("2d").putImageData(map, 0, 0);
  [canvas.width, canvas.height] = [picture.width, picture.height];
  const page = canvas.getContext("2d");
  page.drawImage(picture, 0, 0);
  page.drawImage(small, ...seen);
  page.strokeStyle = "rgb(255 255 255 / 60%)";
  page.strokeRect(...seen);
}

const bytes = new Uint8Array(await (await fetch("cat.onnx")).arrayBuffer());
const about = metadata(bytes);
const session = await ort.InferenceSession.create(bytes, { executionProviders: ["wasm"] });

async function explain(file) {
  const picture = await createImageBitmap(file);
  const [input, seen] = modelInput(picture, about);
  const { probabilities, heatmap } = await session.run({ [about.picture.input]: input });
  const best = probabilities.data.reduce((top, value, i, all) => (value > all[top] ? i : top), 0);
  draw(picture, heatmap, seen);
  canvas.dataset.heat = JSON.stringify(Array.from(heatmap.data));
  answer.textContent = `${about.class_names?.[best] ?? `class ${best}`}: ${(100 * probabilities.data[best]).toFixed(1)} %`;
}

document.getElementById("photo").onchange = (event) => explain(event.target.files[0]);
answer.textContent = "ready";
