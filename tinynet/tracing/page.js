/* A training step, line by line: its arrays as grids, and how each number came about.

An array has T grids of R rows and C columns (`sizes`); a cell is a block of them. `at` has the
number in the middle of every block as it is. `flat` is the place of a number in the whole array.
*/
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const { lines, arrays } = data;
  const byId = (id) => document.getElementById(id);
  const MOST_TERMS = 12; // that are written out
  const WIDE = 10; // columns up to which the cells have room for their numbers
  const SECONDS = 1.5; // for each line, when the step is played

  // Numbers that are not finite come as text.
  for (const array of arrays) {
    for (const key of ["at", "means", "range"]) if (array[key]) array[key] = array[key].map(Number);
    array.size = array.shape.reduce((product, n) => product * n, 1);
    array.cells = [Math.ceil(array.sizes[1] / array.block[0]),
                   Math.ceil(array.sizes[2] / array.block[1])];
  }

  // Text.

  const write = (value, digits) => {
    if (!Number.isFinite(value)) return String(value).replace("-", "\u2212");
    const rounded = Number(value.toPrecision(digits));
    return String(rounded).replace("-", "\u2212");
  };
  const number = (value) => write(value, 4);
  const factor = (value) => (value < 0 ? `(${number(value)})` : number(value));
  const times = (...values) => values.map((v, i) => (i ? factor(v) : number(v))).join(" \u00b7 ");
  const plus = (terms) => terms.join(" + ").replaceAll("+ \u2212", "\u2212 ");
  const shapeOf = (array) => (array.shape.length ? array.shape.join(" \u00d7 ") : "one number");

  const make = (tag, text = "", attributes = {}) => {
    const element = document.createElement(tag);
    element.textContent = text;
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    return element;
  };

  // From a place in an array to a cell of its grids, and back.

  const indexOf = (flat, sizes) => {
    const index = new Array(sizes.length);
    for (let axis = sizes.length - 1; axis >= 0; axis--) {
      index[axis] = flat % sizes[axis];
      flat = Math.floor(flat / sizes[axis]);
    }
    return index;
  };
  const flatOf = (index, sizes) => index.reduce((flat, i, axis) => flat * sizes[axis] + i, 0);
  const middle = (block, size, n) => {
    const start = block * size;
    return Math.floor((start + Math.min(start + size, n)) / 2);
  };

  /* The cell of a place: which one it is, and whether the place is in the middle of it. */
  function cellOf(array, flat) {
    const index = indexOf(flat, array.laid);
    const [tile, row, column] = array.grids.map((axes) =>
      flatOf(axes.map((axis) => index[axis]), axes.map((axis) => array.laid[axis])));
    if (tile >= array.tiles) return null;
    const [down, across] = array.block;
    const i = Math.floor(row / down), j = Math.floor(column / across);
    const exact = middle(i, down, array.sizes[1]) === row &&
      middle(j, across, array.sizes[2]) === column;
    return { cell: (tile * array.cells[0] + i) * array.cells[1] + j, exact };
  }

  /* The place in the middle of a cell. */
  function placeOf(array, cell) {
    const [rows, columns] = array.cells;
    const at = [
      Math.floor(cell / (rows * columns)),
      middle(Math.floor(cell / columns) % rows, array.block[0], array.sizes[1]),
      middle(cell % columns, array.block[1], array.sizes[2]),
    ];
    const index = new Array(array.laid.length);
    array.grids.forEach((axes, which) => {
      const own = indexOf(at[which], axes.map((axis) => array.laid[axis]));
      axes.forEach((axis, i) => { index[axis] = own[i]; });
    });
    return flatOf(index, array.laid);
  }

  const nameOf = (array, flat) =>
    array.shape.length ? `${array.name}[${indexOf(flat, array.shape).join(", ")}]` : array.name;

  // How numbers come about. `use(argument, place)` returns a number and marks its cell; where the
  // number is not on the page, it ends the calculation.

  const NOT_HERE = {};
  const columnsOf = (line, argument) => {
    const { shape } = line.array(argument);
    return shape[shape.length - 1] ?? 1;
  };
  const sumOfRow = (use, line, argument, flat, text) => {
    const n = columnsOf(line, argument), first = flat - (flat % n);
    return Array.from({ length: n }, (_, k) => text(use(argument, first + k)));
  };
  const exponential = (v) => `exp(${number(v)})`;
  const softmaxOf = (use, line, argument, flat) => {
    const own = exponential(use(argument, flat));
    const terms = sumOfRow(use, line, argument, flat, exponential);
    return `${own} / (${plus(terms)})`;
  };
  const squared = (v, t) => `(${number(v)} \u2212 ${factor(t)})\u00b2`;
  const rowOf = (line, argument, flat) => Math.floor(flat / columnsOf(line, argument));
  const rate = (use) => use("learning_rate", 0);
  const sigmoidOf = (v) => `1 / (1 + exp(${number(-v)}))`;
  const adamRate = (use, c) => {
    const t = use("iterations", 0) + 1;
    return (rate(use) * Math.sqrt(1 - c.beta_2 ** t)) / (1 - c.beta_1 ** t);
  };

  const RULES = {
    bias_add: (use, at, line) =>
      `${number(use("z before", at))} + ${factor(use("bias", at % line.array("bias").size))}`,
    relu: (use, at) => `max(${number(use("x", at))}, 0)`,
    relu_backward: (use, at) => {
      const x = use("x", at);
      return `${times(use("dout", at), x > 0 ? 1 : 0)}, since x = ${number(x)} is ` +
        `${x > 0 ? "above" : "not above"} 0; that is`;
    },
    sigmoid: (use, at) => sigmoidOf(use("x", at)),
    sigmoid_backward: (use, at) => {
      const out = use("out", at);
      return `${times(use("dout", at), out)} \u00b7 (1 \u2212 ${number(out)})`;
    },
    tanh: (use, at) => `tanh(${number(use("x", at))})`,
    tanh_backward: (use, at) =>
      `${number(use("dout", at))} \u00b7 (1 \u2212 ${factor(use("out", at))}\u00b2)`,
    softmax: (use, at, line) => softmaxOf(use, line, "x", at),
    dropout: (use, at, line) => {
      const u = use("u", at), x = use("x", at), { rate: share } = line.constants;
      if (u < share) return `0, since u = ${number(u)} is below the rate ${share}; that is`;
      return `${number(x)} / (1 \u2212 ${share}), since u = ${number(u)} is not below it; that is`;
    },
    rescale: (use, at, line) =>
      `${times(use("x", at), line.constants.scale)} + ${factor(line.constants.offset)}`,
    gather_rows: (use, at, line) => {
      const n = line.array("source").size / line.array("source").shape[0];
      const row = use("rows", Math.floor(at / n));
      return `row ${row} of ${line.array("source").name}: ` +
        `${number(use("source", row * n + (at % n)))}, that is`;
    },
    batch_norm_forward: (use, at, line, argument) => {
      if (argument !== "out") throw NOT_HERE;
      const j = at % line.array("gamma").size;
      return `(${number(use("x", at))} \u2212 ${factor(use("mean", j))}) \u00b7 ` +
        `${times(use("inv_std", j), use("gamma", j))} + ${factor(use("beta", j))}`;
    },
    max_pool: (use, at, line, argument) => {
      if (argument !== "out") throw NOT_HERE;
      const x = line.array("x"), out = line.array("out");
      const { size, strides, before } = line.constants;
      const [image, y, z, channel] = indexOf(at, out.shape);
      const values = [];
      for (let i = 0; i < size[0]; i++) {
        for (let j = 0; j < size[1]; j++) {
          const row = y * strides[0] - before[0] + i, column = z * strides[1] - before[1] + j;
          if (row < 0 || column < 0 || row >= x.shape[1] || column >= x.shape[2]) continue;
          values.push(number(use("x", flatOf([image, row, column, channel], x.shape))));
        }
      }
      return `max(${values.join(", ")})`;
    },
    sparse_softmax_cross_entropy: (use, at, line) => {
      const n = columnsOf(line, "logits"), label = use("labels", at);
      const terms = sumOfRow(use, line, "logits", at * n, exponential);
      return `log(${plus(terms)}) \u2212 ${factor(use("logits", at * n + label))}`;
    },
    sparse_softmax_cross_entropy_backward: (use, at, line) => {
      const n = columnsOf(line, "logits"), row = rowOf(line, "logits", at);
      const target = use("labels", row) === at % n ? 1 : 0;
      return `${number(use("weights", row))} \u00b7 ` +
        `(${softmaxOf(use, line, "logits", at)} \u2212 ${target})`;
    },
    softmax_cross_entropy: (use, at, line) => {
      const n = columnsOf(line, "logits");
      const terms = sumOfRow(use, line, "logits", at * n, exponential);
      const each = Array.from({ length: n }, (_, k) => {
        const target = use("targets", at * n + k), z = use("logits", at * n + k);
        return target && `${number(target)} \u00b7 (log(${plus(terms)}) \u2212 ${factor(z)})`;
      });
      return plus(each.filter(Boolean));
    },
    softmax_cross_entropy_backward: (use, at, line) =>
      `${number(use("weights", rowOf(line, "logits", at)))} \u00b7 ` +
      `(${softmaxOf(use, line, "logits", at)} \u2212 ${factor(use("targets", at))})`,
    sigmoid_cross_entropy: (use, at, line) => {
      const n = columnsOf(line, "logits");
      const each = Array.from({ length: n }, (_, k) => {
        const z = use("logits", at * n + k), size = number(-Math.abs(z));
        return `max(${number(z)}, 0) \u2212 ${times(use("targets", at * n + k), z)} + ` +
          `log(1 + exp(${size}))`;
      });
      return n > 1 ? `(${plus(each)}) / ${n}` : each[0];
    },
    sigmoid_cross_entropy_backward: (use, at, line) =>
      `${number(use("weights", rowOf(line, "logits", at)))} \u00b7 ` +
      `(${sigmoidOf(use("logits", at))} \u2212 ${factor(use("targets", at))}) / ` +
      columnsOf(line, "logits"),
    squared_error: (use, at, line) => {
      const n = columnsOf(line, "predictions");
      const terms = Array.from({ length: n }, (_, k) =>
        squared(use("predictions", at * n + k), use("targets", at * n + k)));
      return n > 1 ? `(${plus(terms)}) / ${n}` : terms[0];
    },
    squared_error_backward: (use, at, line) =>
      `${number(use("weights", rowOf(line, "predictions", at)))} \u00b7 2 \u00b7 ` +
      `(${number(use("predictions", at))} \u2212 ${factor(use("targets", at))}) / ` +
      columnsOf(line, "predictions"),
    decay_weights: (use, at, line) => {
      const w = use("w before", at);
      return `${number(w)} \u2212 ${times(line.constants.weight_decay, rate(use), w)}`;
    },
    sgd: (use, at) =>
      `${number(use("w before", at))} \u2212 ${times(rate(use), use("g", at))}`,
    sgd_momentum: (use, at, line, argument) => {
      const { momentum, nesterov } = line.constants, g = use("g", at);
      const down = ` \u2212 ${times(rate(use), g)}`;
      if (argument === "m") return times(momentum, use("m before", at)) + down;
      const w = number(use("w before", at)), m = use("m", at);
      return nesterov ? `${w} + ${times(momentum, m)}${down}` : `${w} + ${factor(m)}`;
    },
    adam: (use, at, line, argument) => {
      const { constants: c } = line, g = use("g", at);
      if (argument === "m") {
        const m = use("m before", at);
        return `${number(m)} + (${number(g)} \u2212 ${factor(m)}) \u00b7 ` +
          `(1 \u2212 ${c.beta_1})`;
      }
      if (argument === "v") {
        const v = use("v before", at);
        return `${number(v)} + (${factor(g)}\u00b2 \u2212 ${number(v)}) \u00b7 ` +
          `(1 \u2212 ${c.beta_2})`;
      }
      return `${number(use("w before", at))} \u2212 ` +
        `${times(adamRate(use, c), use("m", at))} / ` +
        `(\u221a${number(use("v", at))} + ${c.epsilon})`;
    },
    count_up: (use, at) => `${number(use("counter before", at))} + 1`,
  };

  /* A sum over k of a*b: all terms, or the largest ones with the sum of the others. */
  function sumText(line, out, at, use, mark) {
    const { axes, length, a, b, factor: scale } = line.sum;
    const index = indexOf(at, axes);
    const start = (steps) => steps.reduce((place, step, axis) => place + step * index[axis], 0);
    const firsts = [a, b].map((each) => each && start(each[1]));
    const terms = [];
    let all = true;
    for (let k = 0; k < length; k++) {
      const places = [a, b].map((each, which) => each && firsts[which] + k * each[2]);
      mark(a[0], places[0]);
      if (b) mark(b[0], places[1]);
      const values = [a, b].map((each, which) => each && line.value(each[0], places[which]));
      if (values.includes(undefined)) all = false;
      else terms.push(b ? values : [values[0]]);
    }
    let shown = terms;
    if (!all) {
      if (!line.terms) throw NOT_HERE;
      const { n, a: left, b: right } = line.terms;
      const first = cellOf(out, at).cell * n;
      shown = Array.from({ length: n }, (_, i) =>
        [left, right].filter(Boolean).map((values) => Number(values[first + i])));
    } else if (length > MOST_TERMS) {
      const size = (term) => Math.abs(term.reduce((product, v) => product * v, 1));
      shown = [...terms].sort((one, other) => size(other) - size(one)).slice(0, MOST_TERMS);
    }
    const texts = shown.map((term) => times(...term));
    if (shown.length < length) {
      const sum = shown.reduce((s, term) => s + term.reduce((product, v) => product * v, 1), 0);
      const rest = line.value(out.argument, at) / scale - sum;
      texts.push(`${number(rest)} (the other ${length - shown.length})`);
    }
    return scale === 1 ? plus(texts) : `${number(scale)} \u00b7 (${plus(texts)})`;
  }

  /* What a number of a line is, how it came about, and from which cells. */
  function explain(line, key, at) {
    const array = line.array(key), from = [];
    const name = nameOf(array, at), value = line.value(key, at);
    const mark = (argument, place) => from.push([argument, place]);
    const use = (argument, place) => {
      if (!line.has(argument)) throw NOT_HERE;
      mark(argument, place);
      const found = line.value(argument, place);
      if (found === undefined) throw NOT_HERE;
      return found;
    };
    let text = `${name} = `, told = false;
    const written = line.arrays.some((each) => each.role === "written" && each.argument === key);
    if (written) {
      try {
        const out = Object.assign(Object.create(array), { argument: key });
        if (line.sum) text += `${sumText(line, out, at, use, mark)} = `;
        else if (RULES[line.title]) text += `${RULES[line.title](use, at, line, key)} = `;
        told = Boolean(line.sum || RULES[line.title]);
      } catch (stopped) {
        if (stopped !== NOT_HERE) throw stopped;
        text = `${name} = `;
      }
      if (!told && array.size > 1) { // the same place in arrays of the same size
        for (const other of line.shown) {
          if (other.key !== key && line.array(other.key).size === array.size) mark(other.key, at);
        }
      }
    }
    text = text.replace(/that is = $/, "that is ") + number(value);
    return { text, from };
  }

  const nudges = new Map(data.nudges.map((each) => [`${each[0]}[${each[1]}]`, each]));
  function nudgeText(array, at) {
    const nudge = nudges.get(`${array.name.replace(/^d /, "")}[${at}]`);
    if (!nudge) return "";
    const [, , , gradient, slope] = nudge;
    return `\nNudged a little, the loss changes by ${write(Number(slope), 6)} times as much; ` +
      `backward says ${write(Number(gradient), 6)}.` +
      (data.random ? " (Both with other random numbers than here.)" : "");
  }

  // A line with its arrays by their keys: the argument, or "z before" for what was there before.

  for (const line of lines) {
    line.shown = [];
    const byKey = new Map();
    const put = (key, number, title) => {
      byKey.set(key, arrays[number]);
      line.shown.push({ key, title });
    };
    for (const each of line.arrays) {
      if (each.before !== null) put(`${each.argument} before`, each.before, "before");
      const title = each.role === "read" ? "read" : each.before === null ? "written" : "after";
      put(each.argument, each.array, title);
    }
    line.has = (key) => byKey.has(key);
    line.array = (key) => byKey.get(key);
    line.value = (key, at) => {
      const found = cellOf(byKey.get(key), at);
      return found && found.exact ? byKey.get(key).at[found.cell] : undefined;
    };
  }

  // Drawing.

  const cells = new Map(); // key -> elements
  let now = 0;

  function captionOf(array, title) {
    const caption = make("figcaption");
    caption.append(make("b", array.name), ` ${shapeOf(array)}, ${title}`);
    const [low, mean, high] = array.range.map(number);
    const notes = array.size === 1 ? [] : [
      `from ${low} to ${high}, mean ${mean}, ${number(100 * array.zeros)} % zeros`,
    ];
    const [down, across] = array.block, { laid } = array;
    if (laid.length > array.shape.length) {
      notes.push(`each row as a picture, ${laid[1]} \u00d7 ${laid[2]}`);
    }
    if (down * across > 1) notes.push(`reduced: each cell is the mean of ${down} \u00d7 ${across}`);
    if (array.tiles < array.sizes[0]) {
      notes.push(`the first ${array.tiles} of ${array.sizes[0]} grids`);
    }
    for (const note of notes) caption.append(make("small", note));
    return caption;
  }

  function tileName(array, tile) {
    const index = indexOf(tile, array.grids[0].map((axis) => array.laid[axis]));
    return array.named.map((what, i) => `${what} ${index[i]}`).join(", ");
  }

  function draw(line, { key, title }) {
    const array = line.array(key), own = [];
    const figure = make("figure", "", { class: `array ${array.kind}` });
    const tiles = make("div", "", { class: "tiles" });
    figure.append(captionOf(array, title), tiles);
    const shown = array.means ?? array.at;
    const [rows, columns] = array.cells;
    const largest = Math.max(...shown.map((v) => (Number.isFinite(v) ? Math.abs(v) : 0))) || 1;
    const numbers = columns <= WIDE && array.tiles === 1;
    const look = numbers ? "numbers" : array.tiles > 1 ? "tiled" : rows === 1 ? "single" : "";
    for (let tile = 0; tile < array.tiles; tile++) {
      const name = tileName(array, tile);
      const table = make("table", "", {
        class: `grid ${look}`,
        role: "grid",
        "aria-label": [array.name, title, name].filter(Boolean).join(", "),
      });
      for (let i = 0; i < rows; i++) {
        const row = table.insertRow();
        for (let j = 0; j < columns; j++) {
          const place = own.length, value = shown[place];
          const cell = make("td", numbers ? number(value) : "", {
            class: `cell${value < 0 ? " minus" : ""}`,
            tabindex: i + j === 0 ? "0" : "-1",
            style: `--share: ${Number.isFinite(value) ? Math.abs(value) / largest : 1}`,
          });
          if (!numbers) cell.setAttribute("aria-label", `${i}, ${j}: ${number(value)}`);
          cell.at = { key, place, tile, i, j };
          row.append(cell);
          own.push(cell);
        }
      }
      const tileBox = make("div");
      tileBox.append(table);
      if (name) tileBox.append(make("small", name));
      tiles.append(tileBox);
    }
    cells.set(key, own);
    return figure;
  }

  function unmark() {
    for (const each of document.querySelectorAll(".hot, .from")) {
      each.classList.remove("hot", "from");
    }
  }

  function point({ key, place }) {
    const line = lines[now], array = line.array(key), at = placeOf(array, place);
    const { text, from } = explain(line, key, at);
    unmark();
    for (const [argument, flat] of from) {
      const found = cellOf(line.array(argument), flat);
      if (found) cells.get(argument)[found.cell].classList.add("from");
    }
    cells.get(key)[place].classList.add("hot");
    const [down, across] = array.block;
    const reduced = array.means
      ? `The mean of ${down} \u00d7 ${across} numbers is ${number(array.means[place])}. ` +
        "In their middle:\n"
      : "";
    byId("say").textContent = reduced + text + nudgeText(array, at);
  }

  const buttons = [];
  function show(which) {
    now = Math.max(0, Math.min(lines.length - 1, which));
    const line = lines[now];
    byId("call").textContent = line.call;
    byId("doc").textContent = line.doc;
    byId("where").textContent = `line ${line.number} of ${lines.length}, ${line.section}`;
    byId("back").disabled = now === 0;
    byId("next").disabled = now === lines.length - 1;
    const written = line.arrays.filter((each) => each.role === "written");
    const names = written.map((each) => arrays[each.array].name).join(", ") || "nothing";
    byId("say").textContent = `Line ${line.number}, ${line.section}: ${line.call}\n` +
      `writes ${names}. Point at a number, or move to it with Tab and the arrow keys.`;
    cells.clear();
    byId("arrays").replaceChildren(...line.shown.map((each) => draw(line, each)));
    const inList = buttons.includes(document.activeElement);
    buttons.forEach((button, i) => {
      button.tabIndex = i === now ? 0 : -1;
      if (i === now) button.setAttribute("aria-current", "step");
      else button.removeAttribute("aria-current");
    });
    if (inList) buttons[now].focus({ preventScroll: true });
    const list = byId("lines"), top = buttons[now].offsetTop;
    if (top < list.scrollTop || top + buttons[now].offsetHeight > list.scrollTop + list.clientHeight) {
      list.scrollTop = top - list.clientHeight / 2;
    }
    if (now === lines.length - 1) stop();
  }

  // Playing.

  let timer = null;
  function stop() {
    clearInterval(timer);
    timer = null;
    byId("play").textContent = "Play";
  }
  function play() {
    if (timer !== null) {
      stop();
      return;
    }
    if (now === lines.length - 1) show(0);
    byId("play").textContent = "Pause";
    timer = setInterval(() => show(now + 1), 1000 * SECONDS);
  }

  // Keys: arrows move from number to number within a grid, elsewhere from line to line.

  const MOVES = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const cell = event.target.closest?.("td.cell");
    if (cell) {
      const move = MOVES[event.key];
      if (!move) return;
      event.preventDefault();
      const { key, tile, i, j } = cell.at;
      const [rows, columns] = lines[now].array(key).cells;
      const row = Math.max(0, Math.min(rows - 1, i + move[0]));
      const column = Math.max(0, Math.min(columns - 1, j + move[1]));
      const other = cells.get(key)[(tile * rows + row) * columns + column];
      cell.tabIndex = -1;
      other.tabIndex = 0;
      other.focus();
      return;
    }
    const inList = buttons.includes(event.target);
    const step = {
      ArrowLeft: -1, ArrowRight: 1, ...(inList ? { ArrowUp: -1, ArrowDown: 1 } : {}),
    }[event.key];
    if (step) {
      event.preventDefault();
      show(now + step);
    }
  });
  for (const kind of ["pointerover", "focusin", "click"]) {
    byId("arrays").addEventListener(kind, (event) => {
      const cell = event.target.closest("td.cell");
      if (cell) point(cell.at);
    });
  }
  byId("back").addEventListener("click", () => show(now - 1));
  byId("next").addEventListener("click", () => show(now + 1));
  byId("play").addEventListener("click", play);

  // What stays: the list of lines, and the table of nudges.

  byId("about").textContent =
    `${data.samples} sample${data.samples > 1 ? "s" : ""}, ${lines.length} lines; the loss before ` +
    `the step is ${write(Number(data.loss), 6)}. Arrow keys go from line to line.`;
  let list = null, section = "";
  lines.forEach((line, i) => {
    if (line.section !== section) {
      section = line.section;
      list = make("ol");
      byId("lines").append(make("h2", section), list);
    }
    const written = line.arrays.filter((each) => each.role === "written");
    const names = written.map((each) => arrays[each.array].name);
    const target = names.length ? ` \u2192 ${names[0]}${names.length > 1 ? " \u2026" : ""}` : "";
    const button = make("button", `${line.number} ${line.title}${target}`, { type: "button" });
    button.addEventListener("click", () => show(i));
    buttons.push(button);
    const item = make("li");
    item.append(button);
    list.append(item);
  });

  byId("nudges-about").textContent =
    "What the loss does when a weight is made a little larger and a little smaller, divided by " +
    "the difference, beside what backward says. Both are computed in float64" +
    (data.random ? ", with other random numbers than those of this step." : ".");
  const table = make("table"), head = table.createTHead().insertRow();
  for (const title of ["weight", "value", "measured", "gradient"]) {
    head.append(make("th", title, { scope: "col" }));
  }
  const body = table.createTBody();
  const shapes = new Map(arrays.map((array) => [array.name, array]));
  for (const [name, place, value, gradient, slope] of data.nudges) {
    const row = body.insertRow(), array = shapes.get(name);
    row.append(make("th", array ? nameOf(array, place) : `${name}[${place}]`, { scope: "row" }));
    for (const each of [value, slope, gradient]) row.append(make("td", write(Number(each), 6)));
  }
  byId("nudges").append(table);

  show(0);
})();
