/* One output to move on docs/backprop/losses.md: its loss, and the gradient of that. */
"use strict";

(() => {
  const DELTA = 1, NUDGE = 0.01;
  const sigmoid = (z) => 1 / (1 + Math.exp(-z));

  /* Of a residual r, or of the logit z of a yes; each with its derivative and the range of its plot. */
  const NUMBERS = { of: "r", most: 3, range: [-6, 9], ticks: [9, 6, 3, 0, -3, -6], start: 2 };
  const ANSWERS = { of: "z", most: 8, start: -8 };
  const LOSSES = {
    "squared error": { ...NUMBERS, f: (r) => r * r, slope: (r) => 2 * r },
    "absolute error": { ...NUMBERS, f: Math.abs, slope: Math.sign },
    "Huber, δ = 1": {
      ...NUMBERS,
      f: (r) => (Math.abs(r) <= DELTA ? r * r / 2 : DELTA * Math.abs(r) - DELTA * DELTA / 2),
      slope: (r) => Math.min(Math.max(r, -DELTA), DELTA),
    },
    "cross-entropy of a sigmoid": {
      ...ANSWERS, range: [-1.5, 8.5], ticks: [8, 6, 4, 2, 0],
      f: (z) => Math.max(-z, 0) + Math.log1p(Math.exp(-Math.abs(z))),
      slope: (z) => sigmoid(z) - 1,
    },
    "squared error of a sigmoid": {
      ...ANSWERS, range: [-1.2, 1.2], ticks: [1, 0.5, 0, -0.5, -1],
      f: (z) => (sigmoid(z) - 1) ** 2,
      slope: (z) => 2 * (sigmoid(z) - 1) * sigmoid(z) * (1 - sigmoid(z)),
    },
  };

  window.lossCurves = {
    names: Object.keys(LOSSES),
    at: (name, x) => [LOSSES[name].f(x), LOSSES[name].slope(x)],
  };

  const root = document.getElementById("losses-widget");
  if (!root) return;
  root.innerHTML = `
    <style>
      #losses-widget { border: 1px solid #8888; padding: 0.8rem; margin: 1rem 0 }
      #losses-widget form { display: flex; flex-wrap: wrap; gap: 0.6rem 1.4rem }
      #losses-widget label { display: block }
      #losses-widget svg { width: 100%; max-width: 32rem; height: auto; display: block }
      #losses-widget .axis { stroke: currentColor; stroke-opacity: 0.35; stroke-width: 0.4 }
      #losses-widget text { fill: currentColor; font-size: 5px }
      #losses-widget polyline { fill: none; stroke-width: 1.1 }
      #losses-widget .f { stroke: #0072b2 }
      #losses-widget .slope { stroke: #d55e00; stroke-dasharray: 3 1.5 }
      #losses-widget circle.f { fill: #0072b2 }
      #losses-widget circle.slope { fill: #d55e00; stroke-dasharray: none }
      #losses-widget [role=status] { margin: 0.6rem 0; font-variant-numeric: tabular-nums }
      #losses-widget [role=status] span { display: block }
    </style>
    <form aria-label="Loss and output">
      <div><label for="losses-name">Loss</label>
        <select id="losses-name" name="loss">${Object.keys(LOSSES).map((name) =>
          `<option${name.startsWith("cross") ? " selected" : ""}>${name}</option>`).join("")}</select>
      </div>
      <div><label for="losses-x"></label>
        <input id="losses-x" name="x" type="range" step="0.1"></div>
    </form>
    <p role="status"></p>
    <svg role="img" aria-label="The loss and its gradient, and a point on each"
      viewBox="-4 0 142 92"></svg>`;
  const form = root.querySelector("form"), slider = form.elements.x;
  const number = (value, digits) => value.toFixed(digits).replace("-", "−");

  /* Another loss may be one of another quantity: then the slider begins anew. */
  function begin() {
    const { of, most, start } = LOSSES[form.elements.loss.value];
    if (slider.dataset.of !== of) {
      Object.assign(slider, { min: -most, max: most, value: start });
      slider.dataset.of = of;
    }
    draw();
  }

  function draw() {
    const { of, most, range, ticks, f, slope } = LOSSES[form.elements.loss.value];
    const x = Number(slider.value), [lowest, highest] = range;
    const across = (at) => 10 + (124 * (at + most)) / (2 * most);
    const down = (y) => 3.5 + (76.5 * (highest - Math.max(lowest, Math.min(highest, y)))) /
      (highest - lowest);
    root.querySelector("label[for=losses-x]").textContent =
      `${of === "r" ? "Residual r = p − t" : "Logit z, with the target 1"}: ${number(x, 1)}`;
    root.querySelector("[role=status]").innerHTML = [
      ...(of === "z" ? [`The probability is p = ${number(sigmoid(x), 4)}.`] : []),
      `The loss is ${number(f(x), 4)}, and its gradient ${number(slope(x), 4)}.`,
      `A nudge of ${NUDGE} to ${of} changes the loss by ${number(f(x + NUDGE) - f(x), 6)}.`,
    ].map((line) => `<span>${line}</span>`).join(" ");
    const places = Array.from({ length: 321 }, (_, i) => -most + (2 * most * i) / 320);
    // A jump of the gradient is not drawn as a line: the curve ends, and begins anew.
    function line(kind, curve) {
      const runs = [[]];
      places.forEach((at, i) => {
        const y = curve(at);
        if (i && Math.abs(y - curve(places[i - 1])) > 0.5) runs.push([]);
        if (y >= lowest && y <= highest) {
          runs.at(-1).push(`${across(at).toFixed(2)},${down(y).toFixed(2)}`);
        }
      });
      return runs.map((run) => `<polyline class="${kind}" points="${run.join(" ")}"/>`).join("");
    }
    const rows = ticks.map((y) => `<path class="axis" d="M10 ${down(y)}H134"/>
      <text x="8" y="${down(y) + 1.7}" text-anchor="end">${number(y, highest < 2 ? 1 : 0)}</text>`);
    const columns = [-1, -0.5, 0, 0.5, 1].map((part) => `<text x="${across(part * most)}" y="88"
      text-anchor="middle">${number(part * most, most === 8 ? 0 : 1)}</text>`);
    root.querySelector("svg").innerHTML = [...rows, ...columns].join("") +
      `<path class="axis" d="M${across(x)} 2V82"/>${line("f", f)}${line("slope", slope)}
      <circle class="f" cx="${across(x)}" cy="${down(f(x))}" r="1.8"/>
      <circle class="slope" cx="${across(x)}" cy="${down(slope(x))}" r="1.8"/>`;
  }

  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", ({ target }) => (target === slider ? draw() : begin()));
  begin();
})();
