/* The page of the playground: its controls and its pictures. It computes with net.js and run.js. */
"use strict";

(() => {
  const { DEFAULTS, filled, predict, shown, start } = window.playground;
  const root = document.getElementById("playground");

  // ------------------------------------------------------------------------------------ images

  /* The digits that the page may hold: a letter per pixel, from a (0) to q (1). */
  function imagesOf({ x, y }) {
    const part = (from, to) => ({
      x: {
        shape: [to - from, 64],
        data: Float64Array.from(x.slice(64 * from, 64 * to), (a) => (a.charCodeAt(0) - 97) / 16),
      },
      y: Array.from(y.slice(from, to), Number),
    });
    return { training: part(0, 600), testing: part(600, y.length) };
  }

  const stored = document.getElementById("playground-digits");
  const images = stored ? imagesOf(JSON.parse(stored.textContent)) : undefined;

  // --------------------------------------------------------------------------------- controls

  const choose = (name, label, values, chosen) =>
    `<div><label for="pg-${name}">${label}</label> <select id="pg-${name}" name="${name}">${values
      .map((value) => [value].flat())
      .map(([value, text = value]) => {
        const selected = String(value) === String(chosen) ? " selected" : "";
        return `<option value="${value}"${selected}>${text}</option>`;
      })
      .join("")}</select></div>`;

  root.innerHTML = `
    <form aria-label="Data, network and training">
      ${choose(
        "data",
        "Data",
        [
          ["xor", "XOR"],
          ["circles", "Circles"],
          ["spirals", "Spirals"],
          ["gaussians", "Two Gaussians"],
          ...(images ? [["digits", "Digits, 8 × 8"]] : []),
        ],
        DEFAULTS.data,
      )}
      ${choose("layers", "Hidden layers", [0, 1, 2, 3], DEFAULTS.hidden.length)}
      ${choose("units", "Units per layer", [1, 2, 3, 4, 6, 8, 12, 16], DEFAULTS.hidden[0])}
      ${choose("activation", "Activation", ["linear", "relu", "tanh", "sigmoid"], "relu")}
      ${choose("dropout", "Dropout rate", [0, 0.1, 0.25, 0.5], DEFAULTS.dropout)}
      ${choose(
        "optimizer",
        "Optimizer",
        [
          ["sgd", "SGD"],
          ["momentum", "SGD with momentum 0.9"],
          ["rmsprop", "RMSprop"],
          ["adam", "Adam"],
        ],
        DEFAULTS.optimizer,
      )}
      ${choose(
        "learningRate",
        "Learning rate",
        [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10],
        DEFAULTS.learningRate,
      )}
      ${choose("batchSize", "Batch size", [1, 8, 32, 200], DEFAULTS.batchSize)}
      ${choose("seed", "Seed", [1, 2, 3, 4, 5, 6, 7, 8, 9], DEFAULTS.seed)}
      <div><input type="checkbox" id="pg-batchNorm" name="batchNorm">
        <label for="pg-batchNorm">Batch normalization</label></div>
    </form>
    <div class="buttons">
      <button type="button" name="play">Play</button>
      <button type="button" name="line">Step: one line</button>
      <button type="button" name="step">To the end of the step</button>
      <button type="button" name="reset">Reset</button>
    </div>
    <p class="figures"></p>
    <div class="pictures">
      <figure>
        <canvas class="surface" width="480" height="480" role="img"></canvas>
        <figcaption class="about"></figcaption>
      </figure>
      <div class="curves">
        <figure><svg class="loss" viewBox="0 0 300 130" role="img"></svg></figure>
        <figure><svg class="accuracy" viewBox="0 0 300 130" role="img"></svg></figure>
        <p class="note">Solid: training data. Dashed: test data.</p>
      </div>
    </div>
    <details class="as-table"><summary>The picture as a table</summary>
      <table></table>
    </details>
    <h2>The step, line by line</h2>
    <p class="now" role="status"></p>
    <div class="lines" role="region" aria-label="Lines of the step" tabindex="0"></div>
    <h2>Weights and gradients</h2>
    <p class="note">Green is a weight above 0, orange-red a gradient above 0, gray a number below 0.
      The stronger a color, the further from 0.</p>
    <div class="grids"></div>`;

  const find = (selector) => root.querySelector(selector);
  const form = find("form");
  const playButton = find("[name=play]");

  /* Choices may stand in the address: playground.html?layers=3&activation=sigmoid&batchNorm=1 */
  new URLSearchParams(location.search).forEach((value, name) => {
    const choice = form.elements.namedItem(name);
    if (choice?.type === "checkbox") choice.checked = value === "1";
    else if ([...(choice?.options ?? [])].some((option) => option.value === value)) {
      choice.value = value;
    }
  });

  function choices() {
    const text = (name) => form.elements[name].value;
    const number = (name) => Number(text(name));
    return {
      data: text("data"),
      hidden: new Array(number("layers")).fill(number("units")),
      activation: text("activation"),
      batchNorm: form.elements.batchNorm.checked,
      dropout: number("dropout"),
      optimizer: text("optimizer"),
      learningRate: number("learningRate"),
      batchSize: number("batchSize"),
      seed: number("seed"),
    };
  }

  // ------------------------------------------------------------------------------------ a run

  let run; // what run.js returns
  let lines; // of the step that is running, or comes next
  let place; // how many of its lines have run
  let history; // the loss and the accuracy after each step that was looked at
  let playing = 0; // the timer of the next tick, 0 while nothing plays

  function reset() {
    pause();
    run = start(choices(), images);
    find(".about").textContent = isPlane() ? ABOUT_PLANE : ABOUT_IMAGES;
    lines = run.next();
    place = 0;
    history = [];
    look();
    makeGrids();
    draw();
  }

  function oneLine() {
    if (place === lines.length) {
      lines = run.next();
      place = 0;
    }
    lines[place].run();
    place += 1;
    if (place === lines.length) look();
  }

  function finishStep() {
    do oneLine();
    while (place < lines.length);
  }

  const LONGEST = 400;

  function look() {
    history.push({ step: run.net.iterations, ...run.measured() });
    if (history.length > LONGEST) history = history.filter((_, i) => i % 2 === 0);
  }

  /* Two steps per picture; where motion is to be reduced, fifty, and a picture per second. */
  const isCalm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

  function tick() {
    const steps = isCalm() ? 50 : 2;
    for (let i = 0; i < steps; i++) finishStep();
    draw();
    playing = setTimeout(tick, isCalm() ? 1000 : 16);
  }

  function play() {
    playButton.textContent = "Pause";
    playing = setTimeout(tick, 0);
  }

  function pause() {
    clearTimeout(playing);
    playing = 0;
    playButton.textContent = "Play";
  }

  // -------------------------------------------------------------------------------- pictures

  const isPlane = () => run.training.x.shape[1] === 2;
  const ABOUT_PLANE =
    "The plane, colored by the probability of the two classes, and the training points: discs " +
    "are class 0, squares class 1.";
  const ABOUT_IMAGES =
    "The first 36 test images, and what the network takes them for. Frames are around mistakes.";

  /* With a true minus, and none before 0.000. */
  const written = (value, digits = 3) =>
    Number.isFinite(value)
      ? value.toFixed(digits).replace(/^-(?=.*[1-9])/, "−").replace("-", "")
      : "not a number";
  const percent = (share) => `${(100 * share).toFixed(1)} %`;

  /* A color of playground.css as [red, green, blue]. */
  function color(name) {
    const pen = document.createElement("canvas").getContext("2d");
    pen.fillStyle = getComputedStyle(root).getPropertyValue(`--pg-${name}`);
    pen.fillRect(0, 0, 1, 1);
    return [...pen.getImageData(0, 0, 1, 1).data.slice(0, 3)];
  }

  const mixed = (from, to, share) =>
    `rgb(${from.map((part, i) => Math.round(part + (to[i] - part) * share)).join()})`;

  const EDGE = 1.2; // the plane that is shown, in each direction

  /* The points of a grid with `count` columns and rows, from the upper left. */
  function grid(count) {
    const x = filled([count * count, 2]);
    for (let i = 0; i < count * count; i++) {
      x.data[2 * i] = EDGE * ((2 * (i % count) + 1) / count - 1);
      x.data[2 * i + 1] = EDGE * (1 - (2 * Math.floor(i / count) + 1) / count);
    }
    return x;
  }

  function drawSurface({ training }) {
    const canvas = find(".surface");
    const pen = canvas.getContext("2d");
    const count = 60;
    const cell = canvas.width / count;
    const p = predict(run.net, grid(count));
    const [paper, ink, ...classes] = ["paper", "ink", "zero", "one"].map(color);
    let ones = 0;
    for (let i = 0; i < count * count; i++) {
      const one = p.data[2 * i + 1];
      ones += one > 0.5;
      pen.fillStyle = mixed(paper, classes[one > 0.5 ? 1 : 0], 0.65 * Math.abs(2 * one - 1) || 0);
      pen.fillRect((i % count) * cell, Math.floor(i / count) * cell, cell, cell);
    }
    pen.strokeStyle = mixed(ink, ink, 0);
    run.training.y.forEach((label, i) => {
      const [a, b] = run.training.x.data.subarray(2 * i, 2 * i + 2);
      const left = (canvas.width / 2) * (1 + a / EDGE);
      const top = (canvas.height / 2) * (1 - b / EDGE);
      pen.fillStyle = mixed(classes[label], classes[label], 0);
      pen.beginPath();
      if (label) pen.rect(left - 5, top - 5, 10, 10);
      else pen.arc(left, top, 6, 0, 2 * Math.PI);
      pen.fill();
      pen.stroke();
    });
    canvas.ariaLabel =
      `The plane after ${run.net.iterations} steps: class 1 on ` +
      `${percent(ones / count ** 2)} of it; ` +
      `${percent(training.accuracy)} of the training points are on the side of their class.`;
  }

  const SHOWN = 6; // rows and columns of images

  /* The class with the largest probability for each row of x. */
  function guesses(x) {
    const p = predict(run.net, x);
    const row = (i) => p.data.subarray(i * p.shape[1], (i + 1) * p.shape[1]);
    return run.testing.y.map((_, i) => row(i).indexOf(Math.max(...row(i))));
  }

  function drawImages({ testing }) {
    const canvas = find(".surface");
    const pen = canvas.getContext("2d");
    const cell = canvas.width / SHOWN;
    const [paper, ink, wrong] = ["paper", "ink", "one"].map(color);
    const guessed = guesses(run.testing.x);
    pen.fillStyle = mixed(paper, paper, 0);
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.font = "20px sans-serif";
    const mistakes = [];
    for (let i = 0; i < SHOWN ** 2; i++) {
      const [left, top] = [(i % SHOWN) * cell + 8, Math.floor(i / SHOWN) * cell + 10];
      for (let pixel = 0; pixel < 64; pixel++) {
        pen.fillStyle = mixed(paper, ink, run.testing.x.data[64 * i + pixel]);
        pen.fillRect(left + 6 * (pixel % 8), top + 6 * Math.floor(pixel / 8), 6, 6);
      }
      pen.fillStyle = mixed(ink, ink, 0);
      pen.fillText(guessed[i], left + 52, top + 48);
      if (guessed[i] === run.testing.y[i]) continue;
      mistakes.push(`a ${run.testing.y[i]} for a ${guessed[i]}`);
      pen.strokeStyle = mixed(wrong, wrong, 0);
      pen.lineWidth = 3;
      pen.strokeRect(left - 4, top - 4, 72, 60);
    }
    canvas.ariaLabel =
      `The first ${SHOWN ** 2} test images after ${run.net.iterations} steps: ` +
      `${mistakes.length} are taken for another digit${mistakes.length ? ": " : ""}` +
      `${mistakes.slice(0, 5).join(", ")}; of all, ${percent(testing.accuracy)} are right.`;
  }

  /* Fill the table: a title, the names of the columns and of the rows, and what is in a cell. */
  function fillTable(title, columns, rows, cell) {
    const head = columns.map((name) => `<th scope="col">${name}</th>`).join("");
    const body = rows.map((name, i) => {
      const cells = columns.map((_, j) => `<td>${cell(i, j)}</td>`).join("");
      return `<tr><th scope="row">${name}</th>${cells}</tr>`;
    });
    find(".as-table table").innerHTML =
      `<caption>${title}</caption><tbody><tr><td></td>${head}</tr>${body.join("")}</tbody>`;
  }

  function drawTable() {
    if (!find(".as-table").open) return;
    if (isPlane()) {
      const count = 7;
      const points = grid(count);
      const p = predict(run.net, points);
      const at = (i) => written(points.data[i], 1);
      const names = Array.from({ length: count }, (_, j) => j);
      fillTable(
        "Probability of class 1, in percent",
        names.map((j) => at(2 * j)),
        names.map((i) => at(2 * i * count + 1)),
        (i, j) => written(100 * p.data[2 * (i * count + j) + 1], 0),
      );
    } else {
      const counts = filled([10, 10]).data;
      const guessed = guesses(run.testing.x);
      run.testing.y.forEach((label, i) => (counts[10 * label + guessed[i]] += 1));
      const digits = Array.from({ length: 10 }, (_, i) => i);
      const title = "Test images: a row per digit, a column per guess";
      fillTable(title, digits, digits, (i, j) => counts[10 * i + j]);
    }
  }

  function drawCurve(name, title, least) {
    const values = (kind) => history.map((each) => each[kind][name]);
    const finite = [...values("training"), ...values("testing")].filter(Number.isFinite);
    const most = Math.max(least, ...finite);
    const steps = Math.max(1, history.at(-1).step);
    const path = (kind) =>
      history
        .filter((each) => Number.isFinite(each[kind][name]))
        .map((each) => {
          const left = 34 + (256 * each.step) / steps;
          return `${left.toFixed(1)},${(105 - (85 * each[kind][name]) / most).toFixed(1)}`;
        })
        .join(" ");
    const { training, testing } = history.at(-1);
    const svg = find(`svg.${name}`);
    svg.ariaLabel =
      `${title} by step, from ${written(values("training")[0])} to ${written(training[name])} ` +
      `on the training data, ${written(testing[name])} on the test data`;
    svg.innerHTML =
      `<path class="axis" d="M34 20V105H290"/>` +
      `<text x="34" y="13">${title}</text>` +
      `<text x="30" y="26" class="left">${written(most, 1)}</text>` +
      `<text x="30" y="107" class="left">0</text>` +
      `<text x="290" y="121" class="left">step ${history.at(-1).step}</text>` +
      `<polyline class="training" points="${path("training")}"/>` +
      `<polyline class="testing" points="${path("testing")}"/>`;
  }

  let listed = ""; // the lines that the list shows

  function drawLines() {
    const box = find(".lines");
    const key = lines.map(({ call, shapes }) => call + shapes).join();
    if (key !== listed) {
      listed = key;
      const parts = [...new Set(lines.map(({ part }) => part))];
      const item = ({ call, writes, formula, shapes }) =>
        `<li><code>${call} → ${writes}</code> <span class="formula">${formula}</span> ` +
        `<span class="shapes">${shapes}</span></li>`;
      box.innerHTML = parts
        .map((part) => {
          const first = lines.findIndex((line) => line.part === part);
          const items = lines.filter((line) => line.part === part).map(item);
          return `<h3>${part}</h3><ol start="${first + 1}">${items.join("")}</ol>`;
        })
        .join("");
    }
    find("[aria-current]")?.removeAttribute("aria-current");
    tell();
    if (place === 0) {
      box.scrollTop = 0;
      return;
    }
    const current = box.querySelectorAll("li")[place - 1];
    current.setAttribute("aria-current", "step");
    box.scrollTop = current.offsetTop - box.clientHeight / 3;
  }

  /* Say where the step is; a screen reader hears what is new. */
  function tell() {
    const step = run.net.iterations + (place < lines.length ? 1 : 0);
    let text = `Playing, ${lines.length} lines per step.`;
    if (place === 0) text = `Step 1 has ${lines.length} lines; none has run yet.`;
    else if (!playing) {
      const { call, formula, shapes } = lines[place - 1];
      text = `Step ${step}, line ${place} of ${lines.length}: ${call}: ${formula}; ${shapes}.`;
      const loss = lines.loss(); // NaN until its line has run
      if (!Number.isNaN(loss)) text += ` The loss of this batch is ${written(loss)}.`;
    }
    const now = find(".now");
    if (now.textContent !== text) now.textContent = text;
  }

  /* Where number i of an array is drawn, and how large the picture is: a row per row; but what
     comes from the pixels of an image is a small image per unit. */
  function layout(shape) {
    const [rows, columns] = shape.length === 1 ? [1, ...shape] : shape;
    if (rows < 64) {
      const at = (i) => [i % columns, Math.floor(i / columns)];
      return { width: columns, height: rows, em: 1, at };
    }
    const at = (i) => {
      const pixel = Math.floor(i / columns);
      return [9 * (i % columns) + (pixel % 8), Math.floor(pixel / 8)];
    };
    return { width: 9 * columns - 1, height: 8, em: 0.4, at };
  }

  function makeGrids() {
    find(".grids").innerHTML = run.net.params
      .map(({ name, value }) => {
        const { width, height, em } = layout(value.shape);
        const one = (title) =>
          `<figure><figcaption><code>${title}</code> ${shown(value.shape)} ` +
          `<span class="range"></span></figcaption>` +
          `<canvas role="img" width="${width}" height="${height}" ` +
          `style="width: ${em * width}em"></canvas></figure>`;
        return `<div>${one(name)}${one(`d ${name}`)}</div>`;
      })
      .join("");
  }

  function drawGrids() {
    const figures = [...root.querySelectorAll(".grids figure")];
    const [paper, learned, gradient, minus] = ["paper", "learned", "gradient", "minus"].map(color);
    run.net.params.forEach(({ name, value, grad }, i) => {
      const { at } = layout(value.shape);
      [value, grad].forEach(({ data }, which) => {
        const figure = figures[2 * i + which];
        const canvas = figure.querySelector("canvas");
        const pen = canvas.getContext("2d");
        const most = Math.max(...data.map(Math.abs)) || 1;
        data.forEach((number, place) => {
          const hue = number < 0 ? minus : [learned, gradient][which];
          pen.fillStyle = mixed(paper, hue, Math.abs(number) / most || 0);
          pen.fillRect(...at(place), 1, 1);
        });
        const range = `from ${written(Math.min(...data))} to ${written(Math.max(...data))}`;
        figure.querySelector(".range").textContent = range;
        canvas.ariaLabel = `${which ? "d " : ""}${name}, ${range}`;
      });
    });
  }

  function draw() {
    const now = { step: run.net.iterations, ...run.measured() };
    const told = ({ loss, accuracy }) => `loss ${written(loss)}, accuracy ${percent(accuracy)}`;
    find(".figures").textContent =
      `After ${now.step} ${now.step === 1 ? "step" : "steps"}: on the training data ` +
      `${told(now.training)}; on the test data ${told(now.testing)}.`;
    if (isPlane()) drawSurface(now);
    else drawImages(now);
    drawTable();
    drawCurve("loss", "Loss", 0.7);
    drawCurve("accuracy", "Accuracy", 1);
    drawLines();
    drawGrids();
    root.dataset.steps = now.step;
    root.dataset.accuracy = now.training.accuracy;
    root.dataset.drawn = Number(root.dataset.drawn ?? 0) + 1; // how many pictures there were
  }

  // ---------------------------------------------------------------------------------- events

  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("change", reset);
  playButton.addEventListener("click", () => {
    if (playing) {
      pause();
      draw();
    } else play();
  });
  for (const [name, act] of Object.entries({ line: oneLine, step: finishStep })) {
    find(`[name=${name}]`).addEventListener("click", () => {
      pause();
      act();
      draw();
    });
  }
  find("[name=reset]").addEventListener("click", reset);
  find(".as-table").addEventListener("toggle", drawTable);
  // Colors follow the page's.
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  new MutationObserver(draw).observe(document.body, { attributeFilter: ["data-theme"] });

  reset();
})();
