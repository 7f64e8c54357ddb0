/* A training step, line by line: its arrays as grids, and how each number came about.

An array has T grids of R rows and C columns (`sizes`); a cell is a block of them. `at` has the
number in the middle of every block as it is. `flat` is the place of a number in the whole array.
*/

const data = JSON.parse(document.getElementById("data").textContent);
const { lines, arrays } = data;
const byId = (id) => document.getElementById(id);
const MOST_TERMS = 12; // that are written out
const WIDE = 10; // columns up to which the cells have room for their numbers
const SECONDS = 1.5; // for each line, when the step is played

// Numbers that are not finite come as text.
for (const array of arrays) {
  for (const key of ["at", "means", "range"]) if (array[key]) array[key] = array[key].map(Number);
  array.size = array.shape.reduce((product, n) => product * n, 1);
  array.cells = [Math.ceil(array.sizes[1] / array.block[0]),
                 Math.ceil(array.sizes[2] / array.block[1])];
}

// Text.

const write = (value, digits) => {
  if (!Number.isFinite(value)) return String(value).replaceAll("-", "\u2212");
  const whole = Number.isInteger(value) && Math.abs(value) < 2 ** 53;
  const rounded = whole ? value : Number(value.toPrecision(digits));
  return String(rounded).replaceAll("-", "\u2212");
};
const number = (value) => write(value, 4);
const factor = (value) => (value < 0 ? `(${number(value)})` : number(value));
const times = (...values) => values.map((v, i) => (i ? factor(v) : number(v))).join(" · ");
const plus = (terms) => terms.join(" + ").replaceAll("+ −", "− ");
const inBrackets = (text) => (/^−| [+−] /.test(text) ? `(${text})` : text);
const shapeOf = (array) => (array.shape.length ? array.shape.join(" × ") : "one number");

const make = (tag, text = "", attributes = {}) => {
  const element = document.createElement(tag);
  element.textContent = text;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
};

// From a place in an array to a cell of its grids, and back.

const indexOf = (flat, sizes) => {
  const index = new Array(sizes.length);
  for (let axis = sizes.length - 1; axis >= 0; axis--) {
    index[axis] = flat % sizes[axis];
    flat = Math.floor(flat / sizes[axis]);
  }
  return index;
};
const flatOf = (index, sizes) => index.reduce((flat, i, axis) => flat * sizes[axis] + i, 0);
const middle = (block, size, n) => {
  const start = block * size;
  return Math.floor((start + Math.min(start + size, n)) / 2);
};

/* The cell of a place: which one it is, and whether the place is in the middle of it. */
function cellOf(array, flat) {
  const index = indexOf(flat, array.laid);
  const [tile, row, column] = array.grids.map((axes) =>
    flatOf(axes.map((axis) => index[axis]), axes.map((axis) => array.laid[axis])));
  if (tile >= array.tiles) return null;
  const [down, across] = array.block;
  const i = Math.floor(row / down), j = Math.floor(column / across);
  const exact = middle(i, down, array.sizes[1]) === row &&
    middle(j, across, array.sizes[2]) === column;
  return { cell: (tile * array.cells[0] + i) * array.cells[1] + j, exact };
}

/* The place in the middle of a cell. */
function placeOf(array, cell) {
  const [rows, columns] = array.cells;
  const at = [
    Math.floor(cell / (rows * columns)),
    middle(Math.floor(cell / columns) % rows, array.block[0], array.sizes[1]),
    middle(cell % columns, array.block[1], array.sizes[2]),
  ];
  const index = new Array(array.laid.length);
  array.grids.forEach((axes, which) => {
    const own = indexOf(at[which], axes.map((axis) => array.laid[axis]));
    axes.forEach((axis, i) => { index[axis] = own[i]; });
  });
  return flatOf(index, array.laid);
}

const nameOf = (array, flat) =>
  array.shape.length ? `${array.name}[${indexOf(flat, array.shape).join(", ")}]` : array.name;
