// Activations: functions of x, and slopes that depend on where x is.

const ofX = (text) => (use, at, line) => text(use("x", at), line.constants);
const slopeAtX = (text) => (use, at, line) => `${number(use("dout", at))} ` +
  text(use("x", at), line.constants);
const passed = (use, at, slope, why) => since(times(use("dout", at), slope), why);
const isAbove = (x, limit = 0) =>
  `x = ${number(x)} is ${x > limit ? "above" : "not above"} ${number(limit)}`;
const isBetween = (x, low, high, so) =>
  `x = ${number(x)} is ${so ? "" : "not "}between ${number(low)} and ${number(high)}`;
const ramp = (x, shift, length) =>
  `min(max(${number(x)} + ${factor(shift)}, 0), ${number(length)})`;
const shrunk = (text) => ofX((x, { limit }) => {
  const near = Math.abs(x) <= limit;
  return since(near ? "0" : text(x, limit), isBetween(x, -limit, limit, near));
});
const softplusOf = (x) => `log(1 + exp(${number(x)}))`;
const SELU_SCALE = 1.0507009873554805, SELU_SCALE_ALPHA = 1.7580993408473769;
const CUBIC = 0.044715, ROOT = Math.sqrt(2 / Math.PI);
const geluInner = (x) =>
  `tanh(${number(ROOT)} · (${number(x)} + ${CUBIC} · ${power(x, 3)}))`;

Object.assign(RULES, {
  relu: ofX((x) => `max(${number(x)}, 0)`),
  relu_backward: (use, at) => {
    const x = use("x", at);
    return passed(use, at, x > 0 ? 1 : 0, isAbove(x));
  },
  leaky_relu: ofX((x, { slope }) =>
    since(x > 0 ? number(x) : times(slope, x), isAbove(x))),
  leaky_relu_backward: (use, at, line) => {
    const x = use("x", at);
    return passed(use, at, x > 0 ? 1 : line.constants.slope, isAbove(x));
  },
  clipped_relu: ofX((x, { slope, threshold, ceiling }) => {
    const below = `${number(slope)} · (${minus(x, threshold)})`;
    const above = ceiling === null ? number(x) : `min(${number(x)}, ${number(ceiling)})`;
    return since(x > threshold ? above : below, isAbove(x, threshold));
  }),
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
  elu: ofX((x, { alpha }) =>
    since(x > 0 ? number(x) : `${number(alpha)} · (exp(${number(x)}) − 1)`, isAbove(x))),
  elu_backward: (use, at, line) => {
    const x = use("x", at), dout = number(use("dout", at));
    const slope = x > 0 ? "1" : `(${number(use("out", at))} + ${number(line.constants.alpha)})`;
    return since(`${dout} · ${slope}`, isAbove(x));
  },
  selu: ofX((x) => since(
    x > 0 ? times(SELU_SCALE, x) : `${number(SELU_SCALE_ALPHA)} · (exp(${number(x)}) − 1)`,
    isAbove(x),
  )),
  selu_backward: (use, at) => {
    const out = use("out", at), dout = number(use("dout", at));
    const slope = out < 0 ? `(${number(out)} + ${number(SELU_SCALE_ALPHA)})` : number(SELU_SCALE);
    return since(`${dout} · ${slope}`, `out = ${number(out)} is ` +
      (out < 0 ? "below 0" : "not below 0"));
  },
  sigmoid: ofX(sigmoidOf),
  sigmoid_backward: (use, at) => {
    const out = use("out", at);
    return `${times(use("dout", at), out)} · (1 − ${number(out)})`;
  },
  tanh: ofX((x) => `tanh(${number(x)})`),
  tanh_backward: (use, at) =>
    `${number(use("dout", at))} · (1 − ${power(use("out", at))})`,
  softplus: ofX(softplusOf),
  softplus_backward: slopeAtX((x) => `/ (1 + exp(${number(-x)}))`),
  softsign: ofX((x) => `${number(x)} / (1 + |${number(x)}|)`),
  softsign_backward: slopeAtX((x) => `/ (1 + |${number(x)}|)²`),
  exponential: ofX((x) => `exp(${number(x)})`),
  exponential_backward: (use, at) => times(use("dout", at), use("out", at)),
  silu: ofX((x) => `${number(x)} / (1 + exp(${number(-x)}))`),
  silu_backward: (use, at) => {
    const x = use("x", at), s = sigmoid(x);
    return since(
      `${times(use("dout", at), s)} · (1 + ${factor(x)} · (1 − ${number(s)}))`,
      `the sigmoid of x = ${number(x)} is ${number(s)}`,
    );
  },
  gelu: ofX((x) =>
    since(`${number(x)} · Φ(${number(x)})`, "Φ is the normal distribution's function")),
  gelu_backward: slopeAtX((x) => since(
    `· (Φ(${number(x)}) + ${factor(x)} · φ(${number(x)}))`,
    "Φ is the normal distribution's function and φ its density",
  )),
  gelu_tanh: ofX((x) => `${number(x)} / 2 · (1 + ${geluInner(x)})`),
  gelu_tanh_backward: (use, at) => {
    const x = use("x", at), t = Math.tanh(ROOT * (x + CUBIC * x ** 3));
    return since(
      `${number(use("dout", at))} / 2 · (1 + ${factor(t)} + ${factor(x)} · ` +
      `(1 − ${power(t)}) · ${number(ROOT)} · ` +
      `(1 + 3 · ${CUBIC} · ${power(x)}))`,
      `${geluInner(x)} is ${number(t)}`,
    );
  },
  softmax: (use, at, line) => softmaxOf(use, line, "x", at),
  softmax_backward: (use, at, line) => {
    const inner = sumOfRow(use, line, "dout", at, (v, place) => asTerm(v, use("out", place)));
    return `(${number(use("dout", at))} − (${inner})) · ${factor(use("out", at))}`;
  },

  // More of them, as Keras has them.
  celu: ofX((x, { alpha }) => since(x > 0 ? number(x)
    : `${number(alpha)} · (exp(${number(x)} / ${number(alpha)}) − 1)`, isAbove(x))),
  celu_backward: slopeAtX((x, { alpha }) => since(
    x === 0 ? "· 2" : x > 0 ? "· 1" : `· exp(${number(x)} / ${number(alpha)})`,
    x === 0 ? "at x = 0 the slopes of both sides are added" : isAbove(x),
  )),
  hard_tanh: ofX((x) => `min(max(${number(x)}, −1), 1)`),
  hard_tanh_backward: slopeAtX((x) => {
    const inside = Math.abs(x) <= 1;
    return since(inside ? "· 1" : "· 0", isBetween(x, -1, 1, inside));
  }),
  ramp: ofX((x, { shift, length }) => `${ramp(x, shift, length)} / ${number(length)}`),
  ramp_backward: slopeAtX((x, { shift, length }) => {
    const inside = x + shift > 0 && x + shift < length;
    return since(inside ? `/ ${number(length)}` : "· 0",
      isBetween(x, -shift, length - shift, inside));
  }),
  hard_silu: ofX((x) => `${number(x)} · ${ramp(x, 3, 6)} / 6`),
  hard_silu_backward: slopeAtX((x) => {
    const inside = Math.abs(x) < 3;
    return since(inside ? `· (2 · ${factor(x)} + 3) / 6` : x > 0 ? "· 1" : "· 0",
      isBetween(x, -3, 3, inside));
  }),
  threshold: ofX((x, { limit, default: other }) =>
    since(number(x > limit ? x : other), isAbove(x, limit))),
  threshold_backward: slopeAtX((x, { limit }) =>
    since(x > limit ? "· 1" : "· 0", isAbove(x, limit))),
  hard_shrink: shrunk((x) => number(x)),
  soft_shrink: shrunk((x, limit) => `${number(x)} ${x > 0 ? "−" : "+"} ${number(limit)}`),
  shrink_backward: slopeAtX((x, { limit }) => {
    const near = Math.abs(x) <= limit;
    return since(near ? "· 0" : "· 1", isBetween(x, -limit, limit, near));
  }),
  sparse_plus: ofX((x) => since(x <= -1 ? "0" : x < 1 ? `(${number(x)} + 1)² / 4` : number(x),
    isBetween(x, -1, 1, Math.abs(x) < 1))),
  sparse_plus_backward: slopeAtX((x) => `· ${ramp(x, 1, 2)} / 2`),
  mish: ofX((x) => `${number(x)} · tanh(${softplusOf(x)})`),
  mish_backward: slopeAtX((x) => {
    const h = Math.tanh(Math.log1p(Math.exp(x)));
    return since(`· (${number(h)} + ${factor(x)} · (1 − ${power(h)}) / (1 + exp(${number(-x)})))`,
      `tanh(${softplusOf(x)}) is ${number(h)}`);
  }),
  log_sigmoid: ofX((x) => `−${softplusOf(-x)}`),
  log_sigmoid_backward: slopeAtX((x) => `/ (1 + exp(${number(x)}))`),
  tanh_shrink: ofX((x) => `${number(x)} − tanh(${number(x)})`),
  tanh_shrink_backward: slopeAtX((x) => `· tanh(${number(x)})²`),
  squareplus: ofX((x, { b }) => `(${number(x)} + √(${power(x)} + ${number(b)})) / 2`),
  squareplus_backward: slopeAtX((x, { b }) =>
    `· (1 + ${factor(x)} / √(${power(x)} + ${number(b)})) / 2`),
  log_softmax: (use, at, line) =>
    `${number(use("x", at))} − log(${sumOfRow(use, line, "x", at, exponential)})`,
  log_softmax_backward: (use, at, line) => {
    const all = sumOfRow(use, line, "dout", at, (v) => asTerm(v));
    return `${number(use("dout", at))} − exp(${number(use("out", at))}) · (${all})`;
  },
  prelu: (use, at, line) => {
    const x = use("x", at), j = at % columnsOf(line, "x");
    return since(x > 0 ? number(x) : times(use("alpha", j), x), isAbove(x));
  },
  prelu_backward: (use, at, line, argument) => {
    if (argument === "dalpha") {
      return columnSum(use, line, "x", at, line.value("dalpha", at), (place) =>
        asTerm(use("dout", place), Math.min(use("x", place), 0)));
    }
    const x = use("x", at), j = at % columnsOf(line, "x");
    return passed(use, at, x > 0 ? 1 : x < 0 ? use("alpha", j) : 0, isAbove(x));
  },
});
