/* One neuron to move on docs/backprop/one_neuron.md: the value of every wire and, below, its
   gradient; the loss after a nudge; and steps of gradient descent. */
"use strict";

(() => {
  const START = { x: 2, w: 0.5, b: -1.5, y: 1 }, REACH = 3, RATE = 0.5, NUDGE = 0.01;

  /* Forward and backward, as the page derives them. */
  function pass({ x, w, b, y }) {
    const a = x * w, z = a + b, p = 1 / (1 + Math.exp(-z));
    const L = -Math.log(y ? p : 1 - p);
    const dp = y ? -1 / p : 1 / (1 - p), dz = dp * p * (1 - p);
    return { x, w, b, a, z, p, L, dL: 1, dp, dz, da: dz, db: dz, dw: dz * x, dx: dz * w };
  }

  /* The same neuron after one step of gradient descent. */
  function stepped(at) {
    const { dw, db } = pass(at);
    return { ...at, w: at.w - RATE * dw, b: at.b - RATE * db };
  }

  window.neuron = { pass, stepped };

  const root = document.getElementById("neuron");
  if (!root) return;
  const number = (value, digits = 3) => value.toFixed(digits).replace("-", "−");
  const short = (value) => number(value, Math.abs(value) < 10 ? 3 : Math.abs(value) < 100 ? 2 : 0);
  // Where the text of each wire begins, and where its line is.
  const WIRES = {
    x: [2, 24, "M2 27H52L64 42"], w: [2, 64, "M2 67H52L64 52"], b: [2, 104, "M2 107H105L119 54"],
    a: [80, 44, "M77 47H115"], z: [132, 44, "M129 47H167"], p: [184, 44, "M181 47H219"],
    L: [236, 44, "M233 47H268"],
  };
  const GATES = { "×": [70, 47], "+": [122, 47], "σ": [174, 47], "−log": [226, 47] };
  const slider = (name, says) => `
    <div><label for="neuron-${name}">${says} <i>${name}</i>: <span></span></label>
      <input id="neuron-${name}" name="${name}" type="range" min="${-REACH}" max="${REACH}"
        step="0.1"></div>`;
  root.innerHTML = `
    <style>
      #neuron { border: 1px solid #8888; padding: 0.8rem; margin: 1rem 0 }
      #neuron form { display: flex; flex-wrap: wrap; gap: 0.6rem 1.4rem; align-items: end }
      #neuron form > div > label { display: block }
      #neuron fieldset { border: 0; margin: 0; padding: 0 }
      #neuron legend { padding: 0 }
      #neuron svg { width: 100%; max-width: 40rem; height: auto; display: block }
      #neuron path, #neuron circle { fill: none; stroke: currentColor; stroke-opacity: 0.5 }
      #neuron text { fill: currentColor; font-size: 9px }
      #neuron .gate { text-anchor: middle; font-size: 6px }
      #neuron .value { fill: color-mix(in srgb, #0072b2 65%, currentColor) }
      #neuron .gradient { fill: color-mix(in srgb, #d55e00 65%, currentColor) }
      #neuron [role=status] { margin: 0.6rem 0; font-variant-numeric: tabular-nums }
      #neuron [role=status] span { display: block }
    </style>
    <form aria-label="One neuron">
      ${slider("x", "input")}${slider("w", "weight")}${slider("b", "bias")}
      <fieldset><legend>the answer is</legend>
        <label><input type="radio" name="y" value="1"> yes, <i>y</i> = 1</label>
        <label><input type="radio" name="y" value="0"> no, <i>y</i> = 0</label></fieldset>
      <div><button type="submit">Step</button>
        <button type="button" name="again">From the start</button></div>
    </form>
    <p role="status"></p>
    <svg role="img" aria-label="The circuit: above each wire its value, below it its gradient"
      viewBox="0 0 270 122"></svg>`;
  const form = root.querySelector("form");
  let at = { ...START };

  function draw() {
    const found = pass(at);
    for (const name of ["x", "w", "b"]) {
      form.elements[name].value = at[name];
      root.querySelector(`label[for=neuron-${name}] span`).textContent = number(at[name], 2);
    }
    form.elements.y.value = at.y;
    const nudged = ["w", "b"].map((name) => {
      const change = pass({ ...at, [name]: at[name] + NUDGE }).L - found.L;
      return `<span>Nudged by ${NUDGE}, ${name} changes the loss by ${number(change, 4)}; ` +
        `d${name} · ${NUDGE} = ${number(found[`d${name}`] * NUDGE, 4)}.</span>`;
    });
    root.querySelector("[role=status]").innerHTML =
      `<span>It says ${number(100 * found.p, 0)} % yes, the answer is ${at.y ? "yes" : "no"}: ` +
      `loss ${number(found.L)}.</span> ${nudged.join(" ")}`;
    const wires = Object.entries(WIRES).map(([name, [left, low, line]]) => `<path d="${line}"/>
      <text class="value" x="${left}" y="${low}">${name} ${number(found[name], 2)}</text>
      <text class="gradient" x="${left}" y="${low + 13}">${short(found[`d${name}`])}</text>`);
    const gates = Object.entries(GATES).map(([name, [x, y]]) => `<circle cx="${x}" cy="${y}" r="7"/>
      <text class="gate" x="${x}" y="${y + 2}">${name}</text>`);
    root.querySelector("svg").innerHTML = wires.join("") + gates.join("");
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    at = stepped(at);
    draw();
  });
  form.elements.again.addEventListener("click", () => {
    at = { ...START };
    draw();
  });
  form.addEventListener("input", ({ target }) => {
    at[target.name] = Number(target.value);
    draw();
  });
  draw();
})();
