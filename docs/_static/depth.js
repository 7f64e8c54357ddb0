/* Ten layers on docs/backprop/initialization.md: what the size of the weights does to values and
   gradients. The slider is the root of k V, with k units in every layer. */
"use strict";

(() => {
  const K = 32, SAMPLES = 32, DEPTH = 10, LOWEST = -12, HIGHEST = 6;
  const F = {
    relu: { f: (z) => Math.max(z, 0), slope: (z) => (z > 0 ? 1 : 0) },
    tanh: { f: Math.tanh, slope: (z) => 1 - Math.tanh(z) ** 2 },
    linear: { f: (z) => z, slope: () => 1 },
  };

  /* Standard normal numbers, the same ones every time: mulberry32, and Box and Muller. */
  function normal(seed) {
    let state = seed;
    const uniform = () => {
      state = (state + 0x6d2b79f5) | 0;
      let t = Math.imul(state ^ (state >>> 15), 1 | state);
      t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
      return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
    return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  }
  const matrix = (rows, columns, draw) =>
    Array.from({ length: rows }, () => Array.from({ length: columns }, draw));
  const draw = normal(1);
  const x = matrix(SAMPLES, K, draw), dout = matrix(SAMPLES, K, draw);
  const kernels = Array.from({ length: DEPTH }, () => matrix(K, K, draw)); // of variance 1

  const transposed = (a) => a[0].map((_, j) => a.map((row) => row[j]));
  const product = (a, b) => {
    const columns = transposed(b);
    return a.map((row) => columns.map((column) => row.reduce((sum, v, l) => sum + v * column[l], 0)));
  };
  const mapped = (a, f) => a.map((row, i) => row.map((v, j) => f(v, i, j)));
  const size = (a) => Math.sqrt(a.flat().reduce((sum, v) => sum + v * v, 0) / a.flat().length);

  /* Root mean squares: of the input and each output, and of the gradient of each, from below. */
  function sizes(name, root) {
    const { f, slope } = F[name], values = [size(x)], gradients = [size(dout)], logits = [];
    const scaled = kernels.map((kernel) => mapped(kernel, (v) => (v * root) / Math.sqrt(K)));
    let out = x, d = dout;
    for (const kernel of scaled) {
      logits.push(product(out, kernel));
      out = mapped(logits.at(-1), f);
      values.push(size(out));
    }
    for (let i = DEPTH - 1; i >= 0; i--) {
      const dz = mapped(d, (v, n, j) => v * slope(logits[i][n][j]));
      d = product(dz, transposed(scaled[i]));
      gradients.unshift(size(d));
    }
    return { values, gradients };
  }

  window.depth = { dout, kernels, sizes, x };

  const root = document.getElementById("depth");
  if (!root) return;
  root.innerHTML = `
    <style>
      #depth { border: 1px solid #8888; padding: 0.8rem; margin: 1rem 0 }
      #depth form { display: flex; flex-wrap: wrap; gap: 0.6rem 1.4rem }
      #depth label { display: block }
      #depth svg { width: 100%; max-width: 32rem; height: auto; display: block }
      #depth .axis { stroke: currentColor; stroke-opacity: 0.35; stroke-width: 0.4 }
      #depth text { fill: currentColor; font-size: 5px }
      #depth polyline { fill: none; stroke-width: 1.2 }
      #depth .values { stroke: #0072b2 }
      #depth .gradients { stroke: #d55e00; stroke-dasharray: 3 1.5 }
      #depth [role=status] { margin: 0.6rem 0 }
    </style>
    <form aria-label="Weights and activation">
      <div><label for="depth-root">√(kV): <span></span></label>
        <input id="depth-root" name="root" type="range" min="-1" max="0.7" step="0.01" value="0"></div>
      <div><label for="depth-f">Activation</label>
        <select id="depth-f" name="f">${Object.keys(F).map((each) => `<option>${each}</option>`)
          .join("")}</select></div>
    </form>
    <p role="status"></p>
    <svg role="img" aria-label="Sizes of values and gradients in ten layers" viewBox="0 0 140 100">
    </svg>`;
  const form = root.querySelector("form"), chosen = form.elements;
  const across = (layer) => 20 + 11 * layer;
  const down = (power) =>
    6 + (80 * (HIGHEST - Math.max(LOWEST, Math.min(HIGHEST, power)))) / (HIGHEST - LOWEST);

  function show() {
    const kv = 10 ** Number(chosen.root.value), { values, gradients } = sizes(chosen.f.value, kv);
    root.querySelector("label span").textContent = kv.toFixed(2);
    const told = (value) => value.toPrecision(2).replace("-", "−");
    root.querySelector("[role=status]").textContent =
      `Root mean squares: the last layer's output has ${told(values[DEPTH])} (blue), the gradient ` +
      `at the input has ${told(gradients[0])} (orange-red, dashed).`;
    const line = (kind, numbers) => `<polyline class="${kind}" points="${numbers.map((v, i) =>
      `${across(i)},${down(Math.log10(v)).toFixed(2)}`).join(" ")}"/>`;
    const powers = [6, 3, 0, -3, -6, -9, -12].map((power) => `
      <path class="axis" d="M20 ${down(power)}H132"/>
      <text x="17" y="${down(power) + 1.7}" text-anchor="end">1e${`${power}`.replace("-", "−")}</text>`);
    const layers = [0, 2, 4, 6, 8, 10].map((layer) =>
      `<text x="${across(layer)}" y="93" text-anchor="middle">${layer || "input"}</text>`);
    root.querySelector("svg").innerHTML =
      powers.join("") + layers.join("") + line("values", values) + line("gradients", gradients);
  }

  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", show);
  show();
})();
