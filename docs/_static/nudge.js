/* The size of a nudge to move on docs/backprop/index.md: how far three differences of a loss are
   from its derivative, with losses in float64 or rounded to float32. */
"use strict";

(() => {
  const AT = 0.5, SMALLEST = -14, LARGEST = 0, LOWEST = -16, HIGHEST = 1;

  /* The neuron of the page: input 2, bias −1.5, sigmoid, target 1. Its slope is 2 (p − 1). */
  const p = (w) => 1 / (1 + Math.exp(-(2 * w - 1.5)));
  const loss = (w) => -Math.log(p(w));
  const SLOPE = 2 * (p(AT) - 1);

  const WAYS = {
    "one side": (L, h) => (L(AT + h) - L(AT)) / h,
    "both sides": (L, h) => (L(AT + h) - L(AT - h)) / (2 * h),
    "four points": (L, h) =>
      (L(AT - 2 * h) - 8 * L(AT - h) + 8 * L(AT + h) - L(AT + 2 * h)) / (12 * h),
  };

  /* What each way measures with a nudge h, and how far that is from the slope, as a share of it. */
  function measured(h, single) {
    const L = single ? (w) => Math.fround(loss(w)) : loss;
    return Object.fromEntries(Object.entries(WAYS).map(([name, way]) => {
      const slope = way(L, h);
      return [name, { slope, error: Math.abs(slope - SLOPE) / Math.abs(SLOPE) }];
    }));
  }

  window.nudge = { SLOPE, measured };

  const root = document.getElementById("nudge");
  if (!root) return;
  const LOOKS = {
    "one side": "stroke:#009e73;stroke-dasharray:1 1.2",
    "both sides": "stroke:#0072b2;stroke-dasharray:4 1.5",
    "four points": "stroke:#d55e00",
  };
  root.innerHTML = `
    <style>
      #nudge { border: 1px solid #8888; padding: 0.8rem; margin: 1rem 0 }
      #nudge form { display: flex; flex-wrap: wrap; gap: 0.6rem 1.4rem }
      #nudge label { display: block }
      #nudge svg { width: 100%; max-width: 32rem; height: auto; display: block }
      #nudge .axis { stroke: currentColor; stroke-opacity: 0.35; stroke-width: 0.4 }
      #nudge .here { stroke: currentColor; stroke-width: 0.5 }
      #nudge text { fill: currentColor; font-size: 5px }
      #nudge polyline { fill: none; stroke-width: 1.1 }
      #nudge [role=status] { margin: 0.6rem 0; font-variant-numeric: tabular-nums }
      #nudge [role=status] span { display: block }
    </style>
    <form aria-label="Nudge">
      <div><label for="nudge-h">h: <span></span></label>
        <input id="nudge-h" name="h" type="range" min="${SMALLEST}" max="${LARGEST}" step="0.25"
          value="-4"></div>
      <div><label><input type="checkbox" name="single"> losses in float32</label></div>
    </form>
    <p role="status"></p>
    <svg role="img" aria-label="The error of three differences for each size of the nudge"
      viewBox="0 0 140 104"></svg>`;
  const form = root.querySelector("form");
  const across = (power) => 22 + (112 * (power - SMALLEST)) / (LARGEST - SMALLEST);
  const down = (power) =>
    4 + (82 * (HIGHEST - Math.max(LOWEST, Math.min(HIGHEST, power)))) / (HIGHEST - LOWEST);
  const ten = (power) => `1e${power}`.replace("-", "−");
  const short = (value) => (value ? value.toExponential(0).replace("-", "−") : "0");

  function draw() {
    const power = Number(form.elements.h.value), single = form.elements.single.checked;
    const told = measured(10 ** power, single);
    root.querySelector("label span").textContent =
      (10 ** power).toExponential(1).replace("-", "−");
    root.querySelector("[role=status]").innerHTML = Object.entries(told).map(([name, at]) =>
      `<span>${name}: ${at.slope.toFixed(10).replace("-", "−")}, error ${short(at.error)}</span>`)
      .join(" ");
    const powers = Array.from({ length: 4 * (LARGEST - SMALLEST) + 1 }, (_, i) => SMALLEST + i / 4);
    const lines = Object.keys(WAYS).map((name) => `<polyline style="${LOOKS[name]}" points="${
      powers.map((each) => `${across(each)},${
        down(Math.log10(measured(10 ** each, single)[name].error)).toFixed(2)}`).join(" ")}"/>`);
    const left = [0, -4, -8, -12, -16].map((each) => `<path class="axis" d="M22 ${down(each)}H134"/>
      <text x="19" y="${down(each) + 1.7}" text-anchor="end">${ten(each)}</text>`);
    const below = [0, -4, -8, -12].map((each) =>
      `<text x="${across(each)}" y="93" text-anchor="middle">${each ? ten(each) : "1"}</text>`);
    const legend = Object.keys(WAYS).map((name, i) => `<polyline style="${LOOKS[name]}"
      points="${8 + 44 * i},100 ${18 + 44 * i},100"/><text x="${20 + 44 * i}" y="101.7">${name}</text>`);
    root.querySelector("svg").innerHTML = [...left, ...below, ...legend].join("") +
      `<path class="here" d="M${across(power)} 3V87"/>` + lines.join("");
  }

  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", draw);
  draw();
})();
