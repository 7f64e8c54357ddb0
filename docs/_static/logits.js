/* Three logits to move on docs/backprop/softmax_cross_entropy.md: their softmax, and dz = p - t. */
"use strict";

(() => {
  const START = [2, 1, -1], CORRECT = 1, LARGEST = 8;

  /* The probabilities, the gradient and the loss of one sample. */
  function softmax(z, correct) {
    const top = Math.max(...z), exps = z.map((each) => Math.exp(each - top));
    const total = exps.reduce((a, b) => a + b);
    const p = exps.map((each) => each / total);
    const dz = p.map((each, i) => each - (i === correct ? 1 : 0));
    return { p, dz, loss: Math.log(total) + top - z[correct] };
  }

  window.logits = { softmax };

  const root = document.getElementById("logits");
  if (!root) return;
  // A plot of three bars is 30 wide; p grows from 0 upward, dz in both directions.
  const SIZE = 40, classes = START.map((_, i) => i);
  const number = (value, digits) => value.toFixed(digits).replace("-", "−");
  root.innerHTML = `
    <style>
      #logits { border: 1px solid #8888; padding: 0.8rem; margin: 1rem 0 }
      #logits form { display: flex; flex-wrap: wrap; gap: 0.6rem 1.4rem }
      #logits label { display: block }
      #logits svg { width: 100%; max-width: 26rem; height: auto; display: block }
      #logits .axis { stroke: currentColor; stroke-width: 0.4 }
      #logits text { fill: currentColor; font-size: 5px; text-anchor: middle }
      #logits .p { fill: #0072b2 }
      #logits .dz { fill: #d55e00 }
      #logits [role=status] { margin: 0.6rem 0; font-variant-numeric: tabular-nums }
    </style>
    <form aria-label="Logits and class">
      ${classes.map((i) => `<div><label for="logits-${i}">Logit ${i}: <span></span></label>
        <input id="logits-${i}" name="z${i}" type="range" min="${-LARGEST}" max="${LARGEST}"
          step="0.1" value="${START[i]}"></div>`).join("")}
      <div><label for="logits-class">Right class</label>
        <select id="logits-class" name="correct">
          ${classes.map((i) => `<option${i === CORRECT ? " selected" : ""}>${i}</option>`).join("")}
        </select></div>
    </form>
    <p role="status"></p>
    <svg role="img" aria-label="Bars: the probabilities, and the gradient" viewBox="0 -18 140 106">
    </svg>`;
  const form = root.querySelector("form"), chosen = form.elements;

  /* One bar from a zero line, with its number at its end. */
  function bar(kind, left, zero, value, label) {
    const end = zero - SIZE * value, top = Math.min(zero, end);
    const at = value < 0 ? end + 5.5 : end - 1.5;
    return `<rect class="${kind}" x="${left}" y="${top}" width="10" height="${Math.abs(end - zero)}"/>` +
      `<text x="${left + 5}" y="${at}">${number(value, 2)}</text>` + label;
  }

  function draw() {
    const z = classes.map((i) => Number(chosen[`z${i}`].value));
    const correct = Number(chosen.correct.value);
    const { p, dz, loss } = softmax(z, correct);
    for (const i of classes) {
      root.querySelector(`label[for=logits-${i}] span`).textContent = number(z[i], 1);
    }
    const told = (values) => values.map((each) => number(each, 4)).join(", ");
    root.querySelector("[role=status]").textContent =
      `Loss ${number(loss, 4)}; p = ${told(p)}; dz = ${told(dz)}.`;
    const bars = classes.map((i) => {
      const left = 10 + 18 * i, right = 80 + 18 * i;
      return bar("p", left, SIZE, p[i], `<text x="${left + 5}" y="${SIZE + 6}">${i}</text>`) +
        bar("dz", right, SIZE, dz[i], "");
    });
    root.querySelector("svg").innerHTML = `
      ${bars.join("")}
      <path class="axis" d="M5 ${SIZE}H62 M75 ${SIZE}H132"/>
      <text x="33" y="-11">p</text><text x="103" y="-11">dz = p − t</text>`;
  }

  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", draw);
  draw();
})();
