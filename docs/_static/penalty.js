/* One penalty to move on docs/backprop/regularization.md: where L2 and L1 leave two weights. */
"use strict";

(() => {
  const BEST = [1.5, 0.6], START = 0.5, LARGEST = 2;

  /* The weights that make (w - BEST)^2/2 plus the penalty smallest, and both parts of that loss. */
  function minimum(kind, strength) {
    const w = BEST.map((best) => kind === "L2"
      ? best / (1 + 2 * strength)
      : Math.sign(best) * Math.max(Math.abs(best) - strength, 0));
    const add = (values) => values.reduce((a, b) => a + b);
    const data = add(w.map((each, i) => (each - BEST[i]) ** 2)) / 2;
    const size = add(w.map((each) => (kind === "L2" ? each * each : Math.abs(each))));
    return { w, data, penalty: strength * size };
  }

  window.penalty = { minimum };

  const root = document.getElementById("penalty");
  if (!root) return;
  // A weight of 1 is 20 wide; the panels by where their weights are 0.
  const UNIT = 20, PANELS = { L2: [46, 60], L1: [156, 60] };
  const number = (value, digits) => value.toFixed(digits).replace("-", "−");
  root.innerHTML = `
    <style>
      #penalty { border: 1px solid #8888; padding: 0.8rem; margin: 1rem 0 }
      #penalty label { display: block }
      #penalty input { width: 100%; max-width: 20rem }
      #penalty svg { width: 100%; max-width: 32rem; height: auto; display: block }
      #penalty svg * { vector-effect: non-scaling-stroke }
      #penalty path, #penalty circle { fill: none; stroke: currentColor; stroke-width: 1.2 }
      #penalty .axis, #penalty .data { opacity: 0.6 }
      #penalty .L2 { stroke: #0072b2; stroke-width: 2 }
      #penalty .L1 { stroke: #d55e00; stroke-width: 2 }
      #penalty circle.L2.dot { fill: #0072b2 }
      #penalty circle.L1.dot { fill: #d55e00 }
      #penalty text { fill: currentColor; font-size: 8px }
      #penalty .best { stroke: #009e73; stroke-width: 2.5 }
      #penalty [role=status] { margin: 0.6rem 0; font-variant-numeric: tabular-nums }
      #penalty [role=status] span { display: block }
    </style>
    <form aria-label="Strength of the penalty">
      <label for="penalty-strength">λ: <span></span></label>
      <input id="penalty-strength" name="strength" type="range" min="0" max="${LARGEST}"
        step="0.05" value="${START}">
    </form>
    <p role="status"></p>
    <svg role="img" aria-label="Two weights: the data's circles, and a circle and a diamond"
      viewBox="0 0 220 104"></svg>`;
  const form = root.querySelector("form");

  /* One panel: lines of equal loss of the data and of equal penalty through the minimum. */
  function panel(kind, strength) {
    const [left, low] = PANELS[kind];
    const place = ([a, b]) => [left + UNIT * a, low - UNIT * b];
    const circle = (at, size, looks) =>
      `<circle class="${looks}" cx="${at[0]}" cy="${at[1]}" r="${size}"/>`;
    const { w, data, penalty } = minimum(kind, strength);
    const [x, y] = place(w), [bestX, bestY] = place(BEST);
    const size = strength ? penalty / strength : kind === "L2"
      ? Math.hypot(...BEST) ** 2 : BEST[0] + BEST[1];
    const reach = UNIT * (kind === "L2" ? Math.sqrt(size) : size);
    const equal = kind === "L2" ? circle([left, low], reach, kind)
      : `<path class="${kind}" d="M${left - reach} ${low}L${left} ${low - reach}` +
        `L${left + reach} ${low}L${left} ${low + reach}Z"/>`;
    return `<path class="axis" d="M${left - 38} ${low}H${left + 48}M${left} ${low - 44}V${low + 40}"/>
      ${circle([bestX, bestY], UNIT * Math.sqrt(2 * data), "data")}${equal}
      <path class="best" d="M${bestX - 2} ${bestY}h4M${bestX} ${bestY - 2}v4"/>
      ${circle([x, y], 2.2, `${kind} dot`)}
      <text x="${left - 36}" y="8">${kind}</text>
      <text x="${left + 40}" y="${low + 7}">w₁</text>
      <text x="${left + 2}" y="${low - 40}">w₂</text>`;
  }

  function draw() {
    const strength = Number(form.elements.strength.value);
    root.querySelector("label span").textContent = number(strength, 2);
    const told = Object.keys(PANELS).map((kind) => {
      const { w, data, penalty } = minimum(kind, strength);
      return `<span>${kind}: w = (${w.map((each) => number(each, 2)).join(", ")}), ` +
        `loss ${number(data, 3)} + ${number(penalty, 3)}.</span>`;
    });
    root.querySelector("[role=status]").innerHTML = told.join(" ");
    root.querySelector("svg").innerHTML =
      Object.keys(PANELS).map((kind) => `<g>${panel(kind, strength)}</g>`).join("");
  }

  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", draw);
  draw();
})();
