/* The example of docs/backprop/convolution.md, pooling.md, layer_norm.md, batch_norm.md or dropout.md, to
   change: what the layer makes of it, forward and backward, and how each number is made. */
"use strict";

(() => {
  const EPSILON = 0.001, LARGEST = 99, DIGITS = ["₀", "₁", "₂", "₃"];
  const shown = (value) => String(Math.round(value * 1e4) / 1e4 || 0).replace("-", "−");
  const factor = (value) => (value < 0 ? `(${shown(value)})` : shown(value));
  const entry = ([name, i, j]) => name + DIGITS[i] + DIGITS[j];
  const total = (values) => values.reduce((a, b) => a + b, 0);
  const mean = (values) => total(values) / values.length;
  const filled = (rows, columns, cell) => Array.from({ length: rows }, (_, i) =>
    Array.from({ length: columns }, (_, j) => cell(i, j)));
  const sum = (values) => values.map(factor).join(" + ");

  /* For every entry of a result of the convolution, the two factors of each product in its sum. */
  const PLACES = filled(2, 3, (p, q) => [p, q]).flat(), WINDOW = filled(2, 2, (i, j) => [i, j]).flat();
  const PAIRS = {
    out: (p, q) => WINDOW.map(([i, j]) => [["x", p + i, q + j], ["W", i, j]]),
    dW: (i, j) => PLACES.map(([p, q]) => [["x", p + i, q + j], ["dout", p, q]]),
    dx: (u, v) => PLACES.map(([p, q]) => [["dout", p, q], ["W", u - p, v - q]])
      .filter(([, [, i, j]]) => i >= 0 && i < 2 && j >= 0 && j < 2),
  };
  const products = (pairs, given) =>
    pairs.map((pair) => pair.map(([name, i, j]) => given[name][i][j]));

  /* The pixels of window j, row by row. */
  const pixels = (j) => WINDOW.map(([i, k]) => [i, 2 * j + k]);

  /* The normalization of one feature over its samples, or of one sample over its features. */
  function normalized(values) {
    const mu = mean(values), variance = mean(values.map((each) => (each - mu) ** 2));
    const s = 1 / Math.sqrt(variance + EPSILON);
    return { mu, variance, s, hat: values.map((each) => (each - mu) * s) };
  }

  /* Each page: what is given, what is computed, what is told about an entry, and which one at first.
     What is told are lines, and the entries that the number is made from. */
  const PAGES = {
    convolution: {
      given: {
        x: [[1, 0, 2, 1], [0, 3, 1, 0], [2, 1, 0, 1]],
        W: [[1, -1], [0, 2]],
        dout: [[1, 0, -1], [0, 2, 0]],
      },
      results: { out: [2, 3], dW: [2, 2], dx: [3, 4] },
      first: ["dx", 1, 1],
      compute: (given) => Object.fromEntries(Object.entries(PAGES.convolution.results).map(
        ([name, [rows, columns]]) => [name, filled(rows, columns, (i, j) =>
          total(products(PAIRS[name](i, j), given).map(([a, b]) => a * b)))])),
      explain: ([name, i, j], given, found) => {
        const pairs = PAIRS[name](i, j);
        const written = products(pairs, given).map(([a, b]) => `${factor(a)}·${factor(b)}`);
        return [[
          `${entry([name, i, j])} is the sum of ` +
            `${pairs.map(([a, b]) => `${entry(a)} ${entry(b)}`).join(" + ")}:`,
          `${written.join(" + ")} = ${shown(found[name][i][j])}.`,
        ], pairs.flat()];
      },
    },

    pooling: {
      given: { x: [[1, 3, 2, 0], [4, 0, 1, 2]], dout: [[2, -4]] },
      choices: ["maximum", "mean"],
      results: { out: [1, 2], dx: [2, 4] },
      first: ["dx", 0, 2],
      compute: ({ x, dout }, choice) => {
        const out = [[]], dx = filled(2, 4, () => 0), chosen = [];
        for (const j of [0, 1]) {
          const values = pixels(j).map(([i, k]) => x[i][k]);
          const best = pixels(j)[values.indexOf(Math.max(...values))];
          out[0][j] = choice === "mean" ? mean(values) : Math.max(...values);
          for (const [i, k] of pixels(j)) {
            if (choice === "mean") dx[i][k] = dout[0][j] / 4;
            else if (i === best[0] && k === best[1]) dx[i][k] = dout[0][j];
          }
          chosen.push(["x", ...best]);
        }
        return { out, dx, chosen };
      },
      explain: ([name, i, j], { x, dout }, { out, dx, chosen }, choice) => {
        const window = name === "out" ? j : Math.floor(j / 2), above = dout[0][window];
        const values = pixels(window).map(([p, q]) => x[p][q]), own = entry([name, i, j]);
        const inside = pixels(window).map((at) => ["x", ...at]), best = chosen[window];
        const tied = values.filter((each) => each === Math.max(...values)).length > 1
          ? " Another one is as large; the first in the order of rows counts." : "";
        if (name === "out") {
          return [[choice === "mean" ? `${own} = (${sum(values)})/4 = ${shown(out[0][j])}.`
            : `${own} is the largest of ${values.map(shown).join(", ")}: ${shown(out[0][j])}.${tied}`],
          inside];
        }
        const up = ["dout", 0, window];
        if (choice === "mean") {
          return [[`${own} = ${entry(up)}/4 = ${factor(above)}/4 = ${shown(dx[i][j])}.`], [up]];
        }
        const largest = best[1] === i && best[2] === j;
        return [[
          `The largest of its window is ${entry(best)} = ${shown(x[best[1]][best[2]])}.${tied}`,
          largest ? `It gets all of ${entry(up)}: ${own} = ${shown(above)}.`
            : `So ${entry(best)} gets all of ${entry(up)}, and ${own} = 0.`,
        ], largest ? [...inside, up] : inside];
      },
    },

    layer_norm: {
      given: {
        x: [[1, 2, 3, 6], [10, 30, 20, 20]],
        γ: [[2, 1, 1, 1]],
        dout: [[1, 1, 0, 0], [0, 1, 0, 0]],
      },
      results: { out: [2, 4], dx: [2, 4], dγ: [1, 4] },
      first: ["dx", 0, 0],
      compute: ({ x, γ: [gamma], dout }) => {
        const rows = x.map((row, i) => {
          const { mu, variance, s, hat } = normalized(row);
          const g = gamma.map((each, j) => each * dout[i][j]);
          return { mu, variance, s, hat, g, level: mean(g), along: mean(g.map((each, j) => each * hat[j])) };
        });
        return {
          rows,
          out: rows.map(({ hat }) => hat.map((each, j) => gamma[j] * each)),
          dx: rows.map(({ s, hat, g, level, along }) =>
            g.map((each, j) => s * (each - level - hat[j] * along))),
          dγ: [gamma.map((_, j) => total(rows.map(({ hat }, i) => dout[i][j] * hat[j])))],
        };
      },
      explain: ([name, i, j], { x, γ: [gamma], dout }, { rows, out, dx, dγ }) => {
        const own = entry([name, i, j]), columns = [0, 1, 2, 3];
        if (name === "dγ") {
          const written = rows.map(({ hat }, k) => `${factor(dout[k][j])}·${factor(hat[j])}`);
          return [[`${own} is the sum of dout x̂ over the samples: ` +
            `${written.join(" + ")} = ${shown(dγ[0][j])}.`], [["dout", 0, j], ["dout", 1, j]]];
        }
        const { mu, variance, s, hat, g, level, along } = rows[i];
        const statistics = `Sample ${i}: mean ${shown(mu)}, variance ${shown(variance)}, ` +
          `s = ${shown(s)}, x̂ = (${hat.map(shown).join(", ")}).`;
        const sample = columns.map((k) => ["x", i, k]);
        if (name === "out") {
          return [[statistics, `${own} = γ x̂ = ${factor(gamma[j])}·${factor(hat[j])} = ` +
            `${shown(out[i][j])}.`], [...sample, ["γ", 0, j]]];
        }
        return [[
          statistics,
          `g = γ dout = (${g.map(shown).join(", ")}): its mean is ${shown(level)}, that of g x̂ ` +
            `is ${shown(along)}.`,
          `${own} = ${shown(s)}·(${shown(g[j])} − ${factor(level)} − ` +
            `${factor(hat[j])}·${factor(along)}) = ${shown(dx[i][j])}.`,
        ], [...sample, ...columns.flatMap((k) => [["γ", 0, k], ["dout", i, k]])]];
      },
    },

    batch_norm: {
      given: {
        x: [[1, 10], [2, 30], [3, 20], [6, 20]],
        γ: [[1, 1]],
        dout: [[1, 0], [0, 1], [0, 0], [0, 0]],
      },
      results: { out: [4, 2], dx: [4, 2], dγ: [1, 2], dβ: [1, 2] },
      first: ["dx", 0, 0],
      compute: ({ x, γ: [gamma], dout }) => {
        const columns = gamma.map((scale, j) => {
          const up = dout.map((row) => row[j]), found = normalized(x.map((row) => row[j]));
          return { ...found, scale, up, level: mean(up), along: mean(up.map((d, i) => d * found.hat[i])) };
        });
        return {
          columns,
          out: x.map((_, i) => columns.map(({ scale, hat }) => scale * hat[i])),
          dx: x.map((_, i) => columns.map(({ scale, s, hat, up, level, along }) =>
            scale * s * (up[i] - level - hat[i] * along))),
          dγ: [columns.map(({ along }) => x.length * along)],
          dβ: [columns.map(({ level }) => x.length * level)],
        };
      },
      explain: ([name, i, j], { x }, found) => {
        const own = entry([name, i, j]), value = shown(found[name][i][j]);
        const { mu, variance, s, hat, scale, up, level, along } = found.columns[j];
        const statistics = `Feature ${j}: mean ${shown(mu)}, variance ${shown(variance)}, ` +
          `s = ${shown(s)}, x̂ = (${hat.map(shown).join(", ")}).`;
        const column = x.map((_, k) => ["x", k, j]), above = x.map((_, k) => ["dout", k, j]);
        if (name === "dβ") {
          return [[`${own} is the sum of dout over the samples: ${sum(up)} = ${value}.`], above];
        }
        if (name === "dγ") {
          const written = up.map((each, k) => `${factor(each)}·${factor(hat[k])}`);
          return [[statistics, `${own} is the sum of dout x̂ over the samples: ` +
            `${written.join(" + ")} = ${value}.`], [...column, ...above]];
        }
        if (name === "out") {
          return [[statistics, `${own} = γ x̂ = ${factor(scale)}·${factor(hat[i])} = ${value}.`],
            [...column, ["γ", 0, j]]];
        }
        return [[
          statistics,
          `dout = (${up.map(shown).join(", ")}): its mean is ${shown(level)}, that of dout x̂ ` +
            `is ${shown(along)}.`,
          `${own} = ${factor(scale)}·${shown(s)}·(${shown(up[i])} − ${factor(level)} − ` +
            `${factor(hat[i])}·${factor(along)}) = ${value}.`,
        ], [...column, ["γ", 0, j], ...above]];
      },
    },

    dropout: {
      given: {
        x: [[1, 2, 3, 4], [5, 6, 7, 8]],
        u: [[0.03, 0.8, 0.03, 0.74], [0.36, 0, 0.97, 0.36]],
        dout: [[1, 2, -1, 4], [4, -1, 2, -3]],
        r: [[0.2]],
      },
      shares: ["u", "r"], // between 0 and 1
      results: { out: [2, 4], dx: [2, 4] },
      first: ["dx", 1, 3],
      compute: ({ x, u, dout, r: [[rate]] }) => {
        const drop = (values) => values.map((row, i) => row.map((each, j) =>
          (rate < 1 && u[i][j] >= rate ? each / (1 - rate) : 0)));
        return { out: drop(x), dx: drop(dout) };
      },
      explain: ([name, i, j], { x, u, dout, r: [[rate]] }, found) => {
        const from = [name === "out" ? "x" : "dout", i, j], value = { x, dout }[from[0]][i][j];
        const own = entry([name, i, j]), draw = `${entry(["u", i, j])} = ${shown(u[i][j])}`;
        const used = [from, ["u", i, j], ["r", 0, 0]];
        if (rate === 1) return [[`With a rate of 1 everything is dropped: ${own} = 0.`], used];
        if (u[i][j] < rate) return [[`${draw} is below ${shown(rate)}, so it is dropped: ${own} = 0.`], used];
        return [[
          `${draw} is not below ${shown(rate)}, so it is kept.`,
          `${own} = ${entry(from)}/(1 − r) = ${factor(value)}/(1 − ${shown(rate)}) = ` +
            `${shown(found[name][i][j])}.`,
        ], used];
      },
    },
  };

  window.numbers = { PAGES };

  const root = document.getElementById("numbers");
  if (!root) return;
  const page = PAGES[root.dataset.page], { given, results, choices = [], shares = [] } = page;
  const limits = (name) => (shares.includes(name) ? [0, 1, 0.1] : [-LARGEST, LARGEST, 1]);
  const grid = (name, rows, columns, cell) => `
    <div class="cells" style="grid-template-columns: repeat(${columns}, minmax(2.6rem, max-content))">
      ${filled(rows, columns, (i, j) => cell(i, j)).flat().join("")}</div>`;
  const inputs = ([name, values]) => `
    <fieldset><legend>${name}</legend>${grid(name, values.length, values[0].length, (i, j) =>
      `<input type="number" min="${limits(name)[0]}" max="${limits(name)[1]}" step="${limits(name)[2]}" name="${entry([name, i, j])}"
        aria-label="${name}, row ${i}, column ${j}" value="${values[i][j]}">`)}</fieldset>`;
  const outputs = ([name, [rows, columns]]) => `
    <div role="group" aria-label="${name}"><p>${name}</p>${grid(name, rows, columns, (i, j) =>
      `<button type="button" data-at="${name} ${i} ${j}" tabindex="-1"></button>`)}</div>`;
  root.innerHTML = `
    <style>
      #numbers { border: 1px solid #8888; padding: 0.8rem; margin: 1rem 0 }
      #numbers form { display: flex; flex-wrap: wrap; gap: 0.6rem 1.2rem; align-items: flex-start }
      #numbers fieldset, #numbers [role=group] { border: 0; padding: 0; margin: 0; min-width: 0 }
      #numbers legend, #numbers [role=group] p { margin: 0; padding: 0; font-weight: bold }
      #numbers .cells { display: grid; gap: 2px; width: max-content }
      #numbers .choice, #numbers .line { flex-basis: 100% }
      #numbers input, #numbers button { box-sizing: border-box; width: 100%; height: 1.9rem;
        padding: 0 0.2rem; font: inherit; font-size: 0.85rem; text-align: center; color: inherit;
        background: none; border: 1px solid #8888; font-variant-numeric: tabular-nums }
      #numbers .cells input { width: 2.6rem; appearance: textfield }
      #numbers input::-webkit-inner-spin-button { appearance: none }
      #numbers button { cursor: pointer }
      #numbers [aria-pressed=true] { outline: 2px solid currentColor; outline-offset: -2px }
      #numbers .used { background: #0072b244; border-color: #0072b2 }
      #numbers [role=status] { margin: 0.6rem 0 0; font-variant-numeric: tabular-nums }
      #numbers [role=status] span { display: block; overflow-wrap: anywhere }
      #numbers .again { margin: 0.6rem 0 0; width: auto; padding: 0 0.8rem }
    </style>
    <form aria-label="The numbers of the example">
      ${choices.length ? `<div class="choice"><label for="numbers-choice">Pooling</label>
        <select id="numbers-choice" name="choice">
          ${choices.map((each) => `<option>${each}</option>`).join("")}</select></div>` : ""}
      ${Object.entries(given).map(inputs).join("")}<div class="line"></div>
      ${Object.entries(results).map(outputs).join("")}
    </form>
    <p role="status"></p>
    <button type="button" class="again">As at first</button>`;
  const form = root.querySelector("form"), status = root.querySelector("[role=status]");
  const cell = (at) => form.querySelector(`[data-at="${at.join(" ")}"]`);
  let chosen = page.first;

  /* What is typed, as numbers that fit into their cells. */
  const read = () => Object.fromEntries(Object.entries(given).map(([name, values]) =>
    [name, values.map((row, i) => row.map((_, j) => Math.max(limits(name)[0],
      Math.min(limits(name)[1], Number(form.elements[entry([name, i, j])].value)))))]));

  function draw() {
    const now = read(), choice = form.elements.choice?.value, found = page.compute(now, choice);
    root.querySelectorAll(".used").forEach((each) => each.classList.remove("used"));
    for (const button of form.querySelectorAll("[data-at]")) {
      const [name, i, j] = button.dataset.at.split(" "), value = shown(found[name][i][j]);
      const inFocus = button.dataset.at === chosen.join(" ");
      button.textContent = value;
      button.setAttribute("aria-label", `${name}, row ${i}, column ${j}: ${value}`);
      button.setAttribute("aria-pressed", inFocus);
      // One stop for the key Tab in each group: its chosen entry, or the first.
      button.tabIndex = inFocus || (name !== chosen[0] && i === "0" && j === "0") ? 0 : -1;
    }
    const [told, used] = page.explain(chosen, now, found, choice);
    used.forEach((each) => form.elements[entry(each)].classList.add("used"));
    status.innerHTML = told.map((line) => `<span>${line}</span>`).join(" ");
  }

  function choose(at) {
    chosen = at;
    draw();
    cell(at).focus();
  }

  const placed = (button) => {
    const [name, ...place] = button.dataset.at.split(" ");
    return [name, ...place.map(Number)];
  };
  const MOVES = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", draw);
  form.addEventListener("click", ({ target }) => {
    if (target.dataset.at) choose(placed(target));
  });
  form.addEventListener("keydown", (event) => {
    const move = MOVES[event.key];
    if (!event.target.dataset.at || !move) return;
    event.preventDefault();
    const [name, i, j] = placed(event.target), to = [name, i + move[0], j + move[1]];
    if (cell(to)) choose(to);
  });
  root.querySelector(".again").addEventListener("click", () => {
    form.reset();
    chosen = page.first;
    draw();
  });
  draw();
})();
