// Losses: `v` is a prediction and `t` its target, `p` a probability, `q` its share of the row.

const errorOf = (use, at) => [use("predictions", at), use("targets", at)];
const over = (n) => (n > 1 ? ` / ${n}` : "");

/* A mean over the columns of what `text` says of a prediction and a target, and what it comes to;
   and its gradient, a weight times what `text` says. */
const mean = (use, line, at, text, of) => {
  const n = columnsOf(line, of);
  const each = terms(n, (k) =>
    text(use(of, at * n + k), use("targets", at * n + k), line.constants));
  const found = sum(each, line.value("losses", at) * n);
  return n > 1 ? `(${found}) / ${n}` : found;
};
const meanOf = (text, of = "predictions") => (use, at, line) => mean(use, line, at, text, of);
const gradientOf = (text, why) => (use, at, line) => {
  const [v, t] = errorOf(use, at), n = columnsOf(line, "predictions");
  const weight = number(use("weights", Math.floor(at / n)));
  const found = `${weight} · ${text(v, t, line.constants)}${over(n)}`;
  return why ? since(found, why(v, t, line.constants)) : found;
};
const isOnSide = (v, t) => `${number(v)} is ${side(v, t)} ${number(t)}`;
const atLeast = (v, low) => (v < low ? `max(${number(v)}, ${number(low)})` : number(v));
const logOf = (v, low) => `log(1 + ${v < low ? atLeast(v, low) : factor(v)})`;
const gap = (v, t, { epsilon }) => `${logOf(v, epsilon)} − ${logOf(t, epsilon)}`;
const lacking = (v, t) => `max(1 − ${factor(t)} · ${factor(v)}, 0)`;

const clip = (v, low, high) => Math.min(Math.max(v, low), high);
const clipped = (line, v) =>
  clip(v, Math.fround(line.constants.epsilon), Math.fround(1 - line.constants.epsilon));
const wasClipped = (line, v) => clipped(line, v) !== v;
const probabilities = (use, line, at) => sumOfRow(use, line, "p", at, (v) =>
  [number(clipped(line, v)), clipped(line, v)]);

/* The numbers of a row, by their columns. */
const numbersOf = (use, line, argument, row) => {
  const n = columnsOf(line, argument);
  return range(n).map((k) => use(argument, row * n + k));
};
const totalOf = (values) => values.reduce((total, v) => total + v, 0);

/* Each p of a row as its share of the row, or the softmax of logits; and how that is said. */
const sharesOf = (use, line, row) => {
  const logits = line.constants.from_logits, p = numbersOf(use, line, "p", row);
  const largest = Math.max(...p), parts = logits ? p.map((z) => Math.exp(z - largest)) : p;
  const total = totalOf(parts);
  return {
    total,
    q: parts.map((part) => part / total),
    how: logits ? "q is the softmax of the row" : `q = p / ${number(total)}, the sum of the row`,
  };
};
/* The gradient at p of what depends on its share q; `slope` is that at q, and `said` in words. */
const throughShares = (use, line, at, slope, said) => {
  const n = columnsOf(line, "p"), row = Math.floor(at / n), weight = use("weights", row);
  const { q, total, how } = sharesOf(use, line, row), own = at % n;
  const dq = q.map((share, k) =>
    (wasClipped(line, share) ? 0 : weight * slope(share, use("targets", row * n + k))));
  const inner = sum(range(n).filter((k) => dq[k] !== 0).map((k) => asTerm(dq[k], q[k])));
  const last = line.constants.from_logits ? `· ${number(q[own])}` : `/ ${number(total)}`;
  return since(`(${number(dq[own])} − (${inner})) ${last}`,
    `${how}, and the gradient at q is ${said}, here ${number(dq[own])}`);
};

/* log(c) where the target is 1, log(1 - c) where it is 0. */
const logOfRight = (t, c) => {
  const [yes, no] = [c, 1 - c].map((v) => `log(${number(v)})`);
  if (t === 0 || t === 1) return t ? yes : no;
  return `${number(t)} · ${yes} + (1 − ${factor(t)}) · ${no}`;
};
const entropy = (t, c) => -(t * Math.log(c) + (1 - t) * Math.log(1 - c));

/* Of an entry of the binary focal loss: its weight, what its probability lacks, and what is lost
   without these two, with the derivative. */
const focal = (line, p, t) => {
  const { yes, no, from_logits: logits } = line.constants, q = logits ? sigmoid(p) : p;
  const c = logits ? q : clipped(line, p);
  return {
    c,
    weight: t * yes + (1 - t) * no,
    wrong: 1 - (t * q + (1 - t) * (1 - q)),
    loss: entropy(t, c),
    slope: logits ? q - t : wasClipped(line, p) ? 0 : (1 - t) / (1 - c) - t / c,
    turn: (2 * t - 1) * (logits ? q * (1 - q) : 1),
  };
};

/* How long two rows are, and the cosine of the angle between them. */
const angle = (use, line, row) => {
  const [v, t] = ["predictions", "targets"].map((each) => numbersOf(use, line, each, row));
  const [lengthOfV, lengthOfT] = [v, t].map((each) =>
    Math.max(Math.sqrt(totalOf(each.map((x) => x * x))), line.constants.epsilon));
  const inner = sum(v.map((x, k) => asTerm(x, t[k])));
  const cosine = totalOf(v.map((x, k) => x * t[k])) / lengthOfV / lengthOfT;
  return { lengthOfV, lengthOfT, inner, cosine };
};

/* Of the hinge between classes: the largest rival, those of the row, the own one, what lacks. */
const rivalry = (use, line, row) => {
  const [v, t] = ["predictions", "targets"].map((each) => numbersOf(use, line, each, row));
  const others = v.map((x, k) => (1 - t[k]) * x), rival = Math.max(...others);
  const own = v.map((x, k) => asTerm(...(t[k] === 1 ? [x] : [t[k], x]))).filter((_, k) => t[k]);
  const lack = 1 + rival - totalOf(v.map((x, k) => x * t[k]));
  return { others, rival, own: inBrackets(sum(own)), lack };
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
    const { q, total } = sharesOf(use, line, at), n = q.length;
    const each = q.map((share, k) => {
      const target = use("targets", at * n + k);
      return target && `${number(target)} · log(${number(clipped(line, share))})`;
    });
    return since(`−(${plus(each.filter(Boolean)) || "0"})`,
      `the row of p sums to ${number(total)} and is divided by it`);
  },
  cross_entropy_backward: (use, at, line) =>
    throughShares(use, line, at, (q, t) => -t / q, "−weights · targets / q"),
  focal_cross_entropy: (use, at, line) => {
    const { q, how } = sharesOf(use, line, at), { gamma } = line.constants, n = q.length;
    const each = terms(n, (k) => {
      const t = use("targets", at * n + k), c = clipped(line, q[k]);
      return [`${number(t)} · ${raised(`(1 − ${number(c)})`, gamma)} · log(${number(c)})`,
        t * (1 - c) ** gamma * Math.log(c)];
    });
    return since(`−(${sum(each.filter(([, value]) => value))})`, how);
  },
  focal_cross_entropy_backward: (use, at, line) => {
    const { gamma } = line.constants;
    const slope = (q, t) =>
      t * (gamma * (1 - q) ** (gamma - 1) * Math.log(q) - (1 - q) ** gamma / q);
    return throughShares(use, line, at, slope, `weights · targets · (${number(gamma)} · ` +
      `${raised("(1 − q)", gamma - 1)} · log(q) − ${raised("(1 − q)", gamma)} / q)`);
  },
  kl_divergence: (use, at, line) => {
    const n = columnsOf(line, "p"), inside = (v) => clip(v, line.constants.epsilon, 1);
    const each = terms(n, (k) => {
      const [t, c] = ["targets", "p"].map((name) => inside(use(name, at * n + k)));
      return [`${number(t)} · log(${number(t)} / ${number(c)})`, t * Math.log(t / c)];
    });
    return since(sum(each, line.value("losses", at)),
      `targets and p are kept between ${number(line.constants.epsilon)} and 1`);
  },
  kl_divergence_backward: (use, at, line) => {
    const p = use("p", at), { epsilon } = line.constants;
    if (p < epsilon || p > 1) return since("0", `p = ${number(p)} was clipped`);
    const t = clip(use("targets", at), epsilon, 1), weight = use("weights", rowOf(line, "p", at));
    return `${times(-weight, t)} / ${number(p)}`;
  },
  binary_cross_entropy: (use, at, line) =>
    `−${mean(use, line, at, (p, t) => {
      const c = clipped(line, p);
      return [logOfRight(t, c), -entropy(t, c)];
    }, "p")}`,
  binary_cross_entropy_backward: (use, at, line) => {
    const n = columnsOf(line, "p"), p = use("p", at), t = factor(use("targets", at));
    if (wasClipped(line, p)) return since("0", `p = ${number(p)} was clipped`);
    return `${number(use("weights", Math.floor(at / n)))} / ${n} · ` +
      `((1 − ${t}) / (1 − ${number(p)}) − ${t} / ${number(p)})`;
  },
  binary_focal_cross_entropy: (use, at, line) => {
    const found = mean(use, line, at, (p, t, { gamma }) => {
      const { c, weight, wrong, loss } = focal(line, p, t);
      return [`${weight === 1 ? "" : `${number(weight)} · `}${raised(number(wrong), gamma)} · ` +
        inBrackets(logOfRight(t, c)), -weight * wrong ** gamma * loss];
    }, "p");
    if (!line.constants.from_logits) return `−${found}`;
    return since(`−${found}`, "each logit is made a probability by the sigmoid");
  },
  binary_focal_cross_entropy_backward: (use, at, line) => {
    const { gamma } = line.constants, n = columnsOf(line, "p");
    const { weight, wrong, loss, slope, turn } = focal(line, use("p", at), use("targets", at));
    const all = use("weights", Math.floor(at / n)) * weight, w = number(wrong);
    return since(
      `${number(all)} · (${raised(w, gamma)} · ${factor(slope)} − ${number(gamma)} · ` +
      `${raised(w, gamma - 1)} · ${factor(turn)} · ${number(loss)})${over(n)}`,
      `the probability of what is right is ${w} below 1, and the cross-entropy is ` +
      `${number(loss)} with the gradient ${number(slope)}`,
    );
  },
  squared_error: meanOf(square),
  squared_error_backward: gradientOf((v, t) => `2 · (${minus(v, t)})`),
  absolute_error: meanOf((v, t) => [`|${minus(v, t)}|`, Math.abs(v - t)]),
  absolute_error_backward: gradientOf((v, t) => factor(Math.sign(v - t)), isOnSide),
  huber: meanOf((v, t, { delta }) => {
    const size = Math.abs(v - t);
    if (size <= delta) return [`(${minus(v, t)})² / 2`, size ** 2 / 2];
    return [`${delta} · |${minus(v, t)}| − ${delta}² / 2`, delta * size - delta ** 2 / 2];
  }),
  huber_backward: gradientOf((v, t, { delta }) => `max(min(${minus(v, t)}, ${delta}), −${delta})`),
  percentage_error: meanOf((v, t, { epsilon }) => {
    const size = Math.max(Math.abs(t), epsilon);
    return [`100 · |${minus(v, t)}| / ${number(size)}`, (100 * Math.abs(v - t)) / size];
  }),
  percentage_error_backward: gradientOf((v, t, { epsilon }) =>
    `100 · ${factor(Math.sign(v - t))} / ${number(Math.max(Math.abs(t), epsilon))}`, isOnSide),
  logarithmic_error: meanOf((v, t, c) => [`(${gap(v, t, c)})²`,
    (Math.log1p(Math.max(v, c.epsilon)) - Math.log1p(Math.max(t, c.epsilon))) ** 2]),
  logarithmic_error_backward: (use, at, line) => {
    const [v] = errorOf(use, at), { epsilon } = line.constants;
    if (v < epsilon) return since("0", `${number(v)} is below ${number(epsilon)}`);
    return gradientOf((_, t, c) => `2 · (${gap(v, t, c)}) / (1 + ${number(v)})`)(use, at, line);
  },
  log_cosh: meanOf((v, t) => [`log(cosh(${minus(v, t)}))`, Math.log(Math.cosh(v - t))]),
  log_cosh_backward: gradientOf((v, t) => `tanh(${minus(v, t)})`),
  poisson: meanOf((v, t, { epsilon }) =>
    [`${number(v)} − ${factor(t)} · log(${number(v)} + ${number(epsilon)})`,
      v - t * Math.log(v + epsilon)]),
  poisson_backward: gradientOf((v, t, { epsilon }) =>
    `(1 − ${factor(t)} / (${number(v)} + ${number(epsilon)}))`),
  cosine_similarity: (use, at, line) => {
    const { lengthOfV, lengthOfT, inner } = angle(use, line, at);
    return since(`−(${inner}) / (${times(lengthOfV, lengthOfT)})`,
      "the two rows are divided by their lengths, the roots of their sums of squares");
  },
  cosine_similarity_backward: (use, at, line) => {
    const row = rowOf(line, "predictions", at), [v, t] = errorOf(use, at);
    const { lengthOfV, lengthOfT, cosine } = angle(use, line, row);
    const bends = lengthOfV > line.constants.epsilon;
    return since(
      `${number(use("weights", row))} / ${number(lengthOfV)} · ` +
      `(${bends ? `${times(cosine, v)} / ${number(lengthOfV)}` : "0"} − ` +
      `${factor(t)} / ${number(lengthOfT)})`,
      `the rows are ${number(lengthOfV)} and ${number(lengthOfT)} long, and the cosine of the ` +
      `angle between them is ${number(cosine)}`,
    );
  },
  hinge: meanOf((v, t) => [lacking(v, t), Math.max(1 - t * v, 0)]),
  hinge_backward: gradientOf((v, t) => (t * v <= 1 ? factor(-t) : "0"),
    (v, t) => `${factor(t)} · ${factor(v)} is ${t * v <= 1 ? "not above" : "above"} 1`),
  squared_hinge: meanOf((v, t) => [`${lacking(v, t)}²`, Math.max(1 - t * v, 0) ** 2]),
  squared_hinge_backward: gradientOf((v, t) => `2 · ${factor(-t)} · ${lacking(v, t)}`),
  categorical_hinge: (use, at, line) => {
    const { others, own } = rivalry(use, line, at);
    return `max(1 + ${largestOf(others)} − ${own}, 0)`;
  },
  categorical_hinge_backward: (use, at, line) => {
    const row = rowOf(line, "predictions", at), t = use("targets", at);
    const { others, rival, lack } = rivalry(use, line, row), own = others[at % others.length];
    if (lack < 0) return since("0", "the loss of the row is 0");
    const share = own === rival ? 1 / others.filter((each) => each === rival).length : 0;
    return since(`${number(use("weights", row))} · (${times(share, 1 - t)} − ${factor(t)})`,
      `the largest (1 − targets) · predictions is ${number(rival)}, and here it is ${number(own)}`);
  },
});
