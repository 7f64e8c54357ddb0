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
    const whole = Number.isInteger(value) && Math.abs(value) < 2 ** 53;
    const rounded = whole ? value : Number(value.toPrecision(digits));
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
  // number is not on the page, it ends the calculation. Places are those in the kernel's own axes.

  const NOT_HERE = {};
  const range = (n) => Array.from({ length: n }, (_, i) => i);
  const since = (text, why) => `${text}, since ${why}; that is`;
  const asTerm = (...values) => [
    times(...values), values.reduce((product, v) => product * v, 1),
  ];

  /* What `text` makes of each k below n, or null where a number is not on the page. */
  const terms = (n, text) => range(n).map((k) => {
    try {
      return text(k);
    } catch (stopped) {
      if (stopped !== NOT_HERE) throw stopped;
      return null;
    }
  });

  /* Terms, each a text and its value: the largest ones, and the sum of the others. */
  function sum(found, total) {
    const known = found.filter(Boolean);
    if (found.length === 0) return "0";
    if (known.length === 0 || (known.length < found.length && total === undefined)) throw NOT_HERE;
    const size = ([, value]) => Math.abs(value);
    const most = known.length > MOST_TERMS
      ? [...known].sort((one, other) => size(other) - size(one)).slice(0, MOST_TERMS)
      : known;
    const valueOf = (some) => some.reduce((result, [, value]) => result + value, 0);
    const texts = most.map(([text]) => text);
    const others = found.length - most.length;
    if (others > 0) {
      const rest = (total ?? valueOf(known)) - valueOf(most);
      texts.push(`${number(rest)} (the other ${others})`);
    }
    return plus(texts);
  }

  const columnsOf = (line, argument) => line.axes(argument).at(-1) ?? 1;
  const rowOf = (line, argument, flat) => Math.floor(flat / columnsOf(line, argument));
  const rate = (use) => use("learning_rate", 0);
  const power = (v, n) => `${factor(v)}${n === 3 ? "\u00b3" : "\u00b2"}`;
  const minus = (v, t) => `${number(v)} \u2212 ${factor(t)}`;
  const copyOf = (use, line, argument, flat) =>
    since(number(use(argument, flat)), `it is a copy of ${nameOf(line.array(argument), flat)}`);

  // Rows and columns of (rows, columns).

  const exponential = (v) => [`exp(${number(v)})`, Math.exp(v)];
  const sumOfRow = (use, line, argument, flat, text) => {
    const n = columnsOf(line, argument), first = flat - (flat % n);
    return sum(terms(n, (k) => text(use(argument, first + k), first + k)));
  };
  const softmaxOf = (use, line, argument, flat) => {
    const all = sumOfRow(use, line, argument, flat, exponential);
    return `${exponential(use(argument, flat))[0]} / (${all})`;
  };
  const columnSum = (use, line, argument, j, total, text) => {
    const [rows, columns] = line.axes(argument);
    return sum(terms(rows, (i) => text(i * columns + j)), total);
  };
  const rowSum = (line, argument, i, total, text) => {
    const n = columnsOf(line, argument);
    return sum(terms(n, (k) => text(i * n + k)), total);
  };
  const sigmoidOf = (v) => `1 / (1 + exp(${number(-v)}))`;
  const sigmoid = (v) => 1 / (1 + Math.exp(-v));

  // Activations: a slope that depends on where x is.

  const passed = (use, at, slope, why) => since(times(use("dout", at), slope), why);
  const isAbove = (x, limit = 0) =>
    `x = ${number(x)} is ${x > limit ? "above" : "not above"} ${number(limit)}`;
  const SELU_SCALE = 1.0507009873554805, SELU_SCALE_ALPHA = 1.7580993408473769;
  const CUBIC = 0.044715, ROOT = Math.sqrt(2 / Math.PI);
  const geluInner = (x) =>
    `tanh(${number(ROOT)} \u00b7 (${number(x)} + ${CUBIC} \u00b7 ${power(x, 3)}))`;

  /* The gradient goes to a, or to b: to the one that was chosen. */
  const toOne = (use, at, argument, first) => since(
    times(use("dout", at), first === (argument === "da") ? 1 : 0),
    `a = ${number(use("a", at))} and b = ${number(use("b", at))}`,
  );

  // Losses: a mean over the columns of what `text` says of a prediction and a target.

  const mean = (use, line, at, text) => {
    const n = columnsOf(line, "predictions");
    const each = terms(n, (k) => text(...errorOf(use, at * n + k)));
    const found = sum(each, line.value("losses", at) * n);
    return n > 1 ? `(${found}) / ${n}` : found;
  };
  const errorOf = (use, at) => [use("predictions", at), use("targets", at)];
  const clip = (v, low, high) => Math.min(Math.max(v, low), high);
  const clipped = (line, v) =>
    clip(v, Math.fround(line.constants.epsilon), Math.fround(1 - line.constants.epsilon));
  const wasClipped = (line, v) => clipped(line, v) !== v;
  const probabilities = (use, line, at) => sumOfRow(use, line, "p", at, (v) =>
    [number(clipped(line, v)), clipped(line, v)]);
  const rowTotal = (use, line, at) => {
    const n = columnsOf(line, "p"), first = at - (at % n);
    return range(n).reduce((total, k) => total + use("p", first + k), 0);
  };

  // Images: (images, rows, columns, channels).

  /* The places (y, z) of a window that meet a pixel, each with the entry (i, j) that meets it. */
  function meetings(line, out, pixel, size, before, dilation = [1, 1]) {
    const { strides } = line.constants, places = line.axes(out).slice(1, 3), found = [];
    for (const i of range(size[0])) {
      for (const j of range(size[1])) {
        const y = (pixel[0] + before[0] - i * dilation[0]) / strides[0];
        const z = (pixel[1] + before[1] - j * dilation[1]) / strides[1];
        const there = Number.isInteger(y) && Number.isInteger(z) &&
          y >= 0 && z >= 0 && y < places[0] && z < places[1];
        if (there) found.push([y, z, i, j]);
      }
    }
    return found;
  }

  /* The pixels of a pooling window that are in the image: row, column, and number in the window. */
  function windowOf(line, image, y, z) {
    const { size, strides, before } = line.constants, [, rows, columns] = line.axes(image);
    const found = [];
    for (const i of range(size[0])) {
      for (const j of range(size[1])) {
        const row = y * strides[0] - before[0] + i, column = z * strides[1] - before[1] + j;
        if (row < 0 || column < 0 || row >= rows || column >= columns) continue;
        found.push([row, column, i, j]);
      }
    }
    return found;
  }
  const poolWindow = (use, line, at) => {
    const [image, y, z, channel] = indexOf(at, line.axes("out")), axes = line.axes("x");
    return windowOf(line, "x", y, z).map(([row, column, i, j]) =>
      [use("x", flatOf([image, row, column, channel], axes)), i, j]);
  };
  const convolutionTerm = (use, line, n, y, z, i, j, c, m) => {
    const { strides, dilation } = line.constants;
    const row = y * strides[0] + i * dilation[0], column = z * strides[1] + j * dilation[1];
    return [
      ["x", flatOf([n, row, column, c], line.axes("x"))],
      ["weights", flatOf([i, j, c, m], line.axes("weights"))],
    ];
  };

  // Optimizers.

  const adamRate = (use, c) => {
    const t = use("iterations", 0) + 1;
    return (rate(use) * Math.sqrt(1 - c.beta_2 ** t)) / (1 - c.beta_1 ** t);
  };
  const adamMoment = (use, at, line, argument) => {
    const g = use("g", at), before = use(`${argument} before`, at), { constants: c } = line;
    return argument === "m"
      ? `${number(before)} + (${minus(g, before)}) \u00b7 (1 \u2212 ${c.beta_1})`
      : `${number(before)} + (${power(g)} \u2212 ${number(before)}) \u00b7 (1 \u2212 ${c.beta_2})`;
  };
  const down = (use, at, step) => `${number(use("w before", at))} \u2212 ${step}`;

  const normalized = (use, at, j) =>
    `(${minus(use("x", at), use("mean", j))}) \u00b7 ${factor(use("inv_std", j))}`;
  const scaled = (use, at, j, shared = j) =>
    `${normalized(use, at, shared)} \u00b7 ${factor(use("gamma", j))} + ${factor(use("beta", j))}`;
  const square = (v, t) => [`(${minus(v, t)})\u00b2`, (v - t) ** 2];
  /* The gradients of scale and shift; a mean is that of the column, or of what `shared` says. */
  const columnGradient = (use, line, argument, j, shared = () => j) => {
    return columnSum(use, line, "dout", j, line.value(argument, j), (at) => {
      const dout = use("dout", at);
      if (argument === "dbeta") return asTerm(dout);
      const x = use("x", at), own = use("mean", shared(at)), inv = use("inv_std", shared(at));
      return [
        `${number(dout)} \u00b7 (${minus(x, own)}) \u00b7 ${factor(inv)}`, dout * (x - own) * inv,
      ];
    });
  };

  const RULES = {
    // Data.
    next_rows: (use, at, line, argument) => {
      const n = line.axes("order")[0], first = use("place before", 0);
      const rows = line.axes("rows")[0];
      if (argument === "place") return `(${first} + ${rows}) mod ${n}`;
      return copyOf(use, line, "order", (first + at) % n);
    },
    gather_rows: (use, at, line) => {
      const n = columnsOf(line, "source"), row = use("rows", Math.floor(at / n));
      return since(number(use("source", row * n + (at % n))),
        `it is from row ${row} of ${line.array("source").name}`);
    },
    cast: (use, at, line) => copyOf(use, line, "x", at),
    rescale: (use, at, line) =>
      `${times(use("x", at), line.constants.scale)} + ${factor(line.constants.offset)}`,
    rescale_columns: (use, at, line) => {
      const j = at % columnsOf(line, "x");
      return `${times(use("x", at), use("scale", j))} + ${factor(use("offset", j))}`;
    },
    next_pair: (use, at, line, argument) => {
      const before = use("state before", at);
      if (argument === "pair") return `${number(before)} mod ${2 ** 31 - 2}`;
      if (at === 1) return `${number(before)} + 1`;
      return since(number(before), "only the other one counts");
    },

    // Layers.
    bias_add: (use, at, line) =>
      `${number(use("z before", at))} + ${factor(use("bias", at % columnsOf(line, "z")))}`,
    dropout: (use, at, line) => {
      const u = use("u", at), x = use("x", at), { rate: share } = line.constants;
      if (u < share) return since("0", `u = ${number(u)} is below the rate ${share}`);
      return since(`${number(x)} / (1 \u2212 ${share})`, `u = ${number(u)} is not below it`);
    },
    batch_norm_forward: (use, at, line, argument) => {
      const [n, columns] = line.axes("x"), j = at % columns, { momentum, epsilon } = line.constants;
      if (argument === "out") return scaled(use, at, j);
      if (argument === "mean") {
        const total = line.value("mean", j) * n;
        return `(${columnSum(use, line, "x", j, total, (each) => asTerm(use("x", each)))}) / ${n}`;
      }
      const total = (1 / use("inv_std", j) ** 2 - epsilon) * n;
      const squares = () => columnSum(use, line, "x", j, total, (each) =>
        square(use("x", each), use("mean", j)));
      if (argument === "inv_std") return `1 / \u221a((${squares()}) / ${n} + ${epsilon})`;
      const before = number(use(`${argument} before`, j));
      const batch = argument === "moving_mean" ? factor(use("mean", j)) : `(${squares()}) / ${n}`;
      return `${before} \u00b7 ${momentum} + ${batch} \u00b7 (1 \u2212 ${momentum})`;
    },
    batch_norm_backward: (use, at, line, argument) => {
      const [n, columns] = line.axes("x"), j = at % columns;
      if (argument !== "dx") return columnGradient(use, line, argument, j);
      return `${times(use("gamma", j), use("inv_std", j))} \u00b7 ` +
        `(${number(use("dout", at))} \u2212 ${factor(use("dbeta", j))} / ${n} \u2212 ` +
        `${normalized(use, at, j)} \u00b7 ${factor(use("dgamma", j))} / ${n})`;
    },
    layer_norm_forward: (use, at, line, argument) => {
      const n = columnsOf(line, "x"), { epsilon } = line.constants;
      if (argument === "out") return scaled(use, at, at % n, rowOf(line, "x", at));
      if (argument === "mean") {
        const all = rowSum(line, "x", at, line.value("mean", at) * n, (k) => asTerm(use("x", k)));
        return `(${all}) / ${n}`;
      }
      const total = (1 / use("inv_std", at) ** 2 - epsilon) * n;
      const squares = rowSum(line, "x", at, total, (k) => square(use("x", k), use("mean", at)));
      return `1 / \u221a((${squares}) / ${n} + ${epsilon})`;
    },
    layer_norm_backward: (use, at, line, argument) => {
      const n = columnsOf(line, "x"), row = rowOf(line, "x", at);
      if (argument !== "dx") {
        return columnGradient(use, line, argument, at, (place) => rowOf(line, "x", place));
      }
      const scaledGradient = (k) => [use("dout", k), use("gamma", k % n)];
      const distance = (k) => (use("x", k) - use("mean", row)) * use("inv_std", row);
      const all = rowSum(line, "dout", row, undefined, (k) => asTerm(...scaledGradient(k)));
      const along = rowSum(line, "dout", row, undefined, (k) =>
        asTerm(...scaledGradient(k), distance(k)));
      return `${number(use("inv_std", row))} \u00b7 (${times(...scaledGradient(at))} \u2212 ` +
        `(${all}) / ${n} \u2212 ${normalized(use, at, row)} \u00b7 (${along}) / ${n})`;
    },
    batch_norm_inference: (use, at, line, argument) => {
      const j = at % columnsOf(line, "x");
      if (argument === "out") return scaled(use, at, j);
      return `1 / \u221a(${number(use("variance", j))} + ${line.constants.epsilon})`;
    },
    batch_norm_inference_backward: (use, at, line, argument) => {
      const j = at % columnsOf(line, "x");
      if (argument !== "dx") return columnGradient(use, line, argument, j);
      return times(use("dout", at), use("gamma", j), use("inv_std", j));
    },

    // Activations.
    relu: (use, at) => `max(${number(use("x", at))}, 0)`,
    relu_backward: (use, at) => {
      const x = use("x", at);
      return passed(use, at, x > 0 ? 1 : 0, isAbove(x));
    },
    leaky_relu: (use, at, line) => {
      const x = use("x", at);
      return since(x > 0 ? number(x) : times(line.constants.slope, x), isAbove(x));
    },
    leaky_relu_backward: (use, at, line) => {
      const x = use("x", at);
      return passed(use, at, x > 0 ? 1 : line.constants.slope, isAbove(x));
    },
    clipped_relu: (use, at, line) => {
      const x = use("x", at), { slope, threshold, ceiling } = line.constants;
      const below = `${number(slope)} \u00b7 (${minus(x, threshold)})`;
      const above = ceiling === null ? number(x) : `min(${number(x)}, ${number(ceiling)})`;
      return since(x > threshold ? above : below, isAbove(x, threshold));
    },
    clipped_relu_backward: (use, at, line) => {
      const x = use("x", at), { slope, threshold, ceiling } = line.constants;
      const high = ceiling ?? Infinity, passes = !(ceiling === 6 && threshold === 0);
      const inside = x > threshold && (x < high || (x === high && passes));
      const where = inside ? "between" : x > threshold ? "above" : x < threshold ? "below" : "at";
      const limits = `the threshold ${number(threshold)}` +
        (ceiling === null ? "" : ` and the ceiling ${number(ceiling)}`);
      return passed(use, at, inside ? 1 : x < threshold ? slope : 0,
        `x = ${number(x)} is ${inside && ceiling === null ? "above" : where} ${limits}`);
    },
    elu: (use, at, line) => {
      const x = use("x", at), { alpha } = line.constants;
      return since(x > 0 ? number(x) : `${number(alpha)} \u00b7 (exp(${number(x)}) \u2212 1)`,
        isAbove(x));
    },
    elu_backward: (use, at, line) => {
      const x = use("x", at), dout = number(use("dout", at));
      const slope = x > 0 ? "1" : `(${number(use("out", at))} + ${number(line.constants.alpha)})`;
      return since(`${dout} \u00b7 ${slope}`, isAbove(x));
    },
    selu: (use, at) => {
      const x = use("x", at);
      return since(
        x > 0 ? times(SELU_SCALE, x)
          : `${number(SELU_SCALE_ALPHA)} \u00b7 (exp(${number(x)}) \u2212 1)`,
        isAbove(x),
      );
    },
    selu_backward: (use, at) => {
      const out = use("out", at), dout = number(use("dout", at));
      const slope = out < 0 ? `(${number(out)} + ${number(SELU_SCALE_ALPHA)})` : number(SELU_SCALE);
      return since(`${dout} \u00b7 ${slope}`, `out = ${number(out)} is ` +
        (out < 0 ? "below 0" : "not below 0"));
    },
    sigmoid: (use, at) => sigmoidOf(use("x", at)),
    sigmoid_backward: (use, at) => {
      const out = use("out", at);
      return `${times(use("dout", at), out)} \u00b7 (1 \u2212 ${number(out)})`;
    },
    tanh: (use, at) => `tanh(${number(use("x", at))})`,
    tanh_backward: (use, at) =>
      `${number(use("dout", at))} \u00b7 (1 \u2212 ${power(use("out", at))})`,
    softplus: (use, at) => `log(1 + exp(${number(use("x", at))}))`,
    softplus_backward: (use, at) =>
      `${number(use("dout", at))} / (1 + exp(${number(-use("x", at))}))`,
    softsign: (use, at) => {
      const x = number(use("x", at));
      return `${x} / (1 + |${x}|)`;
    },
    softsign_backward: (use, at) =>
      `${number(use("dout", at))} / (1 + |${number(use("x", at))}|)\u00b2`,
    exponential: (use, at) => `exp(${number(use("x", at))})`,
    exponential_backward: (use, at) => times(use("dout", at), use("out", at)),
    silu: (use, at) => {
      const x = use("x", at);
      return `${number(x)} / (1 + exp(${number(-x)}))`;
    },
    silu_backward: (use, at) => {
      const x = use("x", at), s = sigmoid(x);
      return since(
        `${times(use("dout", at), s)} \u00b7 (1 + ${factor(x)} \u00b7 (1 \u2212 ${number(s)}))`,
        `the sigmoid of x = ${number(x)} is ${number(s)}`,
      );
    },
    gelu: (use, at) => {
      const x = number(use("x", at));
      return since(`${x} \u00b7 \u03a6(${x})`, "\u03a6 is the normal distribution's function");
    },
    gelu_backward: (use, at) => {
      const x = use("x", at);
      return since(`${number(use("dout", at))} \u00b7 (\u03a6(${number(x)}) + ` +
        `${factor(x)} \u00b7 \u03c6(${number(x)}))`,
        "\u03a6 is the normal distribution's function and \u03c6 its density");
    },
    gelu_tanh: (use, at) => {
      const x = use("x", at);
      return `${number(x)} / 2 \u00b7 (1 + ${geluInner(x)})`;
    },
    gelu_tanh_backward: (use, at) => {
      const x = use("x", at), t = Math.tanh(ROOT * (x + CUBIC * x ** 3));
      return since(
        `${number(use("dout", at))} / 2 \u00b7 (1 + ${factor(t)} + ${factor(x)} \u00b7 ` +
        `(1 \u2212 ${power(t)}) \u00b7 ${number(ROOT)} \u00b7 ` +
        `(1 + 3 \u00b7 ${CUBIC} \u00b7 ${power(x)}))`,
        `${geluInner(x)} is ${number(t)}`,
      );
    },
    softmax: (use, at, line) => softmaxOf(use, line, "x", at),
    softmax_backward: (use, at, line) => {
      const inner = sumOfRow(use, line, "dout", at, (v, place) => asTerm(v, use("out", place)));
      return `(${number(use("dout", at))} \u2212 (${inner})) \u00b7 ${factor(use("out", at))}`;
    },

    // Where branches meet.
    add: (use, at) => `${number(use("a", at))} + ${factor(use("b", at))}`,
    add_to: (use, at) => `${number(use("total before", at))} + ${factor(use("x", at))}`,
    subtract: (use, at) => minus(use("a", at), use("b", at)),
    multiply: (use, at) => times(use("a", at), use("b", at)),
    scale_by: (use, at, line) => times(use("x", at), line.constants.factor),
    maximum: (use, at) => `max(${number(use("a", at))}, ${number(use("b", at))})`,
    maximum_backward: (use, at, line, argument) =>
      toOne(use, at, argument, use("a", at) >= use("b", at)),
    minimum: (use, at) => `min(${number(use("a", at))}, ${number(use("b", at))})`,
    minimum_backward: (use, at, line, argument) =>
      toOne(use, at, argument, use("a", at) <= use("b", at)),
    put_columns: (use, at, line) => {
      const width = columnsOf(line, "x"), row = rowOf(line, "out", at);
      const j = at % columnsOf(line, "out") - line.constants.first;
      if (j >= 0 && j < width) return copyOf(use, line, "x", row * width + j);
      return since(number(use("out before", at)), "only other columns are written");
    },
    take_columns: (use, at, line) => {
      const width = columnsOf(line, "out"), row = rowOf(line, "out", at);
      const j = at % width + line.constants.first;
      return copyOf(use, line, "x", row * columnsOf(line, "x") + j);
    },

    // Pooling.
    max_pool: (use, at, line, argument) => {
      const pixels = poolWindow(use, line, at);
      if (argument === "out") return `max(${pixels.map(([v]) => number(v)).join(", ")})`;
      const [v, i, j] = pixels.reduce((best, each) => (each[0] > best[0] ? each : best));
      return since(`${i} \u00b7 ${line.constants.size[1]} + ${j}`,
        `the largest number, ${number(v)}, is in row ${i} and column ${j} of the window`);
    },
    max_pool_backward: (use, at, line) => {
      const { size, before } = line.constants;
      const [image, row, column, channel] = indexOf(at, line.axes("dx"));
      const found = meetings(line, "dout", [row, column], size, before);
      const places = found.map(([y, z, i, j]) =>
        [flatOf([image, y, z, channel], line.axes("dout")), i * size[1] + j]);
      const largest = terms(places.length, (k) => {
        const [place, which] = places[k];
        return use("which", place) === which ? asTerm(use("dout", place)) : ["", 0];
      }).filter((each) => !each || each[0]);
      if (largest.length > 0) return sum(largest, line.value("dx", at));
      return since("0", found.length ? "it was the largest in no window" : "no window covers it");
    },
    average_pool: (use, at, line) => {
      const pixels = poolWindow(use, line, at);
      return `(${sum(pixels.map(([v]) => asTerm(v)))}) / ${pixels.length}`;
    },
    average_pool_backward: (use, at, line) => {
      const { size, before } = line.constants;
      const [image, row, column, channel] = indexOf(at, line.axes("dx"));
      const found = meetings(line, "dout", [row, column], size, before);
      return sum(terms(found.length, (k) => {
        const [y, z] = found[k], count = windowOf(line, "dx", y, z).length;
        const dout = use("dout", flatOf([image, y, z, channel], line.axes("dout")));
        return [`${number(dout)} / ${count}`, dout / count];
      }), line.value("dx", at));
    },
    global_max: (use, at, line) => {
      const [, rows, columns, channels] = line.axes("x"), pixels = rows * columns;
      const [image, channel] = [Math.floor(at / channels), at % channels];
      const found = range(pixels).map((k) => use("x", (image * pixels + k) * channels + channel));
      const most = found.sort((one, other) => other - one).slice(0, MOST_TERMS);
      const text = `max(${most.map(number).join(", ")})`;
      const others = pixels - most.length;
      return others ? since(text, `the other ${others} are not larger`) : text;
    },
    global_max_backward: (use, at, line) => {
      const [, rows, columns, channels] = line.axes("x"), pixels = rows * columns;
      const image = Math.floor(at / channels / pixels), channel = at % channels;
      const out = use("out", image * channels + channel), x = use("x", at);
      const count = range(pixels).filter((k) =>
        use("x", (image * pixels + k) * channels + channel) === out).length;
      if (x !== out) return since("0", `x = ${number(x)} is not the largest, ${number(out)}`);
      return since(`${number(use("dout", image * channels + channel))} / ${count}`,
        `x = ${number(x)} is the largest, and as large as ${count === 1 ? "no other" : "others"}`);
    },

    // Convolution.
    depthwise: (use, at, line) => {
      const [n, y, z, c, m] = indexOf(at, line.axes("out"));
      const [rows, columns] = line.axes("weights");
      return sum(terms(rows * columns, (k) => {
        const i = Math.floor(k / columns), j = k % columns;
        const factors = convolutionTerm(use, line, n, y, z, i, j, c, m);
        return asTerm(...factors.map((each) => use(...each)));
      }), line.value("out", at));
    },
    depthwise_backward: (use, at, line, argument) => {
      const [images, height, width, , multiplier] = line.axes("dout");
      const total = line.value(argument, at);
      if (argument === "dweights") {
        const [i, j, c, m] = indexOf(at, line.axes("weights"));
        return sum(terms(images * height * width, (k) => {
          const [n, y, z] = indexOf(k, [images, height, width]);
          const [pixel] = convolutionTerm(use, line, n, y, z, i, j, c, m);
          const dout = use("dout", flatOf([n, y, z, c, m], line.axes("dout")));
          return asTerm(dout, use(...pixel));
        }), total);
      }
      const [n, row, column, c] = indexOf(at, line.axes("dx"));
      const found = meetings(line, "dout", [row, column], line.axes("weights").slice(0, 2), [0, 0],
        line.constants.dilation);
      return sum(terms(found.length * multiplier, (k) => {
        const [y, z, i, j] = found[Math.floor(k / multiplier)], m = k % multiplier;
        const dout = use("dout", flatOf([n, y, z, c, m], line.axes("dout")));
        return asTerm(dout, use("weights", flatOf([i, j, c, m], line.axes("weights"))));
      }), total);
    },

    // Losses.
    sparse_softmax_cross_entropy: (use, at, line) => {
      const n = columnsOf(line, "logits"), label = use("labels", at);
      const all = sumOfRow(use, line, "logits", at * n, exponential);
      return `log(${all}) \u2212 ${factor(use("logits", at * n + label))}`;
    },
    sparse_softmax_cross_entropy_backward: (use, at, line) => {
      const n = columnsOf(line, "logits"), row = rowOf(line, "logits", at);
      const target = use("labels", row) === at % n ? 1 : 0;
      return `${number(use("weights", row))} \u00b7 ` +
        `(${softmaxOf(use, line, "logits", at)} \u2212 ${target})`;
    },
    softmax_cross_entropy: (use, at, line) => {
      const n = columnsOf(line, "logits"), first = at * n;
      const all = sumOfRow(use, line, "logits", first, exponential);
      const each = range(n).map((k) => {
        const target = use("targets", first + k), z = use("logits", first + k);
        return target && `${number(target)} \u00b7 (log(${all}) \u2212 ${factor(z)})`;
      });
      return plus(each.filter(Boolean)) || "0";
    },
    softmax_cross_entropy_backward: (use, at, line) =>
      `${number(use("weights", rowOf(line, "logits", at)))} \u00b7 ` +
      `(${softmaxOf(use, line, "logits", at)} \u2212 ${factor(use("targets", at))})`,
    sigmoid_cross_entropy: (use, at, line) => {
      const n = columnsOf(line, "logits");
      const each = range(n).map((k) => {
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
    sparse_cross_entropy: (use, at, line) => {
      const n = columnsOf(line, "p"), all = probabilities(use, line, at * n);
      const own = clipped(line, use("p", at * n + use("labels", at)));
      return `log(${all}) \u2212 log(${number(own)})`;
    },
    sparse_cross_entropy_backward: (use, at, line) => {
      const n = columnsOf(line, "p"), row = Math.floor(at / n), p = use("p", at);
      if (wasClipped(line, p)) return since("0", `p = ${number(p)} was clipped`);
      const own = use("labels", row) === at % n ? ` \u2212 1 / ${number(p)}` : "";
      return `${number(use("weights", row))} \u00b7 (1 / (${probabilities(use, line, at)})${own})`;
    },
    cross_entropy: (use, at, line) => {
      const n = columnsOf(line, "p"), total = rowTotal(use, line, at * n);
      const each = range(n).map((k) => {
        const target = use("targets", at * n + k), q = clipped(line, use("p", at * n + k) / total);
        return target && `${number(target)} \u00b7 log(${number(q)})`;
      });
      return since(`\u2212(${plus(each.filter(Boolean)) || "0"})`,
        `the row of p sums to ${number(total)} and is divided by it`);
    },
    cross_entropy_backward: (use, at, line) => {
      const n = columnsOf(line, "p"), row = Math.floor(at / n), total = rowTotal(use, line, at);
      const weight = use("weights", row);
      const slope = (place) => { // the gradient at q, the divided p
        const q = use("p", place) / total;
        return [wasClipped(line, q) ? 0 : (-weight * use("targets", place)) / q, q];
      };
      const found = range(n).map((k) => slope(row * n + k)).filter(([dq]) => dq !== 0);
      return since(
        `(${number(slope(at)[0])} \u2212 (${sum(found.map((each) => asTerm(...each)))})) / ` +
        number(total),
        `with q = p / ${number(total)}, divided by the row's sum, the gradient at q is ` +
        `\u2212weights \u00b7 targets / q, here ${number(slope(at)[0])}`,
      );
    },
    binary_cross_entropy: (use, at, line) => {
      const n = columnsOf(line, "p");
      const each = range(n).map((k) => {
        const target = use("targets", at * n + k), c = clipped(line, use("p", at * n + k));
        return `${number(target)} \u00b7 log(${number(c)}) + ` +
          `(1 \u2212 ${factor(target)}) \u00b7 log(${number(1 - c)})`;
      });
      return `\u2212(${plus(each)}) / ${n}`;
    },
    binary_cross_entropy_backward: (use, at, line) => {
      const n = columnsOf(line, "p"), p = use("p", at), t = factor(use("targets", at));
      if (wasClipped(line, p)) return since("0", `p = ${number(p)} was clipped`);
      return `${number(use("weights", Math.floor(at / n)))} / ${n} \u00b7 ` +
        `((1 \u2212 ${t}) / (1 \u2212 ${number(p)}) \u2212 ${t} / ${number(p)})`;
    },
    squared_error: (use, at, line) => mean(use, line, at, square),
    squared_error_backward: (use, at, line) =>
      `${number(use("weights", rowOf(line, "predictions", at)))} \u00b7 2 \u00b7 ` +
      `(${minus(...errorOf(use, at))}) / ${columnsOf(line, "predictions")}`,
    absolute_error: (use, at, line) =>
      mean(use, line, at, (v, t) => [`|${minus(v, t)}|`, Math.abs(v - t)]),
    absolute_error_backward: (use, at, line) => {
      const [v, t] = errorOf(use, at), weight = use("weights", rowOf(line, "predictions", at));
      return since(`${times(weight, Math.sign(v - t))} / ${columnsOf(line, "predictions")}`,
        `${number(v)} is ${v > t ? "above" : v < t ? "below" : "equal to"} ${number(t)}`);
    },
    huber: (use, at, line) => mean(use, line, at, (v, t) => {
      const size = Math.abs(v - t), { delta } = line.constants;
      if (size <= delta) return [`(${minus(v, t)})\u00b2 / 2`, size ** 2 / 2];
      return [`${delta} \u00b7 |${minus(v, t)}| \u2212 ${delta}\u00b2 / 2`,
        delta * size - delta ** 2 / 2];
    }),
    huber_backward: (use, at, line) => {
      const weight = use("weights", rowOf(line, "predictions", at)), { delta } = line.constants;
      return `${number(weight)} \u00b7 max(min(${minus(...errorOf(use, at))}, ${delta}), ` +
        `\u2212${delta}) / ${columnsOf(line, "predictions")}`;
    },

    // Update.
    decay_weights: (use, at, line) => {
      const w = use("w before", at);
      return `${number(w)} \u2212 ${times(line.constants.weight_decay, rate(use), w)}`;
    },
    sgd: (use, at) => down(use, at, times(rate(use), use("g", at))),
    sgd_momentum: (use, at, line, argument) => {
      const { momentum, nesterov } = line.constants, g = use("g", at);
      const step = ` \u2212 ${times(rate(use), g)}`;
      if (argument === "m") return times(momentum, use("m before", at)) + step;
      const w = number(use("w before", at)), m = use("m", at);
      return nesterov ? `${w} + ${times(momentum, m)}${step}` : `${w} + ${factor(m)}`;
    },
    adam: (use, at, line, argument) => {
      const { constants: c } = line;
      if (argument !== "w") return adamMoment(use, at, line, argument);
      return down(use, at, `${times(adamRate(use, c), use("m", at))} / ` +
        `(\u221a(${number(use("v", at))}) + ${c.epsilon})`);
    },
    adam_amsgrad: (use, at, line, argument) => {
      const { constants: c } = line;
      if (argument === "v_hat") {
        return `max(${number(use("v_hat before", at))}, ${number(use("v", at))})`;
      }
      if (argument !== "w") return adamMoment(use, at, line, argument);
      return down(use, at, `${times(adamRate(use, c), use("m", at))} / ` +
        `(\u221a(${number(use("v_hat", at))}) + ${c.epsilon})`);
    },
    nadam: (use, at, line, argument) => {
      const { constants: c } = line;
      if (argument !== "w") return adamMoment(use, at, line, argument);
      const t = use("iterations", 0) + 1, product = use("u_product", 0);
      const [now, next] = [t, t + 1].map((each) => c.beta_1 * (1 - 0.96 ** each / 2));
      const ahead = `${times(next / (1 - product * next), use("m", at))} + ` +
        times((1 - now) / (1 - product), use("g", at));
      return down(use, at, `${number(rate(use))} \u00b7 (${plus([ahead])}) / ` +
        `(\u221a(${number(use("v", at))} / ${number(1 - c.beta_2 ** t)}) + ${c.epsilon})`);
    },
    multiply_u: (use, at, line) =>
      `${times(use("u_product before", 0), line.constants.beta_1)} \u00b7 ` +
      `(1 \u2212 0.96^${use("iterations", 0) + 1} / 2)`,
    rmsprop: (use, at, line, argument) => {
      const { rho, epsilon, momentum, centered } = line.constants, g = use("g", at);
      if (argument === "w") return `${minus(use("w before", at), use("m", at))}`;
      if (argument === "m") {
        const mean = centered ? ` \u2212 ${power(use("a", at))}` : "";
        return `${times(momentum, use("m before", at))} + ${times(rate(use), g)} / ` +
          `\u221a(${number(use("v", at))}${mean} + ${epsilon})`;
      }
      const before = use(`${argument} before`, at);
      const what = argument === "v" || !centered ? power(g) : factor(g); // else `a` is v
      return `${times(rho, before)} + (1 \u2212 ${rho}) \u00b7 ${what}`;
    },
    adagrad: (use, at, line, argument) => {
      const g = use("g", at);
      if (argument === "v") return `${number(use("v before", at))} + ${power(g)}`;
      return down(use, at, `${times(rate(use), g)} / ` +
        `\u221a(${number(use("v", at))} + ${line.constants.epsilon})`);
    },
    count_up: (use, at) => `${number(use("counter before", at))} + 1`,
    add_mean: (use, at, line, argument) => {
      const before = number(use(`${argument} before`, 0)), { n } = line.constants;
      return argument === "count" ? `${before} + ${n}` : `${before} + ${times(n, use("mean", 0))}`;
    },
    add_hits: (use, at, line, argument) => {
      const before = number(use(`${argument} before`, 0)), [rows, columns] = line.axes("p");
      if (argument === "count") return `${before} + ${rows}`;
      const hits = range(rows).filter((row) => {
        const numbers = range(columns).map((k) => use("p", row * columns + k));
        return numbers.indexOf(Math.max(...numbers)) === use("labels", row);
      }).length;
      return since(`${before} + ${hits}`, `${hits} of ${rows} rows are largest at their label`);
    },
  };

  /* A sum over k of a*b: all terms, or the largest ones with the sum of the others. */
  function sumText(line, out, at, use, mark) {
    const { axes, length, a, b, factor: scale } = line.sum, factors = b ? [a, b] : [a];
    const index = indexOf(at, axes);
    const firsts = factors.map(([, steps]) =>
      steps.reduce((place, step, axis) => place + step * index[axis], 0));
    let found = terms(length, (k) => {
      const places = factors.map((each, which) => firsts[which] + k * each[2]);
      factors.forEach(([argument], which) => mark(argument, places[which]));
      return asTerm(...factors.map(([argument], which) => use(argument, places[which])));
    });
    if (found.includes(null) && line.terms) { // the largest ones, found where all numbers are
      const { n, a: left, b: right } = line.terms, first = cellOf(out, at).cell * n;
      const given = range(n).map((i) =>
        asTerm(...[left, right].filter(Boolean).map((values) => Number(values[first + i]))));
      found = [...given, ...range(length - n).map(() => null)];
    }
    const text = sum(found, line.value(out.argument, at) / scale);
    return scale === 1 ? text : `${number(scale)} \u00b7 (${text})`;
  }

  /* A sum of some numbers of an array, each with its share: the largest terms are given. */
  function gatheredText(line, out, at, mark) {
    const { argument, n, count, shares, numbers, places } = line.gathered;
    const { cell } = cellOf(out, at);
    const given = range(Math.min(n, count[cell])).map((i) => {
      const share = Number(shares[cell * n + i]), value = Number(numbers[cell * n + i]);
      mark(argument, places[cell * n + i]);
      return share === 1 ? asTerm(value) : asTerm(share, value);
    });
    if (count[cell] === 0) return since("0", "nothing was there");
    if (count[cell] === 1 && Number(shares[cell * n]) === 1) {
      const name = nameOf(line.array(argument), places[cell * n]);
      return since(number(Number(numbers[cell * n])), `it is a copy of ${name}`);
    }
    const others = range(count[cell] - given.length).map(() => null);
    return sum([...given, ...others], line.value(out.argument, at));
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
        else if (line.gathered) text += `${gatheredText(line, out, at, mark)} = `;
        else if (RULES[line.title]) text += `${RULES[line.title](use, at, line, key)} = `;
        told = Boolean(line.sum || line.gathered || RULES[line.title]);
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
    const byKey = new Map(), axes = new Map(line.arrays.map((each) => [each.argument, each.axes]));
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
    line.axes = (argument) => axes.get(argument);
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

  show(lines.findIndex((line) => line.part !== "batch")); // where the first layer begins
})();
