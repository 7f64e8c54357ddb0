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

Object.assign(RULES, {
  sparse_softmax_cross_entropy: (use, at, line) => {
    const n = columnsOf(line, "logits"), label = use("labels", at);
    const all = sumOfRow(use, line, "logits", at * n, exponential);
    return `log(${all}) − ${factor(use("logits", at * n + label))}`;
  },
  sparse_softmax_cross_entropy_backward: (use, at, line) => {
    const n = columnsOf(line, "logits"), row = rowOf(line, "logits", at);
    const target = use("labels", row) === at % n ? 1 : 0;
    return `${number(use("weights", row))} · ` +
      `(${softmaxOf(use, line, "logits", at)} − ${target})`;
  },
  softmax_cross_entropy: (use, at, line) => {
    const n = columnsOf(line, "logits"), first = at * n;
    const all = sumOfRow(use, line, "logits", first, exponential);
    const each = range(n).map((k) => {
      const target = use("targets", first + k), z = use("logits", first + k);
      return target && `${number(target)} · (log(${all}) − ${factor(z)})`;
    });
    return plus(each.filter(Boolean)) || "0";
  },
  softmax_cross_entropy_backward: (use, at, line) =>
    `${number(use("weights", rowOf(line, "logits", at)))} · ` +
    `(${softmaxOf(use, line, "logits", at)} − ${factor(use("targets", at))})`,
  sigmoid_cross_entropy: (use, at, line) => {
    const n = columnsOf(line, "logits");
    const each = range(n).map((k) => {
      const z = use("logits", at * n + k), size = number(-Math.abs(z));
      return `max(${number(z)}, 0) − ${times(use("targets", at * n + k), z)} + ` +
        `log(1 + exp(${size}))`;
    });
    return n > 1 ? `(${plus(each)}) / ${n}` : each[0];
  },
  sigmoid_cross_entropy_backward: (use, at, line) =>
    `${number(use("weights", rowOf(line, "logits", at)))} · ` +
    `(${sigmoidOf(use("logits", at))} − ${factor(use("targets", at))}) / ` +
    columnsOf(line, "logits"),
  sparse_cross_entropy: (use, at, line) => {
    const n = columnsOf(line, "p"), all = probabilities(use, line, at * n);
    const own = clipped(line, use("p", at * n + use("labels", at)));
    return `log(${all}) − log(${number(own)})`;
  },
  sparse_cross_entropy_backward: (use, at, line) => {
    const n = columnsOf(line, "p"), row = Math.floor(at / n), p = use("p", at);
    if (wasClipped(line, p)) return since("0", `p = ${number(p)} was clipped`);
    const own = use("labels", row) === at % n ? ` − 1 / ${number(p)}` : "";
    return `${number(use("weights", row))} · (1 / (${probabilities(use, line, at)})${own})`;
  },
  cross_entropy: (use, at, line) => {
    const n = columnsOf(line, "p"), total = rowTotal(use, line, at * n);
    const each = range(n).map((k) => {
      const target = use("targets", at * n + k), q = clipped(line, use("p", at * n + k) / total);
      return target && `${number(target)} · log(${number(q)})`;
    });
    return since(`−(${plus(each.filter(Boolean)) || "0"})`,
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
      `(${number(slope(at)[0])} − (${sum(found.map((each) => asTerm(...each)))})) / ` +
      number(total),
      `with q = p / ${number(total)}, divided by the row's sum, the gradient at q is ` +
      `−weights · targets / q, here ${number(slope(at)[0])}`,
    );
  },
  binary_cross_entropy: (use, at, line) => {
    const n = columnsOf(line, "p");
    const each = range(n).map((k) => {
      const target = use("targets", at * n + k), c = clipped(line, use("p", at * n + k));
      return `${number(target)} · log(${number(c)}) + ` +
        `(1 − ${factor(target)}) · log(${number(1 - c)})`;
    });
    return `−(${plus(each)}) / ${n}`;
  },
  binary_cross_entropy_backward: (use, at, line) => {
    const n = columnsOf(line, "p"), p = use("p", at), t = factor(use("targets", at));
    if (wasClipped(line, p)) return since("0", `p = ${number(p)} was clipped`);
    return `${number(use("weights", Math.floor(at / n)))} / ${n} · ` +
      `((1 − ${t}) / (1 − ${number(p)}) − ${t} / ${number(p)})`;
  },
  squared_error: (use, at, line) => mean(use, line, at, square),
  squared_error_backward: (use, at, line) =>
    `${number(use("weights", rowOf(line, "predictions", at)))} · 2 · ` +
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
    if (size <= delta) return [`(${minus(v, t)})² / 2`, size ** 2 / 2];
    return [`${delta} · |${minus(v, t)}| − ${delta}² / 2`,
      delta * size - delta ** 2 / 2];
  }),
  huber_backward: (use, at, line) => {
    const weight = use("weights", rowOf(line, "predictions", at)), { delta } = line.constants;
    return `${number(weight)} · max(min(${minus(...errorOf(use, at))}, ${delta}), ` +
      `−${delta}) / ${columnsOf(line, "predictions")}`;
  },
});
