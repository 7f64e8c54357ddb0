// Activations: a slope that depends on where x is.

const passed = (use, at, slope, why) => since(times(use("dout", at), slope), why);
const isAbove = (x, limit = 0) =>
  `x = ${number(x)} is ${x > limit ? "above" : "not above"} ${number(limit)}`;
const SELU_SCALE = 1.0507009873554805, SELU_SCALE_ALPHA = 1.7580993408473769;
const CUBIC = 0.044715, ROOT = Math.sqrt(2 / Math.PI);
const geluInner = (x) =>
  `tanh(${number(ROOT)} · (${number(x)} + ${CUBIC} · ${power(x, 3)}))`;

Object.assign(RULES, {
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
    const below = `${number(slope)} · (${minus(x, threshold)})`;
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
    return since(x > 0 ? number(x) : `${number(alpha)} · (exp(${number(x)}) − 1)`,
      isAbove(x));
  },
  elu_backward: (use, at, line) => {
    const x = use("x", at), dout = number(use("dout", at));
    const slope = x > 0 ? "1" : `(${number(use("out", at))} + ${number(line.constants.alpha)})`;
    return since(`${dout} · ${slope}`, isAbove(x));
  },
  selu: (use, at) => {
    const x = use("x", at);
    return since(
      x > 0 ? times(SELU_SCALE, x)
        : `${number(SELU_SCALE_ALPHA)} · (exp(${number(x)}) − 1)`,
      isAbove(x),
    );
  },
  selu_backward: (use, at) => {
    const out = use("out", at), dout = number(use("dout", at));
    const slope = out < 0 ? `(${number(out)} + ${number(SELU_SCALE_ALPHA)})` : number(SELU_SCALE);
    return since(`${dout} · ${slope}`, `out = ${number(out)} is ` +
      (out < 0 ? "below 0" : "not below 0"));
  },
  sigmoid: (use, at) => sigmoidOf(use("x", at)),
  sigmoid_backward: (use, at) => {
    const out = use("out", at);
    return `${times(use("dout", at), out)} · (1 − ${number(out)})`;
  },
  tanh: (use, at) => `tanh(${number(use("x", at))})`,
  tanh_backward: (use, at) =>
    `${number(use("dout", at))} · (1 − ${power(use("out", at))})`,
  softplus: (use, at) => `log(1 + exp(${number(use("x", at))}))`,
  softplus_backward: (use, at) =>
    `${number(use("dout", at))} / (1 + exp(${number(-use("x", at))}))`,
  softsign: (use, at) => {
    const x = number(use("x", at));
    return `${x} / (1 + |${x}|)`;
  },
  softsign_backward: (use, at) =>
    `${number(use("dout", at))} / (1 + |${number(use("x", at))}|)²`,
  exponential: (use, at) => `exp(${number(use("x", at))})`,
  exponential_backward: (use, at) => times(use("dout", at), use("out", at)),
  silu: (use, at) => {
    const x = use("x", at);
    return `${number(x)} / (1 + exp(${number(-x)}))`;
  },
  silu_backward: (use, at) => {
    const x = use("x", at), s = sigmoid(x);
    return since(
      `${times(use("dout", at), s)} · (1 + ${factor(x)} · (1 − ${number(s)}))`,
      `the sigmoid of x = ${number(x)} is ${number(s)}`,
    );
  },
  gelu: (use, at) => {
    const x = number(use("x", at));
    return since(`${x} · Φ(${x})`, "Φ is the normal distribution's function");
  },
  gelu_backward: (use, at) => {
    const x = use("x", at);
    return since(`${number(use("dout", at))} · (Φ(${number(x)}) + ` +
      `${factor(x)} · φ(${number(x)}))`,
      "Φ is the normal distribution's function and φ its density");
  },
  gelu_tanh: (use, at) => {
    const x = use("x", at);
    return `${number(x)} / 2 · (1 + ${geluInner(x)})`;
  },
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
});
