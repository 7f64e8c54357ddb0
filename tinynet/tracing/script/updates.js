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
      `(√(${number(use("v", at))}) + ${c.epsilon})`);
  },
  adam_amsgrad: (use, at, line, argument) => {
    const { constants: c } = line;
    if (argument === "v_hat") {
      return `max(${number(use("v_hat before", at))}, ${number(use("v", at))})`;
    }
    if (argument !== "w") return adamMoment(use, at, line, argument);
    return down(use, at, `${times(adamRate(use, c), use("m", at))} / ` +
      `(√(${number(use("v_hat", at))}) + ${c.epsilon})`);
  },
  nadam: (use, at, line, argument) => {
    const { constants: c } = line;
    if (argument !== "w") return adamMoment(use, at, line, argument);
    const t = use("iterations", 0) + 1, product = use("u_product", 0);
    const [now, next] = [t, t + 1].map((each) => c.beta_1 * (1 - 0.96 ** each / 2));
    const ahead = `${times(next / (1 - product * next), use("m", at))} + ` +
      times((1 - now) / (1 - product), use("g", at));
    return down(use, at, `${number(rate(use))} · (${plus([ahead])}) / ` +
      `(√(${number(use("v", at))} / ${number(1 - c.beta_2 ** t)}) + ${c.epsilon})`);
  },
  multiply_u: (use, at, line) =>
    `${times(use("u_product before", 0), line.constants.beta_1)} · ` +
    `(1 − 0.96^${use("iterations", 0) + 1} / 2)`,
  rmsprop: (use, at, line, argument) => {
    const { rho, epsilon, momentum, centered } = line.constants, g = use("g", at);
    if (argument === "w") return `${minus(use("w before", at), use("m", at))}`;
    if (argument === "m") {
      const mean = centered ? ` − ${power(use("a", at))}` : "";
      return `${times(momentum, use("m before", at))} + ${times(rate(use), g)} / ` +
        `√(${number(use("v", at))}${mean} + ${epsilon})`;
    }
    const before = use(`${argument} before`, at);
    const what = argument === "v" || !centered ? power(g) : factor(g); // else `a` is v
    return `${times(rho, before)} + (1 − ${rho}) · ${what}`;
  },
  adagrad: (use, at, line, argument) => {
    const g = use("g", at);
    if (argument === "v") return `${number(use("v before", at))} + ${power(g)}`;
    return down(use, at, `${times(rate(use), g)} / ` +
      `√(${number(use("v", at))} + ${line.constants.epsilon})`);
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
