/* One activation to move along on docs/backprop/activations.md: f, its slope, and what is left of a
   gradient behind several layers with that slope. */
"use strict";

(() => {
  const LOW = -8, HIGH = 8, START = -2, LAYERS = 5;
  const ALPHA = 1.6732632423543772, SCALE = 1.0507009873554805;
  const sigmoid = (x) => 1 / (1 + Math.exp(-x));
  const density = (x) => Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI);

  /* The share of a standard normal distribution below x: its density, integrated by Simpson's rule. */
  function below(x) {
    const parts = 200, h = x / parts;
    let sum = density(0) + density(x);
    for (let i = 1; i < parts; i++) sum += (i % 2 ? 4 : 2) * density(i * h);
    return 0.5 + (sum * h) / 3;
  }

  /* Each with its slope; at a kink the slope is the one that tinynet takes. */
  const CURVES = {
    relu: [(x) => Math.max(x, 0), (x) => (x > 0 ? 1 : 0)],
    leaky_relu: [(x) => (x > 0 ? x : 0.2 * x), (x) => (x > 0 ? 1 : 0.2)],
    relu6: [(x) => Math.min(Math.max(x, 0), 6), (x) => (x > 0 && x < 6 ? 1 : 0)],
    elu: [(x) => (x > 0 ? x : Math.expm1(x)), (x) => (x > 0 ? 1 : Math.exp(x))],
    selu: [
      (x) => SCALE * (x < 0 ? ALPHA * Math.expm1(x) : x),
      (x) => SCALE * (x < 0 ? ALPHA * Math.exp(x) : 1),
    ],
    gelu: [(x) => x * below(x), (x) => below(x) + x * density(x)],
    silu: [(x) => x * sigmoid(x), (x) => sigmoid(x) * (1 + x * (1 - sigmoid(x)))],
    softplus: [(x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))), sigmoid],
    sigmoid: [sigmoid, (x) => sigmoid(x) * (1 - sigmoid(x))],
    tanh: [Math.tanh, (x) => 1 - Math.tanh(x) ** 2],
    softsign: [(x) => x / (1 + Math.abs(x)), (x) => 1 / (1 + Math.abs(x)) ** 2],
    linear: [(x) => x, () => 1],
  };

  window.curves = { CURVES, at: (name, x) => CURVES[name].map((f) => f(x)) };

  const root = document.getElementById("curves");
  if (!root) return;
  root.innerHTML = `
    <style>
      #curves { border: 1px solid #8888; padding: 0.8rem; margin: 1rem 0 }
      #curves form { display: flex; flex-wrap: wrap; gap: 0.6rem 1.4rem }
      #curves label { display: block }
      #curves svg { width: 100%; max-width: 32rem; height: auto; display: block }
      #curves .axis { stroke: currentColor; stroke-opacity: 0.35; stroke-width: 0.4 }
      #curves text { fill: currentColor; font-size: 5px }
      #curves polyline { fill: none; stroke-width: 1.1 }
      #curves .f { stroke: #0072b2 }
      #curves .slope { stroke: #d55e00; stroke-dasharray: 3 1.5 }
      #curves circle.f { fill: #0072b2 }
      #curves circle.slope { fill: #d55e00; stroke-dasharray: none }
      #curves [role=status] { margin: 0.6rem 0; font-variant-numeric: tabular-nums }
      #curves [role=status] span { display: block }
    </style>
    <form aria-label="Activation and input">
      <div><label for="curves-name">Activation</label>
        <select id="curves-name" name="curve">${Object.keys(CURVES).map((name) =>
          `<option${name === "sigmoid" ? " selected" : ""}>${name}</option>`).join("")}</select></div>
      <div><label for="curves-x">x: <span></span></label>
        <input id="curves-x" name="x" type="range" min="${LOW}" max="${HIGH}" step="0.1"
          value="${START}"></div>
    </form>
    <p role="status"></p>
    <svg role="img" aria-label="The activation and its slope, and a point on each"
      viewBox="-4 0 142 92"></svg>`;
  const form = root.querySelector("form");
  const number = (value, digits) => value.toFixed(digits).replace("-", "−");
  const across = (x) => 10 + (124 * (x - LOW)) / (HIGH - LOW);

  function draw() {
    const name = form.elements.curve.value, x = Number(form.elements.x.value);
    const [f, slope] = CURVES[name], value = f(x), steep = slope(x);
    const flat = Math.max(Math.abs(f(LOW)), Math.abs(f(HIGH))) <= 1;
    const [lowest, highest] = flat ? [-1.2, 1.2] : [-2, 6.5];
    const down = (y) => 3.5 + (76.5 * (highest - Math.max(lowest, Math.min(highest, y)))) /
      (highest - lowest);
    root.querySelector("label span").textContent = number(x, 1);
    const left = steep ** LAYERS;
    root.querySelector("[role=status]").innerHTML = [
      `f(x) = ${number(value, 4)}, and the slope f′(x) = ${number(steep, 4)}.`,
      `A dout of 1 becomes dx = ${number(steep, 4)}; after ${LAYERS} layers with this slope ` +
        `${left && Math.abs(left) < 0.001 ? left.toExponential(0).replaceAll("-", "−")
          : number(left, 3)} is left.`,
    ].map((line) => `<span>${line}</span>`).join(" ");
    const places = Array.from({ length: 321 }, (_, i) => LOW + ((HIGH - LOW) * i) / 320);
    // A jump of the slope is not drawn as a line: the curve ends, and begins anew.
    function line(kind, curve) {
      const runs = [[]];
      places.forEach((at, i) => {
        const y = curve(at), last = i && curve(places[i - 1]);
        if (i && Math.abs(y - last) > 0.15 && curve === slope) runs.push([]);
        if (y >= lowest && y <= highest) runs.at(-1).push(`${across(at).toFixed(2)},${down(y).toFixed(2)}`);
      });
      return runs.map((run) => `<polyline class="${kind}" points="${run.join(" ")}"/>`).join("");
    }
    const rows = (flat ? [1, 0.5, 0, -0.5, -1] : [6, 4, 2, 0, -2]).map((y) => `<path class="axis" d="M10 ${down(y)}H134"/>
      <text x="8" y="${down(y) + 1.7}" text-anchor="end">${number(y, flat ? 1 : 0)}</text>`);
    const columns = [-8, -4, 0, 4, 8].map((at) =>
      `<text x="${across(at)}" y="88" text-anchor="middle">${number(at, 0)}</text>`);
    root.querySelector("svg").innerHTML = [...rows, ...columns].join("") +
      `<path class="axis" d="M${across(x)} 2V82"/>${line("f", f)}${line("slope", slope)}
      <circle class="f" cx="${across(x)}" cy="${down(value)}" r="1.8"/>
      <circle class="slope" cx="${across(x)}" cy="${down(steep)}" r="1.8"/>`;
  }

  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", draw);
  draw();
})();
