/* A number with the calculation by which the last line before this one has written it. */
function sourceText(line, argument, at) {
  const array = line.array(argument);
  for (const earlier of lines.slice(0, lines.indexOf(line)).reverse()) {
    const found = earlier.arrays.find((each) =>
      each.role === "written" && earlier.array(each.argument).name === array.name);
    if (found) return explain(earlier, found.argument, at).text;
  }
  return `${nameOf(array, at)} = ${number(line.value(argument, at))}`;
}

/* A sum over k of a*b: all terms, or the largest ones with the sum of the others. */
function sumText(line, out, at, use, mark) {
  const { axes, length, a, b, factor: scale } = line.sum, factors = b ? [a, b] : [a];
  const index = indexOf(at, axes);
  const firsts = factors.map(([, steps]) =>
    steps.reduce((place, step, axis) => place + step * index[axis], 0));
  let found = terms(length, (k) => {
    const places = factors.map((each, which) => firsts[which] + k * each[2]);
    factors.forEach(([argument], which) => mark(argument, places[which]));
    return asTerm(...factors.map(([argument], which) => use(argument, places[which])));
  });
  if (found.includes(null) && line.terms) { // the largest ones, found where all numbers are
    const { n, a: left, b: right } = line.terms, first = cellOf(out, at).cell * n;
    const given = range(n).map((i) =>
      asTerm(...[left, right].filter(Boolean).map((values) => Number(values[first + i]))));
    found = [...given, ...range(length - n).map(() => null)];
  }
  if (length === 1 && !b && scale === 1) { // "5 = 5" would say nothing
    const only = number(use(a[0], firsts[0]));
    return since(only, `there is one term, ${sourceText(line, a[0], firsts[0])}`);
  }
  const text = sum(found, line.value(out.argument, at) / scale);
  return scale === 1 ? text : `${number(scale)} · (${text})`;
}

/* A sum of some numbers of an array, each with its share: the largest terms are given. */
function gatheredText(line, out, at, mark) {
  const { argument, n, count, shares, numbers, places } = line.gathered;
  const { cell } = cellOf(out, at);
  const given = range(Math.min(n, count[cell])).map((i) => {
    const share = Number(shares[cell * n + i]), value = Number(numbers[cell * n + i]);
    mark(argument, places[cell * n + i]);
    return share === 1 ? asTerm(value) : asTerm(share, value);
  });
  if (count[cell] === 0) return since("0", "nothing was there");
  if (count[cell] === 1 && Number(shares[cell * n]) === 1) {
    const name = nameOf(line.array(argument), places[cell * n]);
    return since(number(Number(numbers[cell * n])), `it is a copy of ${name}`);
  }
  const others = range(count[cell] - given.length).map(() => null);
  return sum([...given, ...others], line.value(out.argument, at));
}

/* What a number of a line is, how it came about, and from which cells. */
function explain(line, key, at) {
  const array = line.array(key), from = [];
  const name = nameOf(array, at), value = line.value(key, at);
  const mark = (argument, place) => from.push([argument, place]);
  const use = (argument, place) => {
    if (!line.has(argument)) throw NOT_HERE;
    mark(argument, place);
    const found = line.value(argument, place);
    if (found === undefined) throw NOT_HERE;
    return found;
  };
  let text = `${name} = `, told = false;
  const written = line.arrays.some((each) => each.role === "written" && each.argument === key);
  if (written) {
    try {
      const out = Object.assign(Object.create(array), { argument: key });
      if (line.sum) text += `${sumText(line, out, at, use, mark)} = `;
      else if (line.gathered) text += `${gatheredText(line, out, at, mark)} = `;
      else if (RULES[line.title]) text += `${RULES[line.title](use, at, line, key)} = `;
      told = Boolean(line.sum || line.gathered || RULES[line.title]);
    } catch (stopped) {
      if (stopped !== NOT_HERE) throw stopped;
      text = `${name} = `;
    }
    if (!told && array.size > 1) { // the same place in arrays of the same size
      for (const other of line.shown) {
        if (other.key !== key && line.array(other.key).size === array.size) mark(other.key, at);
      }
    }
  }
  text = text.replace(/that is = $/, "that is ") + number(value);
  const again = `; that is ${number(value)}`; // after "name = value, since why"
  if (text.startsWith(`${name} = ${number(value)}, since `) && text.endsWith(again)) {
    text = text.slice(0, -again.length);
  }
  return { text, from };
}

const nudges = new Map(data.nudges.map((each) => [`${each[0]}[${each[1]}]`, each]));
/* What is measured belongs to a weight before the step, and to its gradient when it is complete. */
function nudgeText(line, key, at) {
  const { name } = line.array(key);
  const nudge = nudges.get(`${name.replace(/^d /, "")}[${at}]`);
  const measured = name.startsWith("d ") ? complete.get(name) : 0;
  if (!nudge || line.version.get(key) !== measured) return "";
  const [, , , gradient, slope] = nudge;
  return `\nNudged a little, the loss changes by ${write(Number(slope), 6)} times as much; ` +
    `backward says ${write(Number(gradient), 6)}.` +
    (data.random ? " (Both with other random numbers than here.)" : "");
}

// A line with its arrays by their keys: the argument, or "z before" for what was there before.

// The version of an array is how often it has been written; `complete` has that of each gradient
// at the end of the backward pass.

const versions = new Map(), complete = new Map();
for (const line of lines) {
  line.shown = [];
  line.version = new Map();
  const byKey = new Map(), axes = new Map(line.arrays.map((each) => [each.argument, each.axes]));
  const put = (key, number, title) => {
    byKey.set(key, arrays[number]);
    line.shown.push({ key, title });
  };
  for (const each of line.arrays) {
    const { name } = arrays[each.array], version = versions.get(name) ?? 0;
    line.version.set(`${each.argument} before`, version);
    line.version.set(each.argument, each.role === "read" ? version : version + 1);
    if (each.role !== "read") versions.set(name, version + 1);
    if (line.section === "backward") complete.set(name, versions.get(name) ?? 0);
    if (each.before !== null) put(`${each.argument} before`, each.before, "before");
    const title = each.role === "read" ? "read" : each.before === null ? "written" : "after";
    put(each.argument, each.array, title);
  }
  line.has = (key) => byKey.has(key);
  line.array = (key) => byKey.get(key);
  line.axes = (argument) => axes.get(argument);
  line.value = (key, at) => {
    const found = cellOf(byKey.get(key), at);
    return found && found.exact ? byKey.get(key).at[found.cell] : undefined;
  };
}

// Drawing.

const cells = new Map(); // key -> elements
let now = 0;

function captionOf(array, title) {
  const caption = make("figcaption");
  caption.append(make("b", array.name), ` ${shapeOf(array)}, ${title}`);
  const [low, mean, high] = array.range.map(number);
  const notes = array.size === 1 ? [] : [
    `from ${low} to ${high}, mean ${mean}, ${number(100 * array.zeros)} % zeros`,
  ];
  const [down, across] = array.block, { laid } = array;
  if (laid.length > Math.max(2, array.shape.length)) { // a vector is laid as one row
    notes.push(`each row as a picture, ${laid[1]} × ${laid[2]}`);
  }
  if (down * across > 1) notes.push(`reduced: each cell is the mean of ${down} × ${across}`);
  if (array.tiles < array.sizes[0]) {
    notes.push(`the first ${array.tiles} of ${array.sizes[0]} grids`);
  }
  for (const note of notes) caption.append(make("small", note));
  return caption;
}

function tileName(array, tile) {
  const index = indexOf(tile, array.grids[0].map((axis) => array.laid[axis]));
  return array.named.map((what, i) => `${what} ${index[i]}`).join(", ");
}

function draw(line, { key, title }) {
  const array = line.array(key), own = [];
  const figure = make("figure", "", { class: `array ${array.kind}` });
  const tiles = make("div", "", { class: "tiles" });
  figure.append(captionOf(array, title), tiles);
  const shown = array.means ?? array.at;
  const [rows, columns] = array.cells;
  const largest = Math.max(...shown.map((v) => (Number.isFinite(v) ? Math.abs(v) : 0))) || 1;
  const numbers = columns <= WIDE && array.tiles === 1;
  const look = numbers ? "numbers" : array.tiles > 1 ? "tiled" : rows === 1 ? "single" : "";
  for (let tile = 0; tile < array.tiles; tile++) {
    const name = tileName(array, tile);
    const table = make("table", "", {
      class: `grid ${look}`,
      role: "grid",
      "aria-label": [array.name, title, name].filter(Boolean).join(", "),
    });
    for (let i = 0; i < rows; i++) {
      const row = table.insertRow();
      for (let j = 0; j < columns; j++) {
        const place = own.length, value = shown[place];
        const cell = make("td", numbers ? number(value) : "", {
          class: `cell${value < 0 ? " minus" : ""}`,
          tabindex: i + j === 0 ? "0" : "-1",
          style: `--share: ${Number.isFinite(value) ? Math.abs(value) / largest : 1}`,
        });
        if (!numbers) cell.setAttribute("aria-label", `${i}, ${j}: ${number(value)}`);
        cell.at = { key, place, tile, i, j };
        row.append(cell);
        own.push(cell);
      }
    }
    const tileBox = make("div");
    tileBox.append(table);
    if (name) tileBox.append(make("small", name));
    tiles.append(tileBox);
  }
  cells.set(key, own);
  return figure;
}

function unmark() {
  for (const each of document.querySelectorAll(".hot, .from")) {
    each.classList.remove("hot", "from");
  }
}

function point({ key, place }) {
  const line = lines[now], array = line.array(key), at = placeOf(array, place);
  const { text, from } = explain(line, key, at);
  unmark();
  for (const [argument, flat] of from) {
    const found = cellOf(line.array(argument), flat);
    if (found) cells.get(argument)[found.cell].classList.add("from");
  }
  cells.get(key)[place].classList.add("hot");
  const [down, across] = array.block;
  const reduced = array.means
    ? `The mean of ${down} × ${across} numbers is ${number(array.means[place])}. ` +
      "In their middle:\n"
    : "";
  byId("say").textContent = reduced + text + nudgeText(line, key, at);
}

const buttons = [];
function show(which) {
  now = Math.max(0, Math.min(lines.length - 1, which));
  const line = lines[now];
  byId("call").textContent = line.call;
  byId("doc").textContent = line.doc;
  byId("where").textContent = `line ${line.number} of ${lines.length}, ${line.section}`;
  byId("back").disabled = now === 0;
  byId("next").disabled = now === lines.length - 1;
  const written = line.arrays.filter((each) => each.role === "written");
  const names = written.map((each) => arrays[each.array].name).join(", ") || "nothing";
  byId("say").textContent = `Line ${line.number}, ${line.section}: ${line.call}\n` +
    `writes ${names}. Point at a number, or move to it with Tab and the arrow keys.`;
  cells.clear();
  byId("arrays").replaceChildren(...line.shown.map((each) => draw(line, each)));
  const inList = buttons.includes(document.activeElement);
  buttons.forEach((button, i) => {
    button.tabIndex = i === now ? 0 : -1;
    if (i === now) button.setAttribute("aria-current", "step");
    else button.removeAttribute("aria-current");
  });
  if (inList) buttons[now].focus({ preventScroll: true });
  const list = byId("lines"), top = buttons[now].offsetTop;
  if (top < list.scrollTop || top + buttons[now].offsetHeight > list.scrollTop + list.clientHeight) {
    list.scrollTop = top - list.clientHeight / 2;
  }
  if (now === lines.length - 1) stop();
}

// Playing.

let timer = null;
function stop() {
  clearInterval(timer);
  timer = null;
  byId("play").textContent = "Play";
}
function play() {
  if (timer !== null) {
    stop();
    return;
  }
  if (now === lines.length - 1) show(0);
  byId("play").textContent = "Pause";
  timer = setInterval(() => show(now + 1), 1000 * SECONDS);
}

// Keys: arrows move from number to number within a grid, elsewhere from line to line.

const MOVES = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
document.addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  const cell = event.target.closest?.("td.cell");
  if (cell) {
    const move = MOVES[event.key];
    if (!move) return;
    event.preventDefault();
    const { key, tile, i, j } = cell.at;
    const [rows, columns] = lines[now].array(key).cells;
    const row = Math.max(0, Math.min(rows - 1, i + move[0]));
    const column = Math.max(0, Math.min(columns - 1, j + move[1]));
    const other = cells.get(key)[(tile * rows + row) * columns + column];
    cell.tabIndex = -1;
    other.tabIndex = 0;
    other.focus();
    return;
  }
  const inList = buttons.includes(event.target);
  const step = {
    ArrowLeft: -1, ArrowRight: 1, ...(inList ? { ArrowUp: -1, ArrowDown: 1 } : {}),
  }[event.key];
  if (step) {
    event.preventDefault();
    show(now + step);
  }
});
for (const kind of ["pointerover", "focusin", "click"]) {
  byId("arrays").addEventListener(kind, (event) => {
    const cell = event.target.closest("td.cell");
    if (cell) point(cell.at);
  });
}
byId("back").addEventListener("click", () => show(now - 1));
byId("next").addEventListener("click", () => show(now + 1));
byId("play").addEventListener("click", play);

// What stays: the list of lines, and the table of nudges.

byId("about").textContent =
  `${data.samples} sample${data.samples > 1 ? "s" : ""}, ${lines.length} lines; the loss before ` +
  `the step is ${write(Number(data.loss), 6)}. Arrow keys go from line to line.`;
let list = null, section = "";
lines.forEach((line, i) => {
  if (line.section !== section) {
    section = line.section;
    list = make("ol");
    byId("lines").append(make("h2", section), list);
  }
  const written = line.arrays.filter((each) => each.role === "written");
  const names = written.map((each) => arrays[each.array].name);
  const target = names.length ? ` → ${names[0]}${names.length > 1 ? " …" : ""}` : "";
  const button = make("button", `${line.number} ${line.title}${target}`, { type: "button" });
  button.addEventListener("click", () => show(i));
  buttons.push(button);
  const item = make("li");
  item.append(button);
  list.append(item);
});

byId("nudges-about").textContent =
  "What the loss does when a weight is made a little larger and a little smaller, divided by " +
  "the difference, beside what backward says. Both are computed in float64" +
  (data.random ? ", with other random numbers than those of this step." : ".");
const table = make("table"), head = table.createTHead().insertRow();
for (const title of ["weight", "value", "measured", "gradient"]) {
  head.append(make("th", title, { scope: "col" }));
}
const body = table.createTBody();
const shapes = new Map(arrays.map((array) => [array.name, array]));
for (const [name, place, value, gradient, slope] of data.nudges) {
  const row = body.insertRow(), array = shapes.get(name);
  row.append(make("th", array ? nameOf(array, place) : `${name}[${place}]`, { scope: "row" }));
  for (const each of [value, slope, gradient]) row.append(make("td", write(Number(each), 6)));
}
byId("nudges").append(table);

show(data.first);
