// The page: strokes by pointer and keyboard, and what the network makes of them.

"use strict";

const INK_SIDE = 280; // pixels of the drawing that the network's input is made from
const PEN_RADIUS = 11 / INK_SIDE; // as a share of the paper's side
const KEY_STEP = 1 / 28;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const element = (id) => document.getElementById(id);
const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name);

start().catch((error) => {
  element("answer").textContent = `This browser cannot show the page: ${error.message}`;
  throw error;
});

async function start() {
  const network = await unpack(JSON.parse(element("network").textContent));
  const paper = element("paper");
  const view = makeView(network);
  let strokes = []; // each a list of points [x, y] in shares of the paper's side
  const past = []; // what the strokes were before each stroke and each "Clear"
  let isDrawing = false; // the last stroke goes on
  let pointer = null; // which one draws
  const pen = { x: 0.5, y: 0.5, isShown: false }; // of the keyboard
  let isDue = false;

  function draw() {
    isDue = false;
    drawStrokes(paper, strokes, pen);
    const ink = inkStrokes(strokes, INK_SIDE, PEN_RADIUS * INK_SIDE);
    view.show(prepare(ink, INK_SIDE, network.size));
  }

  function redraw() {
    if (!isDue) requestAnimationFrame(draw);
    isDue = true;
  }

  function begin(point) {
    past.push(strokes);
    strokes = [...strokes, [point]];
    isDrawing = true;
    redraw();
  }

  function proceed(point) {
    strokes.at(-1).push(point);
    redraw();
  }

  function end() {
    if (!isDrawing) return;
    isDrawing = false;
    pointer = null;
    draw();
    view.say();
  }

  function undo() {
    end();
    strokes = past.pop() ?? [];
    draw();
    view.say();
  }

  function clear() {
    end();
    if (strokes.length) past.push(strokes);
    strokes = [];
    draw();
    view.say();
  }

  const pointOf = (event) => {
    const box = paper.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  };

  paper.addEventListener("pointerdown", (event) => {
    if (pointer !== null || event.button !== 0) return; // a second finger, another button
    end(); // of the keyboard's stroke
    pointer = event.pointerId;
    pen.isShown = false;
    paper.setPointerCapture(pointer);
    begin(pointOf(event));
  });
  paper.addEventListener("pointermove", (event) => {
    if (event.pointerId !== pointer) return;
    const all = event.getCoalescedEvents?.() ?? [];
    for (const one of all.length ? all : [event]) proceed(pointOf(one));
  });
  for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) {
    paper.addEventListener(name, (event) => event.pointerId === pointer && end());
  }

  paper.addEventListener("keydown", (event) => {
    const isShortcut = event.ctrlKey || event.metaKey || event.altKey;
    if (event.key === "Backspace" || (isShortcut && event.key === "z")) undo();
    else if (isShortcut) return; // the browser's own
    else if (event.key in ARROWS) move(...ARROWS[event.key]);
    else if (event.key === " ") isDrawing ? end() : begin([pen.x, pen.y]);
    else if (event.key === "Delete") clear();
    else return;
    event.preventDefault(); // no scrolling
    pen.isShown = true;
    redraw();
  });
  paper.addEventListener("blur", () => {
    if (pointer === null) end();
    pen.isShown = false;
    redraw();
  });
  // a click with the mouse focuses too, but only the keyboard needs to see the pen
  paper.addEventListener("focus", () => {
    pen.isShown = paper.matches(":focus-visible");
    redraw();
  });

  function move(dx, dy) {
    const within = (share) => Math.min(Math.max(share, 0), 1);
    pen.x = within(pen.x + dx * KEY_STEP);
    pen.y = within(pen.y + dy * KEY_STEP);
    if (isDrawing && pointer === null) proceed([pen.x, pen.y]);
  }

  element("undo").addEventListener("click", undo);
  element("clear").addEventListener("click", clear);
  new ResizeObserver(redraw).observe(paper);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  draw();
}

/** The strokes on the visible paper, as sharp as the screen. */
function drawStrokes(paper, strokes, pen) {
  const side = Math.round(paper.clientWidth * devicePixelRatio);
  paper.width = paper.height = side; // which clears it
  const context = paper.getContext("2d");
  context.strokeStyle = context.fillStyle = color("--text");
  context.lineWidth = 2 * PEN_RADIUS * side;
  context.lineCap = context.lineJoin = "round";
  for (const points of strokes) {
    context.beginPath();
    context.moveTo(points[0][0] * side, points[0][1] * side);
    for (const [x, y] of points) context.lineTo(x * side, y * side);
    context.stroke();
  }
  if (pen.isShown) {
    context.strokeStyle = color("--negative");
    context.lineWidth = 2 * devicePixelRatio;
    context.beginPath();
    context.arc(pen.x * side, pen.y * side, PEN_RADIUS * side, 0, 2 * Math.PI);
    context.stroke();
  }
}

/** The input, the hidden units and the outputs: show() draws them, say() speaks the answer. */
function makeView(network) {
  const isScore = network.out_activation === "identity";
  const hidden = network.layer_sizes.slice(1, -1).map((n) => addHiddenLayer(n));
  const bars = network.classes.map(addBar);
  element("measure").textContent = isScore ? "Outputs" : "Probabilities";
  let spoken = "";

  function show(image) {
    drawImage(element("input"), image, network.size);
    const layers = image && forward(network, image);
    hidden.forEach((canvas, l) => drawUnits(canvas, layers && layers[l], network, l));
    const p = layers && probabilities(network, layers.at(-1));
    const best = p ? predicted(network, p) : [];
    bars.forEach(({ row, bar, value }, i) => {
      const share = p ? p[i] : 0;
      row.classList.toggle("predicted", best.includes(i));
      bar.style.width = `${100 * Math.min(Math.max(share, 0), 1)}%`;
      value.textContent = p ? text(share) : "";
    });
    const labels = best.map((i) => network.classes[i]).join(", ");
    element("predicted").textContent = p ? labels || "none" : "";
    element("share").textContent = best.length === 1 ? text(p[best[0]]) : "";
    spoken = p ? `${labels || "none"} ${element("share").textContent}` : "No drawing";
  }

  const text = (share) => (isScore ? share.toFixed(2) : percent(share));
  return { show, say: () => (element("status").textContent = spoken) };
}

function addHiddenLayer(n) {
  const figure = document.createElement("figure");
  const canvas = document.createElement("canvas");
  const caption = document.createElement("figcaption");
  canvas.setAttribute("role", "img");
  caption.textContent = n === 1 ? "1 hidden unit" : `${n} hidden units`;
  figure.append(canvas, caption);
  element("hidden").append(figure);
  return canvas;
}

function addBar(label) {
  const row = element("bars").insertRow();
  const head = document.createElement("th");
  head.scope = "row";
  head.append(document.createElement("span"));
  head.firstChild.textContent = label;
  const [outer, bar] = [document.createElement("div"), document.createElement("div")];
  outer.className = "bar";
  outer.append(bar);
  row.append(head);
  row.insertCell().append(outer);
  return { row, bar, value: row.insertCell() };
}

/** Pixels from 0 to 1, dark on light or, on dark pages, light on dark. */
function drawImage(canvas, image, size) {
  canvas.width = canvas.height = size;
  const context = canvas.getContext("2d");
  context.fillStyle = color("--text");
  (image ?? []).forEach((pixel, i) => {
    context.globalAlpha = pixel;
    context.fillRect(i % size, Math.floor(i / size), 1, 1);
  });
}

/** A square for each unit, the fuller the more active; negative activity has another colour. */
function drawUnits(canvas, activity, network, l) {
  const [cell, gap] = [9, 1];
  const n = network.layer_sizes[l + 1];
  const columns = Math.min(n, Math.max(10, Math.ceil(Math.sqrt(n))));
  canvas.width = columns * (cell + gap) - gap;
  canvas.height = Math.ceil(n / columns) * (cell + gap) - gap;
  const context = canvas.getContext("2d");
  const isBounded = ["logistic", "tanh"].includes(network.activation);
  const values = Array.from(activity ?? new Array(n).fill(0));
  const full = isBounded ? 1 : Math.max(...values.map(Math.abs), Number.MIN_VALUE);
  const [empty, positive, negative] = ["--empty", "--positive", "--negative"].map(color);
  values.forEach((value, i) => {
    const [x, y] = [i % columns, Math.floor(i / columns)].map((place) => place * (cell + gap));
    context.globalAlpha = 1;
    context.fillStyle = empty;
    context.fillRect(x, y, cell, cell);
    context.globalAlpha = Math.abs(value) / full;
    context.fillStyle = value < 0 ? negative : positive;
    context.fillRect(x, y, cell, cell);
  });
  const active = values.filter((value) => Math.abs(value) > full / 2).length;
  const label = `Hidden units: ${n}, of which ${active} are more than half active`;
  canvas.setAttribute("aria-label", label);
}

/** A share in percent, where 0% and 100% are exactly that. */
function percent(share) {
  if (share > 0 && share < 0.005) return "<1%";
  if (share >= 0.995 && share < 1) return ">99%";
  return `${Math.round(100 * share)}%`;
}
