/* One schedule to choose on docs/backprop/schedules.md, and how far SGD then is from the minimum of
   w²/2, with noise of standard deviation 1 in every gradient: the root of the mean square, exactly. */
"use strict";

(() => {
  const STEPS = 400, START = 3, WARMUP = 40, OPENS = 34;
  // 61 rates from 0.001 to 1; the slider opens at 0.05.
  const rateOf = (index) => 0.001 * 1000 ** (index / 60);
  const share = (step, length) => Math.min(step, length) / length;
  const cosine = (part) => (1 + Math.cos(Math.PI * part)) / 2;

  /* The rate of a step, from the first (or highest) rate and the number of steps that it falls in. */
  const SCHEDULES = {
    constant: (lr) => lr,
    "1/t": (lr, step, length) => lr / (1 + (9 * step) / length),
    exponential: (lr, step, length) => lr * 0.1 ** (step / length),
    "straight line": (lr, step, length) => lr * (1 - share(step, length)),
    cosine: (lr, step, length) => lr * cosine(share(step, length)),
    "cosine after a warm-up": (lr, step, length) => step < WARMUP
      ? (lr * step) / WARMUP : lr * cosine(share(step - WARMUP, length)),
  };

  /* Before each step its rate, and the distance there; after the last step the distance alone. */
  function walk(name, lr, length) {
    const rates = [], distances = [START];
    for (let step = 0, square = START ** 2; step < STEPS; step++) {
      const rate = SCHEDULES[name](lr, step, length);
      square = (1 - rate) ** 2 * square + rate ** 2;
      rates.push(rate);
      distances.push(Math.sqrt(square));
    }
    return { rates, distances };
  }

  window.schedules = { SCHEDULES, rateOf, walk };

  const root = document.getElementById("schedules");
  if (!root) return;
  root.innerHTML = `
    <style>
      #schedules { border: 1px solid #8888; padding: 0.8rem; margin: 1rem 0 }
      #schedules form { display: flex; flex-wrap: wrap; gap: 0.6rem 1.4rem }
      #schedules label { display: block }
      #schedules svg { width: 100%; max-width: 32rem; height: auto; display: block }
      #schedules .axis { stroke: currentColor; stroke-opacity: 0.35; stroke-width: 0.4 }
      #schedules text { fill: currentColor; font-size: 5px }
      #schedules polyline { fill: none; stroke-width: 1.1 }
      #schedules .rate { stroke: #009e73 }
      #schedules .distance { stroke: #0072b2 }
      #schedules .constant { stroke: currentColor; stroke-opacity: 0.6; stroke-dasharray: 2 1.5 }
      #schedules [role=status] { margin: 0.6rem 0; font-variant-numeric: tabular-nums }
      #schedules [role=status] span { display: block }
    </style>
    <form aria-label="Schedule, rate and length">
      <div><label for="schedules-name">Schedule</label>
        <select id="schedules-name" name="schedule">${Object.keys(SCHEDULES).map((name) =>
          `<option${name === "cosine" ? " selected" : ""}>${name}</option>`).join("")}</select></div>
      <div><label for="schedules-rate">Highest rate: <span></span></label>
        <input id="schedules-rate" name="rate" type="range" min="0" max="60" value="${OPENS}"></div>
      <div><label for="schedules-length">Falls over: <span></span></label>
        <input id="schedules-length" name="span" type="range" min="20" max="400" step="20"
          value="360"></div>
    </form>
    <p role="status"></p>
    <svg role="img" aria-label="The rate of every step, and the distance from the minimum"
      viewBox="-6 0 146 118"></svg>`;
  const form = root.querySelector("form"), chosen = form.elements;
  const across = (step) => 12 + (120 * step) / STEPS;

  /* A curve through values that are `scale`d to lie between 0 at the bottom and 1 on top. */
  function curve(kind, values, top, scale) {
    const points = values.map((value, step) =>
      `${across(step).toFixed(2)},${(top + 46 * (1 - scale(value))).toFixed(2)}`);
    return `<polyline class="${kind}" points="${points.join(" ")}"/>`;
  }

  /* Lines across a panel, each with its number. */
  const rows = (marks, top, scale) => marks.map((mark) => {
    const y = top + 46 * (1 - scale(mark));
    return `<path class="axis" d="M12 ${y}H132"/>` +
      `<text x="10" y="${y + 1.7}" text-anchor="end">${Number(mark.toPrecision(2))}</text>`;
  }).join("");

  function draw() {
    const name = chosen.schedule.value, lr = rateOf(Number(chosen.rate.value));
    const length = Number(chosen.span.value);
    const { rates, distances } = walk(name, lr, length);
    const constant = walk("constant", lr, length).distances;
    const [ofRate, ofLength] = root.querySelectorAll("label span");
    ofRate.textContent = lr.toPrecision(2);
    chosen.span.disabled = name === "constant";
    ofLength.textContent = name === "constant" ? "(not used)" : `${length} steps`;
    const last = rates.at(-1);
    root.querySelector("[role=status]").innerHTML = [
      `Rate of the first step ${rates[0] && rates[0].toPrecision(2)}, of the last one ` +
        `${last < 1e-4 ? "less than 0.0001" : last.toPrecision(2)}.`,
      `After ${STEPS} steps the distance is ${distances.at(-1).toFixed(3)}; ` +
        `at the constant rate it is ${constant.at(-1).toFixed(3)}.`,
    ].map((line) => `<span>${line}</span>`).join(" ");
    const part = (rate) => rate / lr;
    const power = (distance) => Math.max(0, (Math.log10(distance) + 2) / 2.6);
    root.querySelector("svg").innerHTML =
      `<text x="12" y="5">learning rate</text>${rows([0, lr / 2, lr], 9, part)}` +
      curve("rate", rates, 9, part) +
      `<text x="12" y="65">distance (dashed: constant rate)</text>` +
      rows([0.01, 0.03, 0.1, 0.3, 1, 3], 69, power) +
      curve("constant", constant, 69, power) + curve("distance", distances, 69, power);
  }

  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", draw);
  draw();
})();
