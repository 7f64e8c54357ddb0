// How numbers come about. For each kernel, the files after this one put a rule into RULES: it is
// called with `use`, the place of the number, the line and the kernel's argument, and returns text.
// `use(argument, place)` returns a number and marks its cell; where the number is not on the page,
// it ends the calculation. Places are those in the kernel's own axes.

const RULES = {};

const NOT_HERE = {};
const range = (n) => Array.from({ length: n }, (_, i) => i);
const since = (text, why) => `${text}, since ${why}; that is`;
const asTerm = (...values) => [
  times(...values), values.reduce((product, v) => product * v, 1),
];

/* What `text` makes of each k below n, or null where a number is not on the page. */
const terms = (n, text) => range(n).map((k) => {
  try {
    return text(k);
  } catch (stopped) {
    if (stopped !== NOT_HERE) throw stopped;
    return null;
  }
});

/* Terms, each a text and its value: the largest ones, and the sum of the others. */
function sum(found, total) {
  const known = found.filter(Boolean);
  if (found.length === 0) return "0";
  if (known.length === 0 || (known.length < found.length && total === undefined)) throw NOT_HERE;
  const size = ([, value]) => Math.abs(value);
  const most = known.length > MOST_TERMS
    ? [...known].sort((one, other) => size(other) - size(one)).slice(0, MOST_TERMS)
    : known;
  const valueOf = (some) => some.reduce((result, [, value]) => result + value, 0);
  const texts = most.map(([text]) => text);
  const others = found.length - most.length;
  if (others > 0) {
    const rest = (total ?? valueOf(known)) - valueOf(most);
    texts.push(`${number(rest)} (the other ${others})`);
  }
  return plus(texts);
}

const columnsOf = (line, argument) => line.axes(argument).at(-1) ?? 1;
const rowOf = (line, argument, flat) => Math.floor(flat / columnsOf(line, argument));
const rate = (use) => use("learning_rate", 0);
const raised = (text, n) =>
  (n === 0 ? "1" : text + ({ 1: "", 2: "²", 3: "³" }[n] ?? `^${number(n)}`));
const power = (v, n = 2) => raised(factor(v), n);
const side = (v, t) => (v > t ? "above" : v < t ? "below" : "equal to");
const minus = (v, t) => `${number(v)} − ${factor(t)}`;
const copyOf = (use, line, argument, flat) =>
  since(number(use(argument, flat)), `it is a copy of ${nameOf(line.array(argument), flat)}`);

const largestOf = (values) => {
  const most = [...values].sort((one, other) => other - one).slice(0, MOST_TERMS);
  return `max(${most.map(number).join(", ")})`;
};

// Rows and columns of (rows, columns).

const exponential = (v) => [`exp(${number(v)})`, Math.exp(v)];
const sumOfRow = (use, line, argument, flat, text) => {
  const n = columnsOf(line, argument), first = flat - (flat % n);
  return sum(terms(n, (k) => text(use(argument, first + k), first + k)));
};
const softmaxOf = (use, line, argument, flat) => {
  const all = sumOfRow(use, line, argument, flat, exponential);
  return `${exponential(use(argument, flat))[0]} / (${all})`;
};
const columnSum = (use, line, argument, j, total, text) => {
  const [rows, columns] = line.axes(argument);
  return sum(terms(rows, (i) => text(i * columns + j)), total);
};
const rowSum = (line, argument, i, total, text) => {
  const n = columnsOf(line, argument);
  return sum(terms(n, (k) => text(i * n + k)), total);
};
const sigmoidOf = (v) => `1 / (1 + exp(${number(-v)}))`;
const sigmoid = (v) => 1 / (1 + Math.exp(-v));
const square = (v, t) => [`(${minus(v, t)})²`, (v - t) ** 2];
