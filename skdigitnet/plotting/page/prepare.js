// From ink to the network's input, as skdigitnet.datasets.load_image prepares a clean picture:
// find the digit, scale it and centre it. The constants are those of datasets/_ink.py.

"use strict";

const CORE = 0.5; // share of full ink: what is a stroke,
const EDGE = 0.3; // and what may be its edge
const EDGE_WIDTH = 1 / 20; // as a share of the digit's size
const SPECK = 0.05; // as a share of the ink of the largest piece
const CROSS = [[0, 0], [0, 1], [0, -1], [1, 0], [-1, 0]];

/**
 * The network's input: size x size pixels from 0 to 1, or null if there is no ink.
 *
 * Images of 8 x 8 are made as in scikit-learn's digits, all others as in MNIST.
 */
function prepare(ink, side, size) {
  const digit = findDigit(ink, side);
  if (digit === null) return null;
  return size === 8 ? likeDigits(digit) : likeMnist(digit, size);
}

/** The bounding box of the digit, a list of rows of ink from 0 to 1, without specks. */
function findDigit(ink, side) {
  const strokes = findStrokes(ink, side);
  const box = boundingBox(side, (i) => strokes[i]);
  if (box === null) return null;
  const longer = Math.max(box.bottom - box.top, box.right - box.left);
  const reach = Math.max(1.5, EDGE_WIDTH * longer);
  const isDigit = (i) =>
    strokes[i] || (ink[i] >= 255 * EDGE && isNear(strokes, side, i, reach));
  const { top, bottom, left, right } = boundingBox(side, isDigit);
  return range(bottom - top).map((row) =>
    range(right - left).map((column) => {
      const i = (top + row) * side + left + column;
      return isDigit(i) ? ink[i] / 255 : 0;
    }),
  );
}

/** Which pixels belong to strokes: connected pieces with enough ink. */
function findStrokes(ink, side) {
  const pieceOf = new Int32Array(side * side); // from 1; 0 is no piece
  const mass = [0];
  for (let first = 0; first < ink.length; first++) {
    if (ink[first] <= 255 * CORE || pieceOf[first]) continue;
    const piece = mass.push(0) - 1;
    const found = [first];
    pieceOf[first] = piece;
    while (found.length) {
      const i = found.pop();
      mass[piece] += ink[i];
      for (const j of neighbours(i, side)) {
        if (ink[j] > 255 * CORE && !pieceOf[j]) {
          pieceOf[j] = piece;
          found.push(j);
        }
      }
    }
  }
  const least = SPECK * Math.max(...mass);
  return pieceOf.map((piece) => piece > 0 && mass[piece] >= least);
}

/** A pixel and the eight around it, those that are on the paper. */
function neighbours(i, side) {
  const [y, x] = [Math.floor(i / side), i % side];
  const found = [];
  for (let row = Math.max(y - 1, 0); row <= Math.min(y + 1, side - 1); row++) {
    for (let column = Math.max(x - 1, 0); column <= Math.min(x + 1, side - 1); column++) {
      found.push(row * side + column);
    }
  }
  return found;
}

function isNear(mask, side, i, reach) {
  if (neighbours(i, side).some((j) => mask[j])) return true;
  const [y, x] = [Math.floor(i / side), i % side];
  const n = Math.floor(reach);
  for (let row = Math.max(y - n, 0); row <= Math.min(y + n, side - 1); row++) {
    for (let column = Math.max(x - n, 0); column <= Math.min(x + n, side - 1); column++) {
      if (mask[row * side + column] && Math.hypot(row - y, column - x) <= reach) return true;
    }
  }
  return false;
}

function boundingBox(side, isInside) {
  const box = { top: side, bottom: 0, left: side, right: 0 };
  for (let i = 0; i < side * side; i++) {
    if (!isInside(i)) continue;
    const [y, x] = [Math.floor(i / side), i % side];
    box.top = Math.min(box.top, y);
    box.bottom = Math.max(box.bottom, y + 1);
    box.left = Math.min(box.left, x);
    box.right = Math.max(box.right, x + 1);
  }
  return box.bottom ? box : null;
}

/** As in MNIST: in a box of 20/28 of the size, the centre of mass in the middle. */
function likeMnist(digit, size) {
  const step = Math.max(digit.length, digit[0].length) / ((size * 20) / 28);
  const [rows, columns] = [digit, transpose(digit)].map((lines) => {
    const mass = lines.map(sum);
    const centre = sum(mass.map((m, i) => m * (i + 0.5))) / sum(mass) / step;
    return means(lines.length, -step * roundToEven(size / 2 + 0.5 - centre), step, size);
  });
  const image = multiply(multiply(rows, digit), transpose(columns));
  return image.flat().map((pixel) => Math.min(pixel, 1)); // may exceed it by rounding
}

/** As NIST's programs made scikit-learn's digits: 32 x 32 bits, counted in blocks of 4 x 4. */
function likeDigits(digit) {
  const [height, width] = [digit.length, digit[0].length];
  const rows = means(height, 0, height / 32, 32);
  const columns = means(width, (-6 * width) / 20, width / 20, 32);
  const image = multiply(multiply(rows, digit), transpose(columns));
  let bits = image.map((row) => row.map((pixel) => pixel > 0.5));
  const count = sum(bits.flat());
  if (count > 412) bits = erode(bits, count > 560 ? 2 : 1);
  else if (count < 256) bits = dilate(bits, count < 108 ? 2 : 1);
  bits = upright(bits);
  return range(64).map((block) => {
    const [top, left] = [4 * Math.floor(block / 8), 4 * (block % 8)];
    return sum(range(16).map((i) => bits[top + (i >> 2)][left + (i % 4)])) / 16;
  });
}

function erode(bits, times) {
  const isInside = (y, x) => CROSS.every(([dy, dx]) => bits[y + dy]?.[x + dx]);
  const thinner = bits.map((row, y) => row.map((_, x) => isInside(y, x)));
  return times === 1 ? thinner : erode(thinner, times - 1);
}

function dilate(bits, times) {
  const touches = (y, x) => CROSS.some(([dy, dx]) => bits[y + dy]?.[x + dx]);
  const thicker = bits.map((row, y) => row.map((_, x) => touches(y, x)));
  return times === 1 ? thicker : dilate(thicker, times - 1);
}

/** Rows shifted so that the leftmost bits near top and bottom are in one column. */
function upright(bits) {
  const inked = range(32).filter((y) => bits[y].some(Boolean));
  if (inked.length <= 5) return bits;
  const [top, bottom] = [inked[0] + 2, inked.at(-1) - 2]; // the outermost may be ragged
  const leftmost = (row) => Math.max(row.indexOf(true), 0);
  const slope = (leftmost(bits[top]) - leftmost(bits[bottom])) / (bottom - top);
  return bits.map((row, y) => {
    const shift = roundToEven((y - 16) * slope);
    return row.map((_, x) => row[x - shift] ?? false);
  });
}

/**
 * The matrix that takes means over intervals of n pixels, zero outside them.
 *
 * Interval i is from start + i * step to start + (i + 1) * step, pixel j from j to j + 1.
 */
function means(n, start, step, count) {
  return range(count).map((i) => {
    const begin = start + step * i;
    const overlap = (j) => Math.min(begin + step, j + 1) - Math.max(begin, j);
    return range(n).map((j) => Math.max(overlap(j), 0) / step);
  });
}

function multiply(A, B) {
  return A.map((row) => {
    const product = new Array(B[0].length).fill(0);
    row.forEach((a, i) => {
      if (a) B[i].forEach((b, j) => (product[j] += a * b));
    });
    return product;
  });
}

function transpose(A) {
  return A[0].map((_, j) => A.map((row) => row[j]));
}

function sum(numbers) {
  return numbers.reduce((total, number) => total + Number(number), 0);
}

function range(n) {
  return Array.from({ length: n }, (_, i) => i);
}

/** To the nearest integer, halves to the even one, as Python rounds. */
function roundToEven(x) {
  const below = Math.floor(x);
  if (x - below !== 0.5) return Math.round(x);
  return below % 2 === 0 ? below : below + 1;
}
