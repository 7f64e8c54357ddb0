/* A walk down the valley of docs/backprop/optimizers.md, with knobs: L = (w1² + 60 w2²) / 2.
   It opens with the data-optimizer and the data-rate of its element, else with SGD at 0.031. */
"use strict";

(() => {
  const CURVATURE = [1, 60], START = [-9, 1.6], MOST = 300, NEAR = 0.1, FAR = 1000, RATES = 60;
  // The rates that the table of the page tries: 60 between 0.001 and 10.
  const rateOf = (index) => 0.001 * 10000 ** (index / (RATES - 1));

  /* What each adds to an entry of w. `s` is what it remembers of that entry, t counts from 1. */
  const OPTIMIZERS = {
    SGD: (g, s, lr) => -lr * g,
    momentum: (g, s, lr, t, mu) => (s.m = mu * s.m - lr * g),
    Nesterov: (g, s, lr, t, mu) => {
      s.m = mu * s.m - lr * g;
      return mu * s.m - lr * g;
    },
    Adagrad: (g, s, lr, t) => {
      s.v = (t === 1 ? 0.1 : s.v) + g * g;
      return (-lr * g) / Math.sqrt(s.v + 1e-7);
    },
    RMSprop: (g, s, lr) => {
      s.v = 0.9 * s.v + 0.1 * g * g;
      return (-lr * g) / Math.sqrt(s.v + 1e-7);
    },
    Adam: (g, s, lr, t, mu, corrected) => {
      s.m += 0.1 * (g - s.m);
      s.v += 0.001 * (g * g - s.v);
      const alpha = corrected ? (lr * Math.sqrt(1 - 0.999 ** t)) / (1 - 0.9 ** t) : lr;
      return (-alpha * s.m) / (Math.sqrt(s.v) + 1e-7);
    },
  };
  const REMEMBERS_STEPS = ["momentum", "Nesterov"];

  /* By 45 degrees, and back again. */
  const HALF = Math.SQRT1_2;
  const turn = ([a, b]) => [HALF * (a - b), HALF * (a + b)];
  const back = ([a, b]) => [HALF * (a + b), HALF * (b - a)];

  /* All places of a walk: the start, and one after each step, until it is far away. */
  function walk(name, rate, mu = 0.9, turned = false, steps = MOST, corrected = true) {
    const step = OPTIMIZERS[name], slots = [{ m: 0, v: 0 }, { m: 0, v: 0 }];
    const places = [turned ? turn(START) : START];
    for (let t = 1; t <= steps; t++) {
      const w = places[t - 1];
      const along = (turned ? back(w) : w).map((each, i) => CURVATURE[i] * each);
      const g = turned ? turn(along) : along;
      places.push(w.map((each, i) => each + step(g[i], slots[i], rate, t, mu, corrected)));
      if (Math.hypot(...places[t]) > FAR) break;
    }
    return places;
  }

  /* After how many steps a walk stays near the minimum; Infinity if it does not. */
  function arrival(places) {
    const last = places.findLastIndex((w) => !(Math.hypot(...w) <= NEAR));
    return last < MOST && last < places.length - 1 ? last + 1 : Infinity;
  }

  window.valley = { OPTIMIZERS, arrival, rateOf, walk };

  const root = document.getElementById("valley");
  if (!root) return;
  const options = Object.keys(OPTIMIZERS).map((name) => `<option>${name}</option>`).join("");
  const hills = [0.5, 2, 8, 18, 32, 50, 72].map((L) =>
    `<ellipse rx="${Math.sqrt(2 * L)}" ry="${Math.sqrt((2 * L) / 60)}"/>`).join("");
  root.innerHTML = `
    <style>
      #valley { border: 1px solid #8888; padding: 0.8rem; margin: 1rem 0 }
      #valley form { display: flex; flex-wrap: wrap; gap: 0.6rem 1.4rem }
      #valley label { display: block }
      #valley svg { width: 100%; height: auto; display: block; margin-top: 0.6rem }
      #valley .hills { fill: none; stroke: currentColor; stroke-opacity: 0.3; stroke-width: 0.03 }
      #valley .path { fill: none; stroke: #d55e00; stroke-width: 0.06 }
      #valley .steps { fill: #d55e00 }
      #valley .end { fill: #0072b2 }
      #valley [role=status] { margin: 0.6rem 0 0 }
    </style>
    <form aria-label="Optimizer and rate">
      <div><label for="valley-name">Optimizer</label>
        <select id="valley-name" name="name">${options}</select></div>
      <div><label for="valley-rate">Learning rate <span class="rate"></span></label>
        <input id="valley-rate" name="rate" type="range" min="0" max="${RATES - 1}"></div>
      <div><label for="valley-mu">Momentum <span class="mu"></span></label>
        <input id="valley-mu" name="mu" type="range" min="0" max="0.99" step="0.01" value="0.9"></div>
      <div><input id="valley-turned" name="turned" type="checkbox">
        <label for="valley-turned" style="display: inline">Turned by 45°</label></div>
      <div><input id="valley-bare" name="bare" type="checkbox">
        <label for="valley-bare" style="display: inline">Adam without correction</label></div>
    </form>
    <p role="status"></p>
    <svg role="img" aria-label="The path in the valley">
      <g class="hills">${hills}</g><polyline class="path"/><g class="steps"></g>
      <circle class="end" r="0.16"/>
    </svg>`;
  const form = root.querySelector("form"), chosen = form.elements;
  chosen.name.value = root.dataset.optimizer ?? "SGD";
  chosen.rate.value = root.dataset.rate ?? 22;

  function draw() {
    const name = chosen.name.value, rate = rateOf(Number(chosen.rate.value));
    const mu = Number(chosen.mu.value), turned = chosen.turned.checked;
    const bare = name === "Adam" && chosen.bare.checked;
    chosen.mu.disabled = !REMEMBERS_STEPS.includes(name);
    chosen.bare.disabled = name !== "Adam";
    root.querySelector(".rate").textContent = rate.toPrecision(2);
    root.querySelector(".mu").textContent = chosen.mu.disabled ? "(not used)" : mu.toFixed(2);
    const places = walk(name, rate, mu, turned, MOST, !bare), steps = arrival(places);
    const flown = places.length <= MOST;
    const said = flown
      ? `flies away: after ${places.length - 1} steps it is more than ${FAR} from the minimum`
      : steps < Infinity
        ? `stays within ${NEAR} of the minimum after ${steps} steps`
        : `has not arrived after ${MOST} steps`;
    root.querySelector("[role=status]").textContent =
      `${name}${bare ? " without correction" : ""} at a rate of ${rate.toPrecision(2)} ${said}.`;
    // The picture's second axis points down.
    const shown = places.slice(0, Math.min(steps, MOST) + 1).map(([a, b]) =>
      [a, -b].map((each) => Math.max(-50, Math.min(50, each)).toFixed(3)));
    root.querySelector("svg").setAttribute("viewBox", `-10.5 -2.7 14 ${turned ? 11.2 : 5.4}`);
    root.querySelector(".hills").setAttribute("transform", turned ? "rotate(-45)" : "");
    root.querySelector(".path").setAttribute("points", shown.join(" "));
    root.querySelector(".steps").innerHTML = shown
      .map(([a, b]) => `<circle cx="${a}" cy="${b}" r="0.09"/>`).join("");
  }

  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", draw);
  draw();
})();
