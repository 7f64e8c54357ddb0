/* The arithmetic of the playground: a small network, and its training step as a list of lines.

An array is {shape, data}: data holds its numbers row by row, in float64. A step is a list of lines,
as in tinynet (`model.step`): each has the kernel that is called, a formula, the shapes, what it
writes, and run(). docs/browser/test_playground.py holds it to tinynet: 100 steps, within 1e-6.

window.playground has what the other files and the tests use. Nothing here touches the page.
*/
"use strict";

window.playground = (() => {
  // ------------------------------------------------------------------------------------ arrays

  const size = (shape) => shape.reduce((product, length) => product * length, 1);
  const filled = (shape, value = 0) => ({ shape, data: new Float64Array(size(shape)).fill(value) });
  const array = (nested) => ({
    shape: Array.isArray(nested[0]) ? [nested.length, nested[0].length] : [nested.length],
    data: Float64Array.from(nested.flat()),
  });

  // ----------------------------------------------------------------------------------- kernels

  /* out = a b, with a or b transposed where it is said. */
  function product(a, b, out, { aT = false, bT = false } = {}) {
    const [n, m] = out.shape;
    const k = a.shape[aT ? 0 : 1];
    const [aRow, aColumn] = aT ? [1, n] : [k, 1];
    const [bRow, bColumn] = bT ? [1, k] : [m, 1];
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < m; j++) {
        let sum = 0;
        for (let l = 0; l < k; l++) {
          sum += a.data[i * aRow + l * aColumn] * b.data[l * bRow + j * bColumn];
        }
        out.data[i * m + j] = sum;
      }
    }
  }

  function biasAdd(bias, out) {
    const m = bias.data.length;
    for (let i = 0; i < out.data.length; i++) out.data[i] += bias.data[i % m];
  }

  function columnSum(dz, dbias) {
    const m = dbias.data.length;
    dbias.data.fill(0);
    for (let i = 0; i < dz.data.length; i++) dbias.data[i % m] += dz.data[i];
  }

  /* f(z), and f'(z) written with z and out = f(z). */
  const ACTIVATIONS = {
    linear: { formula: "out = z", f: (z) => z, slope: () => 1 },
    relu: {
      formula: "out = max(z, 0)",
      backward: "dz = dout where z > 0, else 0",
      f: (z) => (z > 0 ? z : 0),
      slope: (z) => (z > 0 ? 1 : 0),
    },
    tanh: {
      formula: "out = tanh(z)",
      backward: "dz = dout (1 − out²)",
      f: Math.tanh,
      slope: (z, out) => 1 - out * out,
    },
    sigmoid: {
      formula: "out = 1 / (1 + exp(−z))",
      backward: "dz = dout out (1 − out)",
      f: (z) => (z >= 0 ? 1 / (1 + Math.exp(-z)) : Math.exp(z) / (1 + Math.exp(z))),
      slope: (z, out) => out * (1 - out),
    },
  };

  function activate({ f }, z, out) {
    for (let i = 0; i < z.data.length; i++) out.data[i] = f(z.data[i]);
  }

  function activateBackward({ slope }, dout, z, out, dz) {
    for (let i = 0; i < z.data.length; i++) {
      dz.data[i] = dout.data[i] * slope(z.data[i], out.data[i]);
    }
  }

  function dropout(x, uniform, rate, out) {
    for (let i = 0; i < x.data.length; i++) {
      out.data[i] = uniform.data[i] >= rate ? x.data[i] / (1 - rate) : 0;
    }
  }

  const EPSILON = 1e-3;
  const KEPT = 0.99; // how much of the moving statistics a step keeps

  /* Each column to mean 0 and variance 1, then times gamma plus beta. In training the statistics are
     the batch's, otherwise the moving ones; those that were used are left in `used`. */
  function batchNorm(x, norm, used, out, isTraining) {
    const [n, m] = x.shape;
    for (let j = 0; j < m; j++) {
      let mean = norm.movingMean.data[j];
      let variance = norm.movingVariance.data[j];
      if (isTraining) {
        mean = 0;
        variance = 0;
        for (let i = j; i < n * m; i += m) mean += x.data[i] / n;
        for (let i = j; i < n * m; i += m) variance += (x.data[i] - mean) ** 2 / n;
        norm.movingMean.data[j] = KEPT * norm.movingMean.data[j] + (1 - KEPT) * mean;
        norm.movingVariance.data[j] = KEPT * norm.movingVariance.data[j] + (1 - KEPT) * variance;
      }
      used.mean.data[j] = mean;
      used.invStd.data[j] = 1 / Math.sqrt(variance + EPSILON);
      for (let i = j; i < n * m; i += m) {
        const hat = (x.data[i] - mean) * used.invStd.data[j];
        out.data[i] = hat * norm.gamma.data[j] + norm.beta.data[j];
      }
    }
  }

  function batchNormBackward(dout, x, norm, used, dgamma, dbeta, dx) {
    const [n, m] = x.shape;
    const hat = (i) => (x.data[i] - used.mean.data[i % m]) * used.invStd.data[i % m];
    columnSum(dout, dbeta);
    dgamma.data.fill(0);
    for (let i = 0; i < n * m; i++) dgamma.data[i % m] += dout.data[i] * hat(i);
    for (let i = 0; i < n * m; i++) {
      const j = i % m;
      const centered = dout.data[i] - dbeta.data[j] / n - (hat(i) * dgamma.data[j]) / n;
      dx.data[i] = norm.gamma.data[j] * used.invStd.data[j] * centered;
    }
  }

  function softmax(z, out) {
    const [n, m] = z.shape;
    for (let i = 0; i < n; i++) {
      const row = z.data.subarray(i * m, i * m + m);
      const largest = Math.max(...row);
      const total = row.reduce((sum, value) => sum + Math.exp(value - largest), 0);
      row.forEach((value, j) => (out.data[i * m + j] = Math.exp(value - largest) / total));
    }
  }

  function crossEntropy(labels, z, losses) {
    const m = z.shape[1];
    labels.forEach((label, i) => {
      const row = z.data.subarray(i * m, i * m + m);
      const largest = Math.max(...row);
      const total = row.reduce((sum, value) => sum + Math.exp(value - largest), 0);
      losses.data[i] = Math.log(total) - (row[label] - largest);
    });
  }

  function crossEntropyBackward(labels, z, dz) {
    const [n, m] = z.shape;
    softmax(z, dz);
    labels.forEach((label, i) => (dz.data[i * m + label] -= 1));
    for (let i = 0; i < dz.data.length; i++) dz.data[i] /= n;
  }

  // -------------------------------------------------------------------------------- optimizers

  /* One weight w[i] with gradient g[i]; m and v are the optimizer's own arrays. Where tinynet, like
     Keras, rounds a constant to float32, Math.fround does. */
  const OPTIMIZERS = {
    sgd: {
      kernel: "sgd",
      formula: "w ← w − rate g",
      update: (w, g, m, v, i, rate) => {
        w[i] -= rate * g[i];
      },
    },
    momentum: {
      kernel: "sgd_momentum",
      formula: "m ← 0.9 m − rate g;  w ← w + m",
      update: (w, g, m, v, i, rate) => {
        m[i] = Math.fround(0.9) * m[i] - rate * g[i];
        w[i] += m[i];
      },
    },
    rmsprop: {
      kernel: "rmsprop",
      formula: "v ← 0.9 v + 0.1 g²;  w ← w − rate g / √(v + 1e−7)",
      update: (w, g, m, v, i, rate) => {
        v[i] = 0.9 * v[i] + (1 - 0.9) * g[i] * g[i];
        w[i] -= (rate * g[i]) / Math.sqrt(v[i] + 1e-7);
      },
    },
    adam: {
      kernel: "adam",
      formula:
        "m ← 0.9 m + 0.1 g;  v ← 0.999 v + 0.001 g²;  " +
        "α = rate √(1 − 0.999ᵗ) / (1 − 0.9ᵗ);  w ← w − α m / (√v + 1e−7)",
      update: (w, g, m, v, i, rate, t) => {
        m[i] += (1 - 0.9) * (g[i] - m[i]);
        v[i] += (1 - 0.999) * (g[i] * g[i] - v[i]);
        const alpha =
          (rate * Math.sqrt(1 - Math.fround(0.999) ** t)) / (1 - Math.fround(0.9) ** t);
        w[i] -= (alpha * m[i]) / (Math.sqrt(v[i]) + 1e-7);
      },
    },
  };

  // --------------------------------------------------------------------------- the network

  /* Return a network with weights 0 (gamma and moving variance 1): hidden layers, then the top. */
  function network({ inputs = 2, hidden, classes = 2, ...settings }) {
    const net = { ...settings, layers: [], params: [], iterations: 0 };
    const add = (name, shape, value = 0) => {
      const param = filled(shape, value);
      const own = { name, value: param, grad: filled(shape), m: filled(shape), v: filled(shape) };
      net.params.push(own);
      return own;
    };
    [...hidden, classes].forEach((units, l) => {
      const isTop = l === hidden.length;
      const name = isTop ? "top" : `hidden${l + 1}`;
      const layer = { name, number: l + 1, units, isTop };
      layer.kernel = add(`${name}/kernel`, [l ? hidden[l - 1] : inputs, units]);
      layer.bias = add(`${name}/bias`, [units]);
      if (!isTop && net.batchNorm) {
        layer.gamma = add(`norm${l + 1}/gamma`, [units], 1);
        layer.beta = add(`norm${l + 1}/beta`, [units]);
        layer.norm = {
          gamma: layer.gamma.value,
          beta: layer.beta.value,
          movingMean: filled([units]),
          movingVariance: filled([units], 1),
        };
      }
      net.layers.push(layer);
    });
    return net;
  }

  /* Kernels uniform in ±√(6 / (inputs + units)): Glorot and Bengio 2010, equation 16. */
  function initialize(net, random) {
    for (const { kernel } of net.layers) {
      const limit = Math.sqrt(6 / (kernel.value.shape[0] + kernel.value.shape[1]));
      kernel.value.data.forEach((_, i, data) => (data[i] = limit * (2 * random() - 1)));
    }
  }

  const shown = (shape) => (shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`);

  /* Return one training step on the rows `rows` of the data as a list of lines. `uniforms` has the
     numbers in [0, 1) for the dropout of each hidden layer. lines.loss() is the batch's loss once
     its line has run. */
  function step(net, data, rows, uniforms = []) {
    const n = rows.length;
    const k = data.x.shape[1];
    const lines = [];
    let part = "forward";
    const line = (kernel, reads, writes, formula, shapes, run) =>
      lines.push({ part, kernel, call: `${kernel}(${reads})`, writes, formula, shapes, run });
    const map = (array) => `${shown(array.shape)} → ${shown(array.shape)}`;
    const times = (a, b, out) => `${shown(a)} ${shown(b)} = ${shown(out)}`;

    const x = filled([n, k]);
    const labels = new Array(n).fill(0);
    const gather = `${shown(data.x.shape)} → ${shown(x.shape)}`;
    line("gather_rows", "data.x, rows", "x", "x = the rows of this batch", gather, () => {
      rows.forEach((row, i) => x.data.set(data.x.data.subarray(row * k, row * k + k), i * k));
    });
    const toLabels = `(${data.y.length},) → (${n},)`;
    line("gather_rows", "data.y, rows", "y", "y = the classes of these rows", toLabels, () => {
      rows.forEach((row, i) => (labels[i] = data.y[row]));
    });

    const activation = ACTIVATIONS[net.activation];
    const isLinear = net.activation === "linear";
    let input = x;
    let inputName = "x";
    const kept = net.layers.map((layer) => {
      const { name, number, kernel, bias } = layer;
      const own = { input, inputName, z: filled([n, layer.units]) };
      const W = kernel.value;
      own.zName = layer.isTop || !(layer.norm || isLinear) ? `${name}.logits` : `${name}.out`;
      const shapes = times(input.shape, W.shape, own.z.shape);
      const before = input;
      line("product", `${inputName}, ${kernel.name}`, own.zName, "z = x W", shapes, () =>
        product(before, W, own.z),
      );
      const toEach = `${shown(bias.value.shape)} added to each row of ${shown(own.z.shape)}`;
      line("bias_add", bias.name, own.zName, "z ← z + b", toEach, () =>
        biasAdd(bias.value, own.z),
      );
      own.active = own.z;
      own.activeName = own.zName;
      if (layer.norm) {
        own.active = filled(own.z.shape);
        own.activeName = `norm${number}.out`;
        own.used = { mean: filled([layer.units]), invStd: filled([layer.units]) };
        line(
          "batch_norm_forward",
          `${own.zName}, norm${number}/gamma, norm${number}/beta`,
          own.activeName,
          "out = γ (z − μ) / √(σ² + 0.001) + β, μ and σ² of each column of the batch",
          map(own.z),
          () => batchNorm(own.z, layer.norm, own.used, own.active, true),
        );
      }
      own.out = own.active;
      own.outName = own.activeName;
      if (!layer.isTop && !isLinear) {
        own.out = filled(own.z.shape);
        own.outName = layer.norm ? `act${number}.out` : `${name}.out`;
        line(net.activation, own.activeName, own.outName, activation.formula, map(own.out), () =>
          activate(activation, own.active, own.out),
        );
      }
      input = own.out;
      inputName = own.outName;
      if (!layer.isTop && net.dropout > 0) {
        const dropped = filled(own.z.shape);
        const keep = `out = x / (1 − ${net.dropout}) where u ≥ ${net.dropout}, else 0`;
        own.uniform = uniforms[number - 1];
        own.dropName = `drop${number}`;
        line("dropout", `${own.outName}, u`, `${own.dropName}.out`, keep, map(dropped), () =>
          dropout(own.out, own.uniform, net.dropout, dropped),
        );
        input = dropped;
        inputName = `${own.dropName}.out`;
      }
      return own;
    });

    const { z } = kept.at(-1);
    const probabilities = filled(z.shape);
    const p = "p = exp(z) / sum of exp(z), row by row";
    line("softmax", "top.logits", "top.out", p, map(z), () => softmax(z, probabilities));
    part = "loss";
    const losses = filled([n]);
    const entropy = "sparse_softmax_cross_entropy";
    const each = "loss of a sample = −log p of its class";
    line(entropy, "y, top.logits", "loss.losses", each, `${shown(z.shape)} → (${n},)`, () =>
      crossEntropy(labels, z, losses),
    );
    let loss = NaN;
    const mean = "loss = sum of the losses / n";
    line("weighted_sum", `loss.losses, 1/${n}`, "loss.batch_loss", mean, `(${n},) → ()`, () => {
      loss = losses.data.reduce((sum, one) => sum + one, 0) / n;
    });

    part = "backward";
    const dtop = filled(z.shape);
    let dout = dtop; // the gradient so far, on its way down
    let doutName = "top.dz";
    const dz = "dz = (p − 1 at the sample's class) / n";
    line(`${entropy}_backward`, "y, top.logits", doutName, dz, map(z), () =>
      crossEntropyBackward(labels, z, dtop),
    );
    [...net.layers].reverse().forEach((layer) => {
      const { name, number, kernel, bias } = layer;
      const own = kept[number - 1];
      /* Another array of z's shape, made from the gradient so far. */
      const through = (call, reads, newName, formula, run) => {
        const before = dout;
        const after = filled(own.z.shape);
        line(call, `${doutName}, ${reads}`, newName, formula, map(after), () => run(before, after));
        dout = after;
        doutName = newName;
      };
      if (own.uniform) {
        const keep = `dx = dout / (1 − ${net.dropout}) where u ≥ ${net.dropout}, else 0`;
        through("dropout", "u", `${own.dropName}.dx`, keep, (before, after) =>
          dropout(before, own.uniform, net.dropout, after),
        );
      }
      if (!layer.isTop && !isLinear) {
        const newName = layer.norm ? `act${number}.dx` : `${name}.dz`;
        const reads = `${own.activeName}, ${own.outName}`;
        const call = `${net.activation}_backward`;
        through(call, reads, newName, activation.backward, (before, after) =>
          activateBackward(activation, before, own.active, own.out, after),
        );
      }
      if (layer.norm) {
        through(
          "batch_norm_backward",
          `${own.zName}, norm${number}/gamma`,
          `norm${number}.dx, d gamma, d beta`,
          "dβ = Σ dout;  dγ = Σ dout ẑ;  dz = γ / √(σ² + 0.001) (dout − dβ/n − ẑ dγ/n), " +
            "ẑ = (z − μ) / √(σ² + 0.001)",
          (before, after) => {
            const { gamma, beta, norm } = layer;
            batchNormBackward(before, own.z, norm, own.used, gamma.grad, beta.grad, after);
          },
        );
        doutName = `norm${number}.dx`;
      }
      const dzHere = dout;
      const turned = [own.input.shape[1], n];
      const dW = `d ${kernel.name}`;
      const shapes = times(turned, dzHere.shape, kernel.grad.shape);
      line("product", `${own.inputName}.T, ${doutName}`, dW, "dW = xᵀ dz", shapes, () =>
        product(own.input, dzHere, kernel.grad, { aT: true }),
      );
      const summed = `${shown(dzHere.shape)} → ${shown(bias.value.shape)}`;
      line("column_sum", doutName, `d ${bias.name}`, "db = sum of dz over the rows", summed, () =>
        columnSum(dzHere, bias.grad),
      );
      if (number === 1) return;
      const dx = filled(own.input.shape);
      const back = times(dzHere.shape, [layer.units, own.input.shape[1]], dx.shape);
      line("product", `${doutName}, ${kernel.name}.T`, `${name}.dx`, "dx = dz Wᵀ", back, () =>
        product(dzHere, kernel.value, dx, { bT: true }),
      );
      dout = dx;
      doutName = `${name}.dx`;
    });

    part = "update";
    const optimizer = OPTIMIZERS[net.optimizer];
    for (const { name, value, grad, m, v } of net.params) {
      const reads = `d ${name}, learning_rate`;
      line(optimizer.kernel, reads, name, optimizer.formula, map(value), () => {
        const rate = net.learningRate;
        for (let i = 0; i < value.data.length; i++) {
          optimizer.update(value.data, grad.data, m.data, v.data, i, rate, net.iterations + 1);
        }
      });
    }
    line("count_up", "", "iterations", "t ← t + 1", "()", () => (net.iterations += 1));
    lines.loss = () => loss;
    return lines;
  }

  /* Return the top's logits, without dropout and with the moving statistics. */
  function logits(net, x) {
    let out = x;
    for (const layer of net.layers) {
      const z = filled([x.shape[0], layer.units]);
      product(out, layer.kernel.value, z);
      biasAdd(layer.bias.value, z);
      if (layer.norm) {
        const used = { mean: filled([layer.units]), invStd: filled([layer.units]) };
        batchNorm(z, layer.norm, used, z, false);
      }
      if (!layer.isTop) activate(ACTIVATIONS[net.activation], z, z);
      out = z;
    }
    return out;
  }

  /* Return the probabilities of the classes. */
  function predict(net, x) {
    const z = logits(net, x);
    const out = filled(z.shape);
    softmax(z, out);
    return out;
  }

  /* Return the mean loss and the accuracy on some data. */
  function measure(net, { x, y }) {
    const z = logits(net, x);
    const losses = filled([y.length]);
    crossEntropy(y, z, losses);
    const m = z.shape[1];
    const isHit = (label, i) =>
      z.data.subarray(i * m, i * m + m).every((value, j, row) => j === label || value < row[label]);
    return {
      loss: losses.data.reduce((sum, one) => sum + one, 0) / y.length,
      accuracy: y.filter(isHit).length / y.length,
    };
  }

  /* Train from given weights on given batches, for tests; return the losses and the weights.
     weights and uniforms are nested lists: one for each parameter, and for each step and layer. */
  function train({ x, y, weights, batches, uniforms, ...settings }) {
    const net = network(settings);
    const data = { x: array(x), y };
    weights.forEach((values, i) => net.params[i].value.data.set(values.flat()));
    const losses = batches.map((rows, t) => {
      const lines = step(net, data, rows, uniforms?.[t].map(array));
      for (const { run } of lines) run();
      return lines.loss();
    });
    return {
      losses,
      weights: net.params.map(({ value }) => [...value.data]),
      probabilities: [...predict(net, data.x).data],
    };
  }

  return { array, filled, initialize, measure, network, predict, shown, step, train };
})();
