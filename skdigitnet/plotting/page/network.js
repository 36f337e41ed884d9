// The network: its weights out of the page, and what it makes of an image.

"use strict";

const ACTIVATIONS = {
  logistic: (z) => 1 / (1 + Math.exp(-z)),
  tanh: Math.tanh,
  relu: (z) => Math.max(z, 0),
  identity: (z) => z,
};

/** The network with its weights as numbers: coefs[l] row by row, as in coefs_[l]. */
async function unpack(network) {
  const numbers = await readFloats(network.weights);
  const sizes = network.layer_sizes;
  let read = 0;
  const take = (n) => numbers.subarray(read, (read += n));
  const coefs = sizes.slice(1).map((n, l) => take(sizes[l] * n));
  const intercepts = sizes.slice(1).map((n) => take(n));
  return { ...network, coefs, intercepts };
}

/**
 * Numbers out of base64 text: float32, of which come first all lowest bytes, then all second
 * ones and so on, which makes them shorter, compressed by zlib.
 */
async function readFloats(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const planes = new Uint8Array(await new Response(stream).arrayBuffer());
  const n = planes.length / 4;
  const inOrder = new DataView(new ArrayBuffer(planes.length));
  planes.forEach((byte, i) => inOrder.setUint8(4 * (i % n) + Math.floor(i / n), byte));
  return Float32Array.from({ length: n }, (_, i) => inOrder.getFloat32(4 * i, true));
}

/** The activations of each layer for pixels from 0 to 1; of the outputs, z. */
function forward(network, image) {
  const { coefs, intercepts } = network;
  const layers = [];
  let a = image.map((pixel) => pixel * network.max_pixel);
  coefs.forEach((W, l) => {
    const z = Float64Array.from(intercepts[l]);
    a.forEach((input, i) => {
      if (input === 0) return;
      for (let j = 0; j < z.length; j++) z[j] += input * W[i * z.length + j];
    });
    a = l < coefs.length - 1 ? z.map(ACTIVATIONS[network.activation]) : z;
    layers.push(a);
  });
  return layers;
}

/** The probability of each class; for identity outputs, which have none, its score. */
function probabilities(network, z) {
  z = Array.from(z);
  const oneOutput = z.length === 1 && !network.multilabel; // that of the second class
  switch (network.out_activation) {
    case "identity":
      return oneOutput ? [1 - z[0], z[0]] : z;
    case "softmax":
      return softmax(z);
    case "logistic":
      if (oneOutput) return [-z[0], z[0]].map(ACTIVATIONS.logistic);
      if (network.multilabel) return z.map(ACTIVATIONS.logistic);
      return softmax(z.map(logLogistic)); // normalised; their sum may round to 0
    default:
      throw new Error(`out_activation is ${network.out_activation}`);
  }
}

function softmax(z) {
  const largest = Math.max(...z);
  const powers = z.map((number) => Math.exp(number - largest));
  const total = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / total);
}

function logLogistic(z) {
  return Math.min(z, 0) - Math.log1p(Math.exp(-Math.abs(z)));
}

/** The indices of the predicted classes: one, or any number of them if multilabel. */
function predicted(network, p) {
  if (network.multilabel) return [...p.keys()].filter((i) => p[i] > 0.5);
  return [p.indexOf(Math.max(...p))];
}
