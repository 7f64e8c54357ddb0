// Images: (images, rows, columns, channels).

/* The places (y, z) of a window that meet a pixel, each with the entry (i, j) that meets it. */
function meetings(line, out, pixel, size, before, dilation = [1, 1]) {
  const { strides } = line.constants, places = line.axes(out).slice(1, 3), found = [];
  for (const i of range(size[0])) {
    for (const j of range(size[1])) {
      const y = (pixel[0] + before[0] - i * dilation[0]) / strides[0];
      const z = (pixel[1] + before[1] - j * dilation[1]) / strides[1];
      const there = Number.isInteger(y) && Number.isInteger(z) &&
        y >= 0 && z >= 0 && y < places[0] && z < places[1];
      if (there) found.push([y, z, i, j]);
    }
  }
  return found;
}

/* The pixels of a pooling window that are in the image: row, column, and number in the window. */
function windowOf(line, image, y, z) {
  const { size, strides, before } = line.constants, [, rows, columns] = line.axes(image);
  const found = [];
  for (const i of range(size[0])) {
    for (const j of range(size[1])) {
      const row = y * strides[0] - before[0] + i, column = z * strides[1] - before[1] + j;
      if (row < 0 || column < 0 || row >= rows || column >= columns) continue;
      found.push([row, column, i, j]);
    }
  }
  return found;
}
const poolWindow = (use, line, at) => {
  const [image, y, z, channel] = indexOf(at, line.axes("out")), axes = line.axes("x");
  return windowOf(line, "x", y, z).map(([row, column, i, j]) =>
    [use("x", flatOf([image, row, column, channel], axes)), i, j]);
};
const convolutionTerm = (use, line, n, y, z, i, j, c, m) => {
  const { strides, dilation } = line.constants;
  const row = y * strides[0] + i * dilation[0], column = z * strides[1] + j * dilation[1];
  return [
    ["x", flatOf([n, row, column, c], line.axes("x"))],
    ["weights", flatOf([i, j, c, m], line.axes("weights"))],
  ];
};

Object.assign(RULES, {
  // Pooling.
  max_pool: (use, at, line, argument) => {
    const pixels = poolWindow(use, line, at);
    if (argument === "out") return `max(${pixels.map(([v]) => number(v)).join(", ")})`;
    const [v, i, j] = pixels.reduce((best, each) => (each[0] > best[0] ? each : best));
    const tied = pixels.filter((each) => each[0] === v).length;
    return since(`${i} · ${line.constants.size[1]} + ${j}`,
      `the largest number, ${number(v)}, is in row ${i} and column ${j} of the window` +
      (tied > 1 ? `, as the first of ${tied}` : ""));
  },
  max_pool_backward: (use, at, line) => {
    const { size, before } = line.constants;
    const [image, row, column, channel] = indexOf(at, line.axes("dx"));
    const found = meetings(line, "dout", [row, column], size, before);
    const places = found.map(([y, z, i, j]) =>
      [flatOf([image, y, z, channel], line.axes("dout")), i * size[1] + j]);
    const largest = terms(places.length, (k) => {
      const [place, which] = places[k];
      return use("which", place) === which ? asTerm(use("dout", place)) : ["", 0];
    }).filter((each) => !each || each[0]);
    if (largest.length === 1 && largest[0]) {
      const [place] = places.find(([each, which]) => use("which", each) === which);
      return since(largest[0][0],
        `it was chosen in the window whose gradient is ${nameOf(line.array("dout"), place)}`);
    }
    if (largest.length > 0) return sum(largest, line.value("dx", at));
    return since("0", found.length ? "no window has chosen it as its largest" : "no window covers it");
  },
  average_pool: (use, at, line) => {
    const pixels = poolWindow(use, line, at);
    return `(${sum(pixels.map(([v]) => asTerm(v)))}) / ${pixels.length}`;
  },
  average_pool_backward: (use, at, line) => {
    const { size, before } = line.constants;
    const [image, row, column, channel] = indexOf(at, line.axes("dx"));
    const found = meetings(line, "dout", [row, column], size, before);
    return sum(terms(found.length, (k) => {
      const [y, z] = found[k], count = windowOf(line, "dx", y, z).length;
      const dout = use("dout", flatOf([image, y, z, channel], line.axes("dout")));
      return [`${number(dout)} / ${count}`, dout / count];
    }), line.value("dx", at));
  },
  global_max: (use, at, line) => {
    const [, rows, columns, channels] = line.axes("x"), pixels = rows * columns;
    const [image, channel] = [Math.floor(at / channels), at % channels];
    const found = range(pixels).map((k) => use("x", (image * pixels + k) * channels + channel));
    const text = largestOf(found), others = pixels - MOST_TERMS;
    return others > 0 ? since(text, `the other ${others} are not larger`) : text;
  },
  global_max_backward: (use, at, line) => {
    const [, rows, columns, channels] = line.axes("x"), pixels = rows * columns;
    const image = Math.floor(at / channels / pixels), channel = at % channels;
    const out = use("out", image * channels + channel), x = use("x", at);
    const count = range(pixels).filter((k) =>
      use("x", (image * pixels + k) * channels + channel) === out).length;
    if (x !== out) return since("0", `x = ${number(x)} is not the largest, ${number(out)}`);
    return since(`${number(use("dout", image * channels + channel))} / ${count}`,
      `x = ${number(x)} is the largest, and as large as ${count === 1 ? "no other" : "others"}`);
  },

  // Convolution.
  depthwise: (use, at, line) => {
    const [n, y, z, c, m] = indexOf(at, line.axes("out"));
    const [rows, columns] = line.axes("weights");
    return sum(terms(rows * columns, (k) => {
      const i = Math.floor(k / columns), j = k % columns;
      const factors = convolutionTerm(use, line, n, y, z, i, j, c, m);
      return asTerm(...factors.map((each) => use(...each)));
    }), line.value("out", at));
  },
  depthwise_backward: (use, at, line, argument) => {
    const [images, height, width, , multiplier] = line.axes("dout");
    const total = line.value(argument, at);
    if (argument === "dweights") {
      const [i, j, c, m] = indexOf(at, line.axes("weights"));
      return sum(terms(images * height * width, (k) => {
        const [n, y, z] = indexOf(k, [images, height, width]);
        const [pixel] = convolutionTerm(use, line, n, y, z, i, j, c, m);
        const dout = use("dout", flatOf([n, y, z, c, m], line.axes("dout")));
        return asTerm(dout, use(...pixel));
      }), total);
    }
    const [n, row, column, c] = indexOf(at, line.axes("dx"));
    const found = meetings(line, "dout", [row, column], line.axes("weights").slice(0, 2), [0, 0],
      line.constants.dilation);
    return sum(terms(found.length * multiplier, (k) => {
      const [y, z, i, j] = found[Math.floor(k / multiplier)], m = k % multiplier;
      const dout = use("dout", flatOf([n, y, z, c, m], line.axes("dout")));
      return asTerm(dout, use("weights", flatOf([i, j, c, m], line.axes("weights"))));
    }), total);
  },

  // Larger images.
  repeat_pixels: (use, at, line) => {
    const [n, y, z, c] = indexOf(at, line.axes("out")), [down, across] = line.constants.size;
    const pixel = [n, Math.floor(y / down), Math.floor(z / across), c];
    return copyOf(use, line, "x", flatOf(pixel, line.axes("x")));
  },
  repeat_pixels_backward: (use, at, line) => {
    const [n, y, z, c] = indexOf(at, line.axes("dx")), [down, across] = line.constants.size;
    return sum(terms(down * across, (k) => {
      const copy = [n, y * down + Math.floor(k / across), z * across + (k % across), c];
      return asTerm(use("dout", flatOf(copy, line.axes("dout"))));
    }), line.value("dx", at));
  },
});
