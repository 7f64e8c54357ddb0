// Layers for vectors, and where branches meet.

const normalized = (use, at, j) =>
  `(${minus(use("x", at), use("mean", j))}) · ${factor(use("inv_std", j))}`;
const scaled = (use, at, j, shared = j) =>
  `${normalized(use, at, shared)} · ${factor(use("gamma", j))} + ${factor(use("beta", j))}`;
/* The gradients of scale and shift; a mean is that of the column, or of what `shared` says. */
const columnGradient = (use, line, argument, j, shared = () => j) => {
  return columnSum(use, line, "dout", j, line.value(argument, j), (at) => {
    const dout = use("dout", at);
    if (argument === "dbeta") return asTerm(dout);
    const x = use("x", at), own = use("mean", shared(at)), inv = use("inv_std", shared(at));
    return [
      `${number(dout)} · (${minus(x, own)}) · ${factor(inv)}`, dout * (x - own) * inv,
    ];
  });
};

const isDropped = (use, at, line) => use("u", at) < line.constants.rate;
const howDropped = (use, at, line) => `u = ${number(use("u", at))} is ` +
  `${isDropped(use, at, line) ? "" : "not "}below the rate ${line.constants.rate}`;

/* The gradient goes to a, or to b: to the one that was chosen. */
const toOne = (use, at, argument, isFirst) => {
  const a = use("a", at), b = use("b", at), passes = isFirst(a, b) === (argument === "da");
  return since(times(use("dout", at), passes ? 1 : 0),
    `a = ${number(a)} is ${side(a, b)} b = ${number(b)}`);
};

Object.assign(RULES, {
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
  dropout: (use, at, line) => since(
    isDropped(use, at, line) ? "0" : `${number(use("x", at))} / (1 − ${line.constants.rate})`,
    howDropped(use, at, line),
  ),
  alpha_dropout: (use, at, line) => {
    const { value, scale, shift } = line.constants;
    const x = isDropped(use, at, line) ? value : use("x", at);
    return since(`${times(scale, x)} + ${factor(shift)}`, howDropped(use, at, line));
  },
  alpha_dropout_backward: (use, at, line) => since(
    isDropped(use, at, line) ? "0" : times(line.constants.scale, use("dout", at)),
    howDropped(use, at, line),
  ),
  unit_rows: (use, at, line, argument) => {
    const { limit } = line.constants;
    if (argument === "out") {
      return times(use("x", at), Math.min(use("inv_norms", rowOf(line, "x", at)), limit));
    }
    const squares = rowSum(line, "x", at, line.value("inv_norms", at) ** -2, (k) => {
      const x = use("x", k);
      return [power(x), x ** 2];
    });
    return `1 / √(${squares})`;
  },
  unit_rows_backward: (use, at, line) => {
    const { limit } = line.constants, row = rowOf(line, "x", at), dout = use("dout", at);
    const inv = use("inv_norms", row);
    if (inv > limit) {
      return since(times(limit, dout), `the row is shorter than 1 / ${number(limit)}`);
    }
    const along = rowSum(line, "x", row, undefined, (k) => asTerm(use("dout", k), use("x", k)));
    return `${number(inv)} · ` +
      `(${number(dout)} − ${factor(use("x", at))} · ${power(inv)} · (${along}))`;
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
    if (argument === "inv_std") return `1 / √((${squares()}) / ${n} + ${epsilon})`;
    const before = number(use(`${argument} before`, j));
    const batch = argument === "moving_mean" ? factor(use("mean", j)) : `(${squares()}) / ${n}`;
    return `${before} · ${momentum} + ${batch} · (1 − ${momentum})`;
  },
  batch_norm_backward: (use, at, line, argument) => {
    const [n, columns] = line.axes("x"), j = at % columns;
    if (argument !== "dx") return columnGradient(use, line, argument, j);
    return `${times(use("gamma", j), use("inv_std", j))} · ` +
      `(${number(use("dout", at))} − ${factor(use("dbeta", j))} / ${n} − ` +
      `${normalized(use, at, j)} · ${factor(use("dgamma", j))} / ${n})`;
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
    return `1 / √((${squares}) / ${n} + ${epsilon})`;
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
    return `${number(use("inv_std", row))} · (${times(...scaledGradient(at))} − ` +
      `(${all}) / ${n} − ${normalized(use, at, row)} · (${along}) / ${n})`;
  },
  batch_norm_inference: (use, at, line, argument) => {
    const j = at % columnsOf(line, "x");
    if (argument === "out") return scaled(use, at, j);
    return `1 / √(${number(use("variance", j))} + ${line.constants.epsilon})`;
  },
  batch_norm_inference_backward: (use, at, line, argument) => {
    const j = at % columnsOf(line, "x");
    if (argument !== "dx") return columnGradient(use, line, argument, j);
    return times(use("dout", at), use("gamma", j), use("inv_std", j));
  },

  // A penalty on weights.
  "python Layer._add_penalty_gradient": (use, at, line, argument) => {
    if (!line.penalty) throw NOT_HERE;
    const before = use(`${argument} before`, at), { l1, l2, weights } = line.penalty;
    const w = weights[cellOf(line.array(argument), at).cell], texts = [number(before)];
    if (l1) texts.push(`${number(l1)} · sign(${number(w)})`);
    if (l2) texts.push(times(2, l2, w));
    return plus(texts);
  },

  // Where branches meet.
  add: (use, at) => `${number(use("a", at))} + ${factor(use("b", at))}`,
  add_to: (use, at) => `${number(use("total before", at))} + ${factor(use("x", at))}`,
  subtract: (use, at) => minus(use("a", at), use("b", at)),
  multiply: (use, at) => times(use("a", at), use("b", at)),
  scale_by: (use, at, line) => times(use("x", at), line.constants.factor),
  maximum: (use, at) => `max(${number(use("a", at))}, ${number(use("b", at))})`,
  maximum_backward: (use, at, line, argument) =>
    toOne(use, at, argument, (a, b) => a >= b),
  minimum: (use, at) => `min(${number(use("a", at))}, ${number(use("b", at))})`,
  minimum_backward: (use, at, line, argument) =>
    toOne(use, at, argument, (a, b) => a <= b),
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
});
