/* A small tile to change on docs/backprop/fast_convolution.md: 4 x 4 pixels and a window of 3 x 3,
   Winograd's sums of both, their 16 products, and the 2 x 2 outputs. */
"use strict";

(() => {
  const B_T = [[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]];
  const G = [[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]];
  const A_T = [[1, 1, 1, 0], [0, 1, -1, -1]];
  // Those of the picture above.
  const TILE = [[1, 0, 2, 1], [0, 3, 1, 0], [2, 1, 0, 1], [0, 1, 2, 0]];
  const KERNEL = [[0, 2, 0], [2, -4, 2], [0, 2, 0]], LARGEST = 9;

  const transposed = (a) => a[0].map((_, j) => a.map((row) => row[j]));
  const product = (a, b) => a.map((row) => transposed(b).map((column) =>
    row.reduce((sum, each, k) => sum + each * column[k], 0)));
  const both = (m, a) => product(product(m, a), transposed(m));

  /* The sums of the tile and of the kernel, the products, and the outputs. */
  function winograd(tile, kernel) {
    const V = both(B_T, tile), U = both(G, kernel);
    const M = U.map((row, i) => row.map((each, j) => each * V[i][j]));
    return { U, V, M, z: both(A_T, M) };
  }

  window.tiles = { winograd };

  const root = document.getElementById("tiles");
  if (!root) return;
  const DIGITS = ["₀", "₁", "₂", "₃"];
  const PARTS = {
    U: { name: "U = G g Gᵀ", rows: 4 },
    V: { name: "V = Bᵀ t B", rows: 4 },
    M: { name: "M = U ⊙ V", rows: 4 },
    z: { name: "z = Aᵀ M A", rows: 2 },
  };
  const shown = (value) => String(Math.round(value * 100) / 100).replace("-", "−");
  const factor = (value) => (value < 0 ? `(${shown(value)})` : shown(value));
  const entry = (name, i, j) => name + DIGITS[i] + DIGITS[j];
  const grid = (rows, cell) => Array.from({ length: rows }, (_, i) =>
    Array.from({ length: rows }, (_, j) => cell(i, j)).join("")).join("");
  const numbers = (name, label, values) => `
    <fieldset class="of-${values.length}"><legend>${label}</legend><div>${grid(values.length, (i, j) =>
      `<input type="number" min="${-LARGEST}" max="${LARGEST}" step="1" name="${entry(name, i, j)}"
        aria-label="${name}, row ${i}, column ${j}" value="${values[i][j]}">`)}</div></fieldset>`;
  const results = (name) => `
    <div role="group" aria-label="${PARTS[name].name}" class="of-${PARTS[name].rows}">
      <p>${PARTS[name].name}</p><div>${grid(PARTS[name].rows, (i, j) =>
        `<button type="button" data-at="${name}${i}${j}" tabindex="-1"></button>`)}</div></div>`;
  root.innerHTML = `
    <style>
      #tiles { border: 1px solid #8888; padding: 0.8rem; margin: 1rem 0 }
      #tiles form { display: flex; flex-wrap: wrap; gap: 0.6rem 0.9rem; align-items: flex-start }
      #tiles fieldset, #tiles [role=group] { border: 0; padding: 0; margin: 0 }
      #tiles legend, #tiles [role=group] p { margin: 0; padding: 0; font-weight: bold }
      #tiles div > div { display: grid; gap: 2px; width: max-content }
      #tiles fieldset > div { display: grid; gap: 2px; width: max-content }
      #tiles .of-2 > div { grid-template-columns: repeat(2, minmax(2.25rem, max-content)) }
      #tiles .of-3 > div { grid-template-columns: repeat(3, 2.25rem) }
      #tiles .of-4 > div { grid-template-columns: repeat(4, minmax(2.25rem, max-content)) }
      #tiles fieldset.of-4 > div { grid-template-columns: repeat(4, 2.25rem) }
      #tiles input, #tiles button { box-sizing: border-box; width: 100%; height: 1.9rem; padding: 0;
        font: inherit; font-size: 0.85rem; text-align: center; color: inherit; background: none;
        border: 1px solid #8888; font-variant-numeric: tabular-nums }
      #tiles button { cursor: pointer }
      #tiles input { appearance: textfield }
      #tiles input::-webkit-inner-spin-button { appearance: none }
      #tiles [aria-pressed=true] { outline: 2px solid currentColor; outline-offset: -2px }
      #tiles .plus { background: #0072b244; border-color: #0072b2 }
      #tiles .minus { background: #d55e0044; border: 1px dashed #d55e00 }
      #tiles [role=status] { margin: 0.6rem 0 0; font-variant-numeric: tabular-nums }
      #tiles [role=status] span { display: block; overflow-wrap: anywhere }
      #tiles .again { margin: 0.6rem 0 0; width: auto; padding: 0 0.8rem }
    </style>
    <form aria-label="A tile and a kernel">
      ${numbers("t", "t, the tile", TILE)}${numbers("g", "g, the kernel", KERNEL)}
      ${Object.keys(PARTS).map(results).join("")}
    </form>
    <p role="status"></p>
    <button type="button" class="again">As at first</button>`;
  const form = root.querySelector("form"), status = root.querySelector("[role=status]");
  const again = root.querySelector(".again");
  const cell = (at) => form.querySelector(`[data-at=${at}]`);
  let chosen = "z00";

  /* What is typed, as a number that fits into its cell. */
  const read = (name, rows) => Array.from({ length: rows }, (_, i) =>
    Array.from({ length: rows }, (_, j) =>
      Math.max(-LARGEST, Math.min(LARGEST, Number(form.elements[entry(name, i, j)].value)))));

  /* The terms of a sum of entries, each times a product of two factors: [factor, i, j]. */
  const terms = (left, right) => left.flatMap((a, i) => right.map((b, j) => [a * b, i, j]))
    .filter(([both]) => both);
  const signed = (value, first) =>
    (value < 0 ? (first ? "−" : " − ") : first ? "" : " + ") + shown(Math.abs(value));
  /* 1 − 2 + 0, for terms with the factors 1 and −1; marks those entries. */
  function sum(found, values, mark) {
    found.forEach(([times, i, j]) => mark(i, j).classList.add(times > 0 ? "plus" : "minus"));
    return found.map(([times, i, j], k) => signed(Math.sign(times) * values[i][j], !k)).join("");
  }

  function explain({ U, V, M, z }, t, g) {
    const [name, i, j] = [chosen[0], Number(chosen[1]), Number(chosen[2])];
    const own = entry(name, i, j), value = shown({ U, V, M, z }[name][i][j]);
    const pixel = (p, q) => form.elements[entry("t", p, q)];
    const weight = (p, q) => form.elements[entry("g", p, q)];
    const ofTile = () => `${entry("V", i, j)} = ` +
      `${sum(terms(B_T[i], B_T[j]), t, pixel)} = ${shown(V[i][j])}`;
    const ofKernel = () => {
      const found = terms(G[i], G[j]), share = Math.abs(found[0][0]);
      const added = sum(found, g, weight);
      return `${entry("U", i, j)} = ` + (share === 1 ? added : `${share}·(${added})`) +
        (share === 1 && found.length === 1 ? "" : ` = ${shown(U[i][j])}`);
    };
    if (name === "U") return [ofKernel()];
    if (name === "V") return [ofTile()];
    if (name === "M") {
      ["U", "V"].forEach((each) => cell(`${each}${i}${j}`).classList.add("plus"));
      return [ofTile(), ofKernel(), `${own} = ${factor(U[i][j])}·${factor(V[i][j])} = ${value}`];
    }
    const window = g.flatMap((row, p) => row.map((each, q) => {
      pixel(i + p, j + q).classList.add("plus");
      return [each, t[i + p][j + q]];
    }));
    const direct = window.reduce((total, [a, b]) => total + a * b, 0);
    return [
      `${own} = ${sum(terms(A_T[i], A_T[j]), M, (p, q) => cell(`M${p}${q}`))} = ${value}`,
      `By the formula, nine products: ` +
        window.map(([a, b]) => `${factor(a)}·${factor(b)}`).join(" + ") + ` = ${shown(direct)}`,
    ];
  }

  function draw() {
    const t = read("t", 4), g = read("g", 3), found = winograd(t, g);
    root.querySelectorAll(".plus, .minus").forEach((each) => each.classList.remove("plus", "minus"));
    for (const button of form.querySelectorAll("[data-at]")) {
      const [name, i, j] = button.dataset.at, value = shown(found[name][i][j]);
      const inFocus = button.dataset.at === chosen;
      button.textContent = value;
      button.setAttribute("aria-label", `${name}, row ${i}, column ${j}: ${value}`);
      button.setAttribute("aria-pressed", inFocus);
      // One stop for the key Tab in each group: its chosen entry, or the first.
      button.tabIndex = inFocus || (name !== chosen[0] && i + j === "00") ? 0 : -1;
    }
    status.innerHTML = explain(found, t, g).map((line) => `<span>${line}</span>`).join(" ");
  }

  function choose(at) {
    chosen = at;
    draw();
    cell(at).focus();
  }

  const MOVES = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", draw);
  form.addEventListener("click", ({ target }) => {
    if (target.dataset.at) choose(target.dataset.at);
  });
  form.addEventListener("keydown", (event) => {
    const at = event.target.dataset.at, move = MOVES[event.key];
    if (!at || !move) return;
    event.preventDefault();
    const to = [Number(at[1]) + move[0], Number(at[2]) + move[1]], { rows } = PARTS[at[0]];
    if (to.every((each) => each >= 0 && each < rows)) choose(at[0] + to.join(""));
  });
  again.addEventListener("click", () => {
    form.reset();
    chosen = "z00";
    draw();
  });
  draw();
})();
