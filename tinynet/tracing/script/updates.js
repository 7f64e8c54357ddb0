// The update: optimizers, and the means of an epoch.

const adamRate = (use, c) => {
  const t = use("iterations", 0) + 1;
  return (rate(use) * Math.sqrt(1 - c.beta_2 ** t)) / (1 - c.beta_1 ** t);
};
const adamMoment = (use, at, line, argument) => {
  const g = use("g", at), before = use(`${argument} before`, at), { constants: c } = line;
  return argument === "m"
    ? `${number(before)} + (${minus(g, before)}) · (1 − ${c.beta_1})`
    : `${number(before)} + (${power(g)} − ${number(before)}) · (1 − ${c.beta_2})`;
};
/* A running mean, of which `share` is kept. */
const running = (before, share, text) =>
  `${times(share, before)} + (1 − ${number(share)}) · ${text}`;
/* The squares of the weights whose norm a constraint looks at; w is (outer, k, inner). */
const squaresOver = (use, line, at) => {
  const [, k, inner] = line.axes("w"), j = Math.floor(at / inner) % k;
  return terms(k, (other) => {
    const w = use("w before", at + (other - j) * inner);
    return [power(w), w ** 2];
  });
};
const down = (use, at, step) => `${number(use("w before", at))} − ${step}`;

Object.assign(RULES, {
  decay_weights: (use, at, line) => {
    const w = use("w before", at);
    return `${number(w)} − ${times(line.constants.weight_decay, rate(use), w)}`;
  },
  sgd: (use, at) => down(use, at, times(rate(use), use("g", at))),
  sgd_momentum: (use, at, line, argument) => {
    const { momentum, nesterov } = line.constants, g = use("g", at);
    const step = ` − ${times(rate(use), g)}`;
    if (argument === "m") return times(momentum, use("m before", at)) + step;
    const w = number(use("w before", at)), m = use("m", at);
    return nesterov ? `${w} + ${times(momentum, m)}${step}` : `${w} + ${factor(m)}`;
  },
  adam: (use, at, line, argument) => {
    const { constants: c } = line;
    if (argument !== "w") return adamMoment(use, at, line, argument);
    return down(use, at, `${times(adamRate(use, c), use("m", at))} / ` +
      `(√(${number(use("v", at))}) + ${number(c.epsilon)})`);
  },
  adam_amsgrad: (use, at, line, argument) => {
    const { constants: c } = line;
    if (argument === "v_hat") {
      return `max(${number(use("v_hat before", at))}, ${number(use("v", at))})`;
    }
    if (argument !== "w") return adamMoment(use, at, line, argument);
    return down(use, at, `${times(adamRate(use, c), use("m", at))} / ` +
      `(√(${number(use("v_hat", at))}) + ${number(c.epsilon)})`);
  },
  nadam: (use, at, line, argument) => {
    const { constants: c } = line;
    if (argument !== "w") return adamMoment(use, at, line, argument);
    const t = use("iterations", 0) + 1, product = use("u_product", 0);
    const [now, next] = [t, t + 1].map((each) => c.beta_1 * (1 - 0.96 ** each / 2));
    const ahead = `${times(next / (1 - product * next), use("m", at))} + ` +
      times((1 - now) / (1 - product), use("g", at));
    return down(use, at, `${number(rate(use))} · (${plus([ahead])}) / ` +
      `(√(${number(use("v", at))} / ${number(1 - c.beta_2 ** t)}) + ${number(c.epsilon)})`);
  },
  multiply_u: (use, at, line) =>
    `${times(use("u_product before", 0), line.constants.beta_1)} · ` +
    `(1 − ${raised("0.96", use("iterations", 0) + 1)} / 2)`,
  rmsprop: (use, at, line, argument) => {
    const { rho, epsilon, momentum, centered } = line.constants, g = use("g", at);
    if (argument === "w") return `${minus(use("w before", at), use("m", at))}`;
    if (argument === "m") {
      const mean = centered ? ` − ${power(use("a", at))}` : "";
      return `${times(momentum, use("m before", at))} + ${times(rate(use), g)} / ` +
        `√(${number(use("v", at))}${mean} + ${number(epsilon)})`;
    }
    const before = use(`${argument} before`, at);
    const what = argument === "v" || !centered ? power(g) : factor(g); // else `a` is v
    return running(before, rho, what);
  },
  adagrad: (use, at, line, argument) => {
    const g = use("g", at);
    if (argument === "v") return `${number(use("v before", at))} + ${power(g)}`;
    return down(use, at, `${times(rate(use), g)} / ` +
      `√(${number(use("v", at))} + ${number(line.constants.epsilon)})`);
  },
  adadelta: (use, at, line, argument) => {
    const { rho, epsilon } = line.constants, g = use("g", at);
    if (argument === "v") return running(use("v before", at), rho, power(g));
    const d = use("d before", at), v = use("v", at);
    const step = Math.sqrt((d + epsilon) / (v + epsilon)) * g, more = number(epsilon);
    return since(
      argument === "d" ? running(d, rho, power(step)) : down(use, at, times(rate(use), step)),
      `the step is √(${number(d)} + ${more}) · ${factor(g)} / √(${number(v)} + ${more}), ` +
      `here ${number(step)}`,
    );
  },
  adamax: (use, at, line, argument) => {
    const { beta_1: kept, beta_2: faded, epsilon } = line.constants;
    if (argument === "m") return adamMoment(use, at, line, argument);
    if (argument === "v") {
      return `max(${times(faded, use("v before", at))}, |${number(use("g", at))}|)`;
    }
    return down(use, at, `${times(rate(use), use("m", at))} / ` +
      `((1 − ${raised(number(kept), use("iterations", 0) + 1)}) · (${number(use("v", at))} + ${number(epsilon)}))`);
  },
  lion: (use, at, line, argument) => {
    const { beta_1: before, beta_2: after } = line.constants;
    const m = use("m before", at), g = use("g", at);
    if (argument === "m") return running(m, after, factor(g));
    const mixed = before * m + (1 - before) * g, sign = Math.sign(mixed);
    return since(down(use, at, times(rate(use), sign)), `${running(m, before, factor(g))} is ` +
      `${number(mixed)}, of which only the sign counts`);
  },
  average_weights: (use, at, line) => {
    if (use("iterations", 0) === 0) return copyOf(use, line, "w", at);
    return running(use("average before", at), line.constants.momentum, factor(use("w", at)));
  },
  take_average: (use, at, line) => {
    const t = use("iterations", 0) + 1, { frequency } = line.constants;
    if (t % frequency === 0) return copyOf(use, line, "average", at);
    return since(number(use("w before", at)), 
      `${t}, the number of this step, is not a multiple of ${frequency}`);
  },
  no_negatives: (use, at) => `max(${number(use("w before", at))}, 0)`,
  unit_norms: (use, at, line) => {
    const before = use("w before", at), { epsilon } = line.constants;
    const total = before ? (before / line.value("w", at) - epsilon) ** 2 : undefined;
    return `${number(before)} / (${number(epsilon)} + ` +
      `√(${sum(squaresOver(use, line, at), total)}))`;
  },
  limit_norms: (use, at, line) => {
    const { low, high, rate: share, epsilon } = line.constants;
    const squares = squaresOver(use, line, at), all = sum(squares);
    const norm = number(Math.sqrt(squares.reduce((total, [, square]) => total + square, 0)));
    const limits = `min(${low > 0 ? `max(${norm}, ${number(low)})` : norm}, ${number(high)})`;
    const wanted = share === 1 ? limits
      : `(${number(share)} · ${limits} + (1 − ${number(share)}) · ${norm})`;
    return since(`${number(use("w before", at))} · ${wanted} / (${norm} + ${number(epsilon)})`,
      `the norm √(${all}) is ${norm}`);
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
});
