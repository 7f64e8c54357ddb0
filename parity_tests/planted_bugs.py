"""Bugs for `make mutants`: what is wrong, in which line of tinynet/, and which tests must see it.

Kernels are broken in their compiled form, which is the one that runs by default.
"""

from __future__ import annotations

from typing import NamedTuple


class Bug(NamedTuple):
    """One wrong line.

    Attributes
    ----------
    what : str
        The mistake, in words.
    path : str
        File below ``tinynet/``.
    right, wrong : str
        Text that stands exactly once in the file, and what replaces it.
    tests : str
        Test module below ``parity_tests/``, and words for ``-k`` after it if it is a long one.
    """

    what: str
    path: str
    right: str
    wrong: str
    tests: str


BUGS = [
    # The arithmetic.
    Bug(
        "the bias is added to all columns but the first",
        "kernels/linear.py",
        "        for j in range(columns):\n            z[i, j] += bias[j]",
        "        for j in range(1, columns):\n            z[i, j] += bias[j]",
        "test_layers Dense",
    ),
    Bug(
        "the bias gradient is 1.01 times too large",
        "kernels/linear.py",
        "out[j] += x[i, j]",
        "out[j] += x[i, j] * 1.01",
        "test_layers Dense",
    ),
    Bug(
        "batch norm uses the unbiased variance",
        "kernels/normalization.py",
        "variance[j] /= count",
        "variance[j] /= count - number(1)",
        "test_layers BatchNormalization",
    ),
    Bug(
        "batch norm's epsilon stands outside the root",
        "kernels/normalization.py",
        "variance[j] /= count\n        inv_std[j] = number(1) / np.sqrt(variance[j] + eps)",
        "variance[j] /= count\n        inv_std[j] = number(1) / (np.sqrt(variance[j]) + eps)",
        "test_layers BatchNormalization",
    ),
    Bug(
        "batch norm's dx lacks the term of the mean",
        "kernels/normalization.py",
        "(dout[i, j] - mean_dout[j] - x_hat * mean_dgamma[j])",
        "(dout[i, j] - x_hat * mean_dgamma[j])",
        "test_layers BatchNormalization",
    ),
    Bug(
        "batch norm's dx lacks the term of the variance",
        "kernels/normalization.py",
        "(dout[i, j] - mean_dout[j] - x_hat * mean_dgamma[j])",
        "(dout[i, j] - mean_dout[j])",
        "test_layers BatchNormalization",
    ),
    Bug(
        "batch norm's dgamma forgets to centre",
        "kernels/normalization.py",
        "dgamma[j] += dout[i, j] * ((x[i, j] - mean[j]) * inv_std[j])\n"
        "            dbeta[j] += dout[i, j]\n    scale",
        "dgamma[j] += dout[i, j] * (x[i, j] * inv_std[j])\n"
        "            dbeta[j] += dout[i, j]\n    scale",
        "test_layers BatchNormalization",
    ),
    Bug(
        "layer norm's dx lacks the term of the variance",
        "kernels/normalization.py",
        "(dout[i, j] * gamma[j] - mean_g - x_hat * mean_gx)",
        "(dout[i, j] * gamma[j] - mean_g)",
        "test_layers LayerNormalization",
    ),
    Bug(
        "the kernel is taken the other way round",
        "kernels/convolution.py",
        "out[n, y, z, f] += pixel * kernel[i, j, c, f]",
        "out[n, y, z, f] += pixel * kernel[rows - 1 - i, j, c, f]",
        "test_layers Conv2D",
    ),
    Bug(
        "the gradient at the pixels does not add up where windows overlap",
        "kernels/convolution.py",
        "dx[n, down, right, c] += dpatches[n, y, z, i, j, c]",
        "dx[n, down, right, c] = dpatches[n, y, z, i, j, c]",
        "test_layers Conv2D",
    ),
    Bug(
        "the odd row of zeros stands in front",
        "layers/images.py",
        "both.append((total // 2, total - total // 2))",
        "both.append((total - total // 2, total // 2))",
        "test_layers Conv2D",
    ),
    Bug(
        "depthwise kernels ignore their dilation",
        "kernels/depthwise.py",
        "                                out[n, y, z, c, m] += x[n, down, right, c]",
        "                                out[n, y, z, c, m] += x[n, y * strides[0] + i, right, c]",
        "test_layers Depthwise",
    ),
    Bug(
        "the gradient of max pooling goes to all largest pixels",
        "kernels/pooling.py",
        "(x[n, i, j, c] == out[n, y, z, c]) & (not given[c])",
        "x[n, i, j, c] == out[n, y, z, c]",
        "test_layers MaxPooling",
    ),
    Bug(
        "padding counts in a mean",
        "kernels/pooling.py",
        "count = out.dtype.type((bottom - top) * (right - left))",
        "count = out.dtype.type(size[0] * size[1])",
        "test_layers AveragePooling",
    ),
    Bug(
        "dropout does not enlarge what it keeps",
        "kernels/dropout.py",
        "scale = number(1 / (1 - rate))",
        "scale = number(1)",
        "test_layers Dropout",
    ),
    Bug(
        "dropout drops what it should keep",
        "kernels/dropout.py",
        "u[i] >= threshold",
        "u[i] < threshold",
        "test_draws dropout",
    ),
    Bug(
        "batches are gathered in the order of the data",
        "kernels/rows.py",
        "        row = rows[i]",
        "        row = i",
        "test_same_run",
    ),
    Bug(
        "rescaling forgets its offset",
        "kernels/rows.py",
        "out[i] = number(x[i]) * factor + shift",
        "out[i] = number(x[i]) * factor",
        "test_layers Rescaling",
    ),
    Bug(
        "relu lets the gradient through at 0",
        "kernels/rectifiers.py",
        "number(x[i] > number(0))",
        "number(x[i] >= number(0))",
        "test_activations relu",
    ),
    Bug(
        "the gradient of leaky relu at 0 is 1",
        "kernels/rectifiers.py",
        "dx[i] = dout[i] if x[i] > number(0) else s * dout[i]",
        "dx[i] = dout[i] if x[i] >= number(0) else s * dout[i]",
        "test_activations leaky_relu",
    ),
    Bug(
        "relu6 lets the gradient through at 6",
        "kernels/rectifiers.py",
        "passes_at_ceiling = ceiling != 6 or threshold != 0",
        "passes_at_ceiling = True",
        "test_activations relu6",
    ),
    Bug(
        "elu's derivative lacks alpha",
        "kernels/rectifiers.py",
        "dout[i] * (out[i] + a)",
        "dout[i] * (out[i] + number(1))",
        "test_activations elu",
    ),
    Bug(
        "selu's scale is rounded to six digits",
        "kernels/rectifiers.py",
        "SELU_SCALE = 1.0507009873554804934193349852946",
        "SELU_SCALE = 1.05070",
        "test_activations selu",
    ),
    Bug(
        "sigmoid's derivative is 1.01 times too large",
        "kernels/smooth.py",
        "dx[i] = dout[i] * (out[i] * (one - out[i]))",
        "dx[i] = 1.01 * dout[i] * (out[i] * (one - out[i]))",
        "test_activations sigmoid",
    ),
    Bug(
        "tanh's derivative forgets the square",
        "kernels/smooth.py",
        "dx[i] = dout[i] * (one - out[i] * out[i])",
        "dx[i] = dout[i] * (one - out[i])",
        "test_activations tanh",
    ),
    Bug(
        "gelu's constant does not go through float32",
        "kernels/smooth.py",
        "GELU_INV_SQRT_2 = float(np.float32(0.7071067811865476))",
        "GELU_INV_SQRT_2 = 0.7071067811865476",
        "test_activations gelu",
    ),
    Bug(
        "silu's derivative lacks its second term",
        "kernels/smooth.py",
        "(s * (one + x[i] * (one - s)))",
        "s",
        "test_activations silu",
    ),
    Bug(
        "softmax's derivative ignores the other classes",
        "kernels/smooth.py",
        "dx[i, j] = (dout[i, j] - inner) * out[i, j]",
        "dx[i, j] = dout[i, j] * (1 - out[i, j]) * out[i, j]",
        "test_activations softmax",
    ),
    Bug(
        "softmax is off by 1e-9",
        "kernels/smooth.py",
        "out[i, j] = np.exp(x[i, j] - largest)",
        "out[i, j] = np.exp(x[i, j] - largest) + 1e-9",
        "test_activations softmax",
    ),
    Bug(
        "the gradient of softmax cross-entropy takes 0.99 for the label's 1",
        "kernels/cross_entropy.py",
        "dlogits[i, labels[i]] -= logits.dtype.type(1)",
        "dlogits[i, labels[i]] -= logits.dtype.type(0.99)",
        "test_losses Sparse",
    ),
    Bug(
        "categorical cross-entropy does not normalise the probabilities",
        "kernels/cross_entropy.py",
        "            q = p[i, j] / total\n            c = low if q < low else high if q > high "
        "else q\n            loss -=",
        "            q = p[i, j]\n            c = low if q < low else high if q > high "
        "else q\n            loss -=",
        "test_losses Categorical",
    ),
    Bug(
        "binary cross-entropy has a gradient where it was clipped",
        "kernels/cross_entropy.py",
        "number(0) if q < low or q > high else slope * weight\n",
        "slope * weight\n",
        "test_losses Binary",
    ),
    Bug(
        "Huber's gradient is not cut at -delta",
        "kernels/regression.py",
        "clipped = -d if error < -d else d if error > d else error",
        "clipped = d if error > d else error",
        "test_losses Huber",
    ),
    Bug(
        "the gradient of the squared error lacks its 2",
        "kernels/regression.py",
        "scale = number(2) * weights[i] / number(columns)",
        "scale = weights[i] / number(columns)",
        "test_losses MeanSquaredError",
    ),
    Bug(
        "Nesterov's look ahead uses the old moment",
        "kernels/updates.py",
        "w[i] += moment * mu - g[i] * lr if nesterov else moment",
        "w[i] += moment if nesterov else moment",
        "test_optimizers SGD",
    ),
    Bug(
        "RMSprop's epsilon stands outside the root",
        "kernels/updates.py",
        "lr * g[i] / np.sqrt(variance + eps)\n        moment",
        "lr * g[i] / (np.sqrt(variance) + eps)\n        moment",
        "test_optimizers RMSprop",
    ),
    Bug(
        "centred RMSprop does not subtract the mean",
        "kernels/updates.py",
        "            variance -= mean * mean\n",
        "",
        "test_optimizers RMSprop",
    ),
    Bug(
        "Adam's epsilon stands inside the root",
        "kernels/updates.py",
        "w[i] -= first * a / (np.sqrt(second) + eps)",
        "w[i] -= first * a / np.sqrt(second + eps)",
        "test_optimizers Adam",
    ),
    Bug(
        "amsgrad takes the last moment, not the largest",
        "kernels/updates.py",
        "np.sqrt(largest) + eps",
        "np.sqrt(second) + eps",
        "test_optimizers Adam",
    ),
    Bug(
        "Philox makes nine rounds",
        "kernels/random_bits.py",
        "ROUNDS = 10",
        "ROUNDS = 9",
        "test_draws",
    ),
    Bug(
        "Box-Muller gives the cosine first",
        "kernels/random_bits.py",
        "        out[2 * i] = math.sin(v) * r\n        out[2 * i + 1] = math.cos(v) * r",
        "        out[2 * i] = math.cos(v) * r\n        out[2 * i + 1] = math.sin(v) * r",
        "test_draws Normal",
    ),
    Bug(
        "the shuffle leaves the last two samples in place",
        "kernels/random_bits.py",
        "    for i in range(n - 1):\n",
        "    for i in range(n - 2):\n",
        "test_draws order",
    ),
    # The parts of a layer.
    Bug(
        "relu's ceiling is taken for its threshold",
        "activations.py",
        "        float(threshold),\n        ceiling,",
        "        ceiling,\n        float(threshold),",
        "test_activations relu",
    ),
    Bug(
        "leaky relu's slope does not go through float32",
        "activations.py",
        "        through_float32(negative_slope),",
        "        float(negative_slope),",
        "test_activations leaky_relu",
    ),
    Bug(
        "He's variance is 1/fan_in",
        "initializers.py",
        'class HeNormal(_FixedScaling):\n    """Truncated normal with variance 2/fan_in."""\n\n'
        "    RULE = (2.0,",
        'class HeNormal(_FixedScaling):\n    """Truncated normal with variance 2/fan_in."""\n\n'
        "    RULE = (1.0,",
        "test_draws HeNormal",
    ),
    Bug(
        "the truncated normal is not widened",
        "initializers.py",
        "stddev / TRUNCATED_STDDEV",
        "stddev",
        "test_draws GlorotNormal",
    ),
    Bug(
        "L2's gradient lacks its 2",
        "regularizers.py",
        "slope += 2 * through_float32(self.l2) * x",
        "slope += through_float32(self.l2) * x",
        "test_regularizers",
    ),
    Bug(
        "L1's penalty does not go through float32",
        "regularizers.py",
        "penalty += through_float32(self.l1)",
        "penalty += self.l1",
        "test_regularizers",
    ),
    Bug(
        "the limits of uniform draws do not go through float32",
        "random.py",
        "u.dtype.type(np.float32(limit))",
        "u.dtype.type(limit)",
        "test_draws Uniform",
    ),
    Bug(
        "a seed generator stands still",
        "random.py",
        "        self.state[1] += 1",
        "        self.state[1] += 0",
        "test_draws dropout",
    ),
    Bug(
        "seeds are drawn from 0 on, not from 1",
        "random.py",
        "python_random.randint(1, 10**9)",
        "python_random.randint(0, 10**9)",
        "test_draws",
    ),
    Bug(
        "constants are not rounded through float32",
        "config.py",
        "return float(np.float32(value))",
        "return float(value)",
        "test_optimizers Adam",
    ),
    # The layers.
    Bug(
        "a dense kernel's gradient is 1.01 times too large",
        "layers/core.py",
        'np.matmul(x.T, dz, out=self.grads["kernel"])',
        'np.matmul(1.01 * x.T, dz, out=self.grads["kernel"])',
        "test_layers Dense",
    ),
    Bug(
        "the penalty on a dense layer's output is not divided by the samples",
        "layers/core.py",
        "dpenalty = self.activity_regularizer.gradient(self.out) / len(self.out)",
        "dpenalty = self.activity_regularizer.gradient(self.out)",
        "test_regularizers",
    ),
    Bug(
        "the layer LeakyReLU takes the function's slope",
        "layers/activation.py",
        "negative_slope: float = 0.3",
        "negative_slope: float = 0.2",
        "test_layers LeakyReLU",
    ),
    Bug(
        "the moving averages take the batch's share for their own",
        "kernels/normalization.py",
        "kept, new = number(momentum), number(1 - momentum)",
        "kept, new = number(1 - momentum), number(momentum)",
        "test_layers BatchNormalization",
    ),
    Bug(
        "a frozen batch norm goes on with the batch's statistics",
        "layers/normalization.py",
        "self.uses_batch = training and self.trainable",
        "self.uses_batch = training",
        "test_layers BatchNormalization",
    ),
    Bug(
        "a dropout rate of 0 draws a seed",
        "layers/regularization.py",
        "        if rate > 0:\n",
        "        if rate >= 0:\n",
        "test_draws Dropout",
    ),
    Bug(
        "Gaussian noise is half as strong",
        "layers/regularization.py",
        "x.shape, stddev=self.stddev, dtype",
        "x.shape, stddev=self.stddev / 2, dtype",
        "test_layers GaussianNoise",
    ),
    Bug(
        "penalties are left out of the gradient",
        "layers/base.py",
        "self.grads[key] += rule.gradient(self.params[key])",
        "self.grads[key] += 0 * rule.gradient(self.params[key])",
        "test_same_run",
    ),
    # Losses and metrics.
    Bug(
        "weighted losses are divided by the sum of the weights",
        "losses/base.py",
        "return 1 / max(1, len(self.rows))",
        "return 1 / float(np.sum(self.weights))",
        "test_losses weighted",
    ),
    Bug(
        "label smoothing spreads over the other classes only",
        "losses/cross_entropy.py",
        "        return 1 / columns",
        "        return 1 / (columns - 1)",
        "test_losses Categorical",
    ),
    Bug(
        "no look back through a final softmax",
        "losses/cross_entropy.py",
        'LOOKED_THROUGH = ("softmax", "sigmoid")',
        "LOOKED_THROUGH = ()",
        "test_losses look_back",
    ),
    Bug(
        "mean absolute error takes the squared error's gradient",
        "losses/regression.py",
        "return regression.absolute_error, regression.absolute_error_backward",
        "return regression.absolute_error, regression.squared_error_backward",
        "test_losses MeanAbsoluteError",
    ),
    Bug(
        "a mean counts samples and forgets their weights",
        "metrics/base.py",
        "float(np.sum(values * weights)), float(np.sum(weights))",
        "float(np.sum(values * weights)), float(values.size)",
        "test_metrics",
    ),
    Bug(
        "a prediction at the threshold counts as above",
        "metrics/means.py",
        "y_true == (y_pred > self.threshold)",
        "y_true == (y_pred >= self.threshold)",
        "test_metrics Binary",
    ),
    Bug(
        "recall divides by the wrong count",
        "metrics/counts.py",
        "        return self._ratio(self.false_negatives)",
        "        return self._ratio(self.false_positives)",
        "test_metrics Recall",
    ),
    Bug(
        "F1's denominators lack Keras's 1e-7",
        "metrics/counts.py",
        "    EPSILON = 1e-7",
        "    EPSILON = 0.0",
        "test_metrics F1",
    ),
    Bug(
        "an epoch's loss is the plain mean over the batches",
        "metrics/figures.py",
        "self.loss.add(loss * len(batch.x), len(batch.x))",
        "self.loss.add(loss, 1)",
        "test_fit",
    ),
    # Optimizers and schedules.
    Bug(
        "weight decay does not shrink with the learning rate",
        "optimizers/base.py",
        "through_float32(self.weight_decay) * learning_rate",
        "through_float32(self.weight_decay)",
        "test_optimizers weight_decay",
    ),
    Bug(
        "each gradient is clipped by the norm of all",
        "optimizers/base.py",
        "clipped = {k: g * limit / max(_norm(g), limit) for k, g in grads.items()}",
        "norm = max(map(_norm, grads.values()))\n"
        "            clipped = {k: g * limit / max(norm, limit) for k, g in grads.items()}",
        "test_optimizers clipnorm",
    ),
    Bug(
        "Adam's beta does not go through float32",
        "optimizers/rules.py",
        "number(through_float32(self.beta_2) ** (self.iterations + 1))",
        "number(self.beta_2 ** (self.iterations + 1))",
        "test_optimizers Adam",
    ),
    Bug(
        "Adam corrects as if it were one step further",
        "optimizers/rules.py",
        "number(through_float32(self.beta_1) ** (self.iterations + 1))",
        "number(through_float32(self.beta_1) ** (self.iterations + 2))",
        "test_optimizers Adam",
    ),
    Bug(
        "Nadam looks two steps ahead",
        "optimizers/rules.py",
        "decay ** (t + 1))",
        "decay ** (t + 2))",
        "test_optimizers Nadam",
    ),
    Bug(
        "Adagrad starts from 0",
        "optimizers/rules.py",
        "return through_float32(self.initial_accumulator_value)",
        "return 0.0",
        "test_optimizers Adagrad",
    ),
    Bug(
        "a piecewise rate changes one step early",
        "optimizers/schedules.py",
        "sum(step > boundary for boundary in self.boundaries)",
        "sum(step >= boundary for boundary in self.boundaries)",
        "test_optimizers Piecewise",
    ),
    Bug(
        "cosine decay is computed in double",
        "optimizers/schedules.py",
        "cosine = np.exp(np.complex64(1j) * angle).real",
        "cosine = math.cos(float(angle))",
        "test_optimizers Cosine",
    ),
    # Callbacks.
    Bug(
        "the cooldown is one epoch longer",
        "callbacks/monitors.py",
        "self.cooldown_counter = self.cooldown\n",
        "self.cooldown_counter = self.cooldown + 1\n",
        "test_callbacks",
    ),
    Bug(
        "an equal figure counts as an improvement",
        "callbacks/monitors.py",
        "np.float32(current + self.min_delta) < np.float32(best)",
        "np.float32(current + self.min_delta) <= np.float32(best)",
        "test_callbacks",
    ),
    Bug(
        "a figure that does not beat the baseline resets the count",
        "callbacks/monitors.py",
        "if self.baseline is None or self.is_improvement(current, self.baseline):",
        "if True:",
        "test_callbacks",
    ),
    Bug(
        "the cooldown runs off twice as fast",
        "callbacks/monitors.py",
        "        if self.cooldown_counter > 0:\n            self.cooldown_counter -= 1\n",
        "        if self.cooldown_counter > 0:\n            self.cooldown_counter -= 2\n",
        "test_callbacks",
    ),
    Bug(
        "a scheduler is asked for the next epoch's rate",
        "callbacks/various.py",
        "rate = self.schedule(epoch, optimizer.learning_rate)",
        "rate = self.schedule(epoch + 1, optimizer.learning_rate)",
        "test_callbacks",
    ),
    Bug(
        "an infinite loss does not stop the training",
        "callbacks/various.py",
        "if loss is None or np.isfinite(loss):",
        "if loss is None or not np.isnan(loss):",
        "test_callbacks",
    ),
    Bug(
        "history counts epochs from 1",
        "callbacks/base.py",
        "self.epoch.append(epoch)",
        "self.epoch.append(epoch + 1)",
        "test_fit",
    ),
    # Training.
    Bug(
        "the validation split rounds up",
        "data.py",
        "at = math.floor(len(self) * (1 - share))",
        "at = math.ceil(len(self) * (1 - share))",
        "test_fit",
    ),
    Bug(
        "a class left out of class_weight counts 0",
        "data.py",
        "class_weight.get(int(label), 1.0)",
        "class_weight.get(int(label), 0.0)",
        "test_fit",
    ),
    Bug(
        "the way back ends above the lowest layer that learns",
        "stack.py",
        "self.layers[learning.index(True) :]",
        "self.layers[learning.index(True) + 1 :]",
        "test_fit",
    ),
    Bug(
        "weights are learned by layers that are frozen",
        "stack.py",
        "for layer in self.layers if layer.trainable for key in layer.params",
        "for layer in self.layers for key in layer.params",
        "test_fit",
    ),
    Bug(
        "the metrics of an epoch go on from the last one",
        "training.py",
        '            told.tell("epoch_begin", epoch)\n            self.figures.reset()\n',
        '            told.tell("epoch_begin", epoch)\n',
        "test_fit",
    ),
    Bug(
        "validation runs in training mode",
        "training.py",
        "        out = self.forward(batch.x)\n        value",
        "        out = self.forward(batch.x, training=True)\n        value",
        "test_same_run",
    ),
    # The way to Keras and back.
    Bug(
        "the optimizer's memory stays behind in Keras",
        "interop/state.py",
        "    model.optimizer.set_state(state)\n",
        "",
        "test_interop adam",
    ),
    Bug(
        "a copied dropout layer begins its masks anew",
        "interop/state.py",
        "_generator(theirs).state.assign(own.seed_generator.state)",
        "pass",
        "test_interop",
    ),
    Bug(
        "a schedule is taken for the rate of its next step",
        "interop/configs.py",
        'given["learning_rate"] = value._schedule',
        'given["learning_rate"] = value.learning_rate',
        "test_interop",
    ),
    Bug(
        "the loss loses its options on the way from Keras",
        "interop/compiled.py",
        '"dtype": theirs.dtype, **theirs._fn_kwargs}',
        '"dtype": theirs.dtype}',
        "test_interop",
    ),
]
