// Ink: what a round pen leaves on square paper, a byte a pixel, 0 for none and 255 for full.

"use strict";

/** Ink a straight line between two points [x, y] in pixels, with a pen of this radius. */
function inkLine(ink, side, [x0, y0], [x1, y1], radius) {
  const reach = radius + 1;
  const [dx, dy] = [x1 - x0, y1 - y0];
  const lengthSquared = dx * dx + dy * dy || 1; // a point is a line of any length but 0
  const [left, right] = pixelsWithin(x0, x1, reach, side);
  const [top, bottom] = pixelsWithin(y0, y1, reach, side);
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) {
      const [px, py] = [x + 0.5 - x0, y + 0.5 - y0];
      const along = Math.min(Math.max((px * dx + py * dy) / lengthSquared, 0), 1);
      const distance = Math.hypot(px - along * dx, py - along * dy);
      const covered = Math.min(Math.max(radius + 0.5 - distance, 0), 1);
      const i = y * side + x;
      ink[i] = Math.max(ink[i], Math.round(255 * covered));
    }
  }
}

function pixelsWithin(a, b, reach, side) {
  const start = Math.floor(Math.min(a, b) - reach);
  const stop = Math.ceil(Math.max(a, b) + reach);
  return [Math.max(start, 0), Math.min(stop, side)];
}

/** The ink of strokes, each a list of points [x, y] in shares of the paper's side. */
function inkStrokes(strokes, side, radius) {
  const ink = new Uint8Array(side * side);
  for (const stroke of strokes) {
    const points = stroke.map(([x, y]) => [x * side, y * side]);
    points.forEach((point, i) => inkLine(ink, side, points[Math.max(i - 1, 0)], point, radius));
  }
  return ink;
}
