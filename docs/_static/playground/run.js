/* A run of the playground: its random numbers, its points, and a network that trains on them. */
"use strict";

(() => {
  const { array, filled, initialize, measure, network, step } = window.playground;

  // ------------------------------------------------------------------------------ random numbers

  /* Return a function that draws numbers in [0, 1): the 32-bit generator of Marsaglia, "Xorshift
     RNGs", Journal of Statistical Software 8(14), 2003, with the shifts 13, 17 and 5. The seed is
     multiplied by Knuth's 2654435761, so that neighboring seeds start far apart. */
  function generator(seed) {
    let state = Math.imul(seed + 1, 2654435761) >>> 0 || 1;
    const next = () => {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      return (state >>> 0) / 2 ** 32;
    };
    for (let i = 0; i < 16; i++) next();
    return next;
  }

  /* Two independent normal numbers: Box and Muller 1958. */
  function normals(random) {
    const radius = Math.sqrt(-2 * Math.log(1 - random()));
    const angle = 2 * Math.PI * random();
    return [radius * Math.cos(angle), radius * Math.sin(angle)];
  }

  function shuffled(count, random) {
    const order = Array.from({ length: count }, (_, i) => i);
    for (let i = count - 1; i > 0; i--) {
      const j = Math.floor(random() * (i + 1));
      [order[i], order[j]] = [order[j], order[i]];
    }
    return order;
  }

  // ------------------------------------------------------------------------------------ data

  /* A point of class `label`, in a square from −1 to 1 (Gaussians may leave it). */
  const DATA = {
    xor: (label, random) => {
      const a = (0.1 + 0.9 * random()) * (random() < 0.5 ? -1 : 1);
      const b = 0.1 + 0.9 * random();
      return [a, a > 0 === (label === 0) ? b : -b];
    },
    circles: (label, random) => {
      const radius = label ? 0.65 + 0.3 * random() : 0.45 * Math.sqrt(random());
      const angle = 2 * Math.PI * random();
      return [radius * Math.cos(angle), radius * Math.sin(angle)];
    },
    spirals: (label, random) => {
      const along = Math.sqrt(random());
      const angle = 1.5 * 2 * Math.PI * along + Math.PI * label;
      const [a, b] = normals(random);
      return [along * Math.cos(angle) + 0.03 * a, along * Math.sin(angle) + 0.03 * b];
    },
    gaussians: (label, random) => {
      const [a, b] = normals(random);
      const center = label ? 0.35 : -0.35;
      return [center + 0.3 * a, center + 0.3 * b];
    },
  };

  function points(kind, count, random) {
    const y = Array.from({ length: count }, (_, i) => i % 2);
    return { x: array(y.map((label) => DATA[kind](label, random))), y };
  }

  // ------------------------------------------------------------------------------------ a run

  const DEFAULTS = {
    data: "xor",
    hidden: [8],
    activation: "relu",
    batchNorm: false,
    dropout: 0,
    optimizer: "adam",
    learningRate: 0.03,
    batchSize: 32,
    seed: 1,
  };
  const POINTS = 200; // for training, and as many for testing

  /* Return a run of the page: its data, its network, and next(), which writes down the next step.
     `images`, {training, testing}, are the data where the choice is "digits". */
  function start(choices = {}, images = undefined) {
    const settings = { ...DEFAULTS, ...choices };
    const random = generator(settings.seed);
    const { training, testing } =
      settings.data === "digits"
        ? images
        : {
            training: points(settings.data, POINTS, random),
            testing: points(settings.data, POINTS, random),
          };
    const sizes = { inputs: training.x.shape[1], classes: Math.max(...training.y) + 1 };
    const net = network({ ...settings, ...sizes });
    initialize(net, random);
    let order = [];
    const next = () => {
      if (!order.length) order = shuffled(training.y.length, random);
      const rows = order.splice(0, settings.batchSize);
      const uniforms = settings.hidden.map((units) => {
        const u = filled([rows.length, units]);
        if (net.dropout > 0) u.data.forEach((_, i) => (u.data[i] = random()));
        return u;
      });
      return step(net, training, rows, uniforms);
    };
    const advance = (steps) => {
      for (let i = 0; i < steps; i++) for (const { run } of next()) run();
    };
    const measured = () => ({ training: measure(net, training), testing: measure(net, testing) });
    return { net, training, testing, next, advance, measured };
  }

  Object.assign(window.playground, { DEFAULTS, generator, start });
})();
