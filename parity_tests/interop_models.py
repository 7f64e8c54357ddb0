"""Compiled models with everything that can move between libraries, and checks of their equality."""

import re

import numpy as np

from tinynet.initializers import RandomInitializer

rng = np.random.default_rng(8)
X = rng.normal(size=(24, 4))
Y = rng.integers(0, 3, 24)
TARGETS = {"sparse": Y, "hot": np.eye(3)[Y]}


def compiled(model, optimizer="sgd", loss="sparse_categorical_crossentropy", **metrics):
    """Compile a model within a text."""
    model.compile(optimizer, loss, **(metrics or {"metrics": ["accuracy"]}))
    return model


def stack(layers, options=""):
    """Return the text of a compiled model for X and Y."""
    last = "sigmoid" if "Binary" in options else "softmax"
    return (
        f"compiled(keras.Sequential([keras.Input((4,), name='numbers'), {layers}, "
        f"keras.layers.Flatten(), keras.layers.Dense(3, activation='{last}')]), {options})"
    )


RULES = (
    "Zeros()",
    "Ones()",
    "Constant(0.3)",
    "RandomNormal(0.1, 0.2)",
    "TruncatedNormal(seed=1)",
    "RandomUniform(-1.0, 2.0, seed=keras.random.SeedGenerator(4))",
    "VarianceScaling(2.0, 'fan_out', 'untruncated_normal')",
    "GlorotUniform()",
    "GlorotNormal(seed=2)",
    "HeUniform()",
    "HeNormal()",
    "LecunUniform()",
    "LecunNormal()",
)
# Stacks of layers, each under a word for the test's name.
LAYERS = {
    "activations": (
        "keras.layers.Activation('gelu', name='mine'), keras.layers.Activation('swish'), "
        "keras.layers.Activation(keras.activations.relu6), keras.layers.ELU(0.7), "
        "keras.layers.LeakyReLU(0.05), keras.layers.Reshape((2, -1)), "
        "keras.layers.ReLU(max_value=2.0, negative_slope=0.1, threshold=0.5), "
        "keras.layers.Softmax(axis=1)"
    ),
    "batch_norm": (
        "keras.layers.BatchNormalization(), "
        "keras.layers.BatchNormalization(momentum=0.9, epsilon=0.01, scale=False, "
        "beta_regularizer='l2', moving_mean_initializer=keras.initializers.Constant(0.5)), "
        "keras.layers.BatchNormalization(center=False, trainable=False, "
        "gamma_initializer=keras.initializers.RandomUniform(0.5, 1.5))"
    ),
    "dense": (
        "keras.layers.Dense(5, activation='leaky_relu', use_bias=False, trainable=False), "
        "keras.layers.Dense(5, bias_initializer=keras.initializers.Constant([0.1, 2, 3, 4, 5])), "
        "keras.layers.Dense(2, bias_initializer=keras.initializers.Constant(np.log([0.3, 2]))), "
        "keras.layers.Dense(5, kernel_regularizer=keras.regularizers.L1(0.01), "
        "bias_regularizer=keras.regularizers.L1L2(0.1, 0.2), "
        "activity_regularizer=keras.regularizers.L2(0.3))"
    ),
    "noise": (
        "keras.layers.Rescaling(1 / 255, offset=-0.5), keras.layers.Dropout(0.3), "
        "keras.layers.Dropout(0.3, noise_shape=(None, 1), seed=9), keras.layers.Dropout(0.0), "
        "keras.layers.GaussianNoise(0.2), keras.layers.GaussianNoise(0.2, seed=5)"
    ),
    "learned slopes": (
        "keras.layers.PReLU('he_normal', alpha_regularizer='l2', alpha_constraint='non_neg'), "
        "keras.layers.Reshape((2, 2, 1)), keras.layers.PReLU(shared_axes=[1, 2]), "
        "keras.layers.Permute((2, 1, 3)), keras.layers.Cropping2D(((1, 0), (0, 0))), "
        "keras.layers.UpSampling2D((1, 2)), keras.layers.UnitNormalization(axis=[1, 3]), "
        "keras.layers.UnitNormalization(), keras.layers.Flatten(), "
        "keras.layers.ActivityRegularization(0.25, 0.5)"
    ),
    "other dropout": (
        "keras.layers.AlphaDropout(0.3), keras.layers.GaussianDropout(0.3, seed=4), "
        "keras.layers.AlphaDropout(0.3, noise_shape=(None, 1), seed=9)"
    ),
    "constraints": (
        "keras.layers.Dense(5, kernel_constraint=keras.constraints.MaxNorm(0.5, axis=[0]), "
        "bias_constraint=keras.constraints.NonNeg()), keras.layers.BatchNormalization("
        "gamma_constraint=keras.constraints.MinMaxNorm(0.25, 0.5, 0.75), "
        "beta_constraint=keras.constraints.UnitNorm())"
    ),
    "layer_norm": (
        "keras.layers.LayerNormalization(), keras.layers.LayerNormalization(epsilon=0.01, "
        "scale=False, beta_regularizer='l2'), keras.layers.LayerNormalization(axis=[1])"
    ),
    "images": (
        "keras.layers.Reshape((2, 2, 1)), keras.layers.ZeroPadding2D(((1, 2), (0, 3))), "
        "keras.layers.Conv2D(3, (2, 1), padding='same', activation='elu', "
        "kernel_initializer='he_uniform', kernel_regularizer='l2'), "
        "keras.layers.MaxPooling2D(2, strides=1), keras.layers.SpatialDropout2D(0.2, seed=5), "
        "keras.layers.DepthwiseConv2D(2, depth_multiplier=2, depthwise_regularizer='l1'), "
        "keras.layers.AveragePooling2D((1, 2), padding='same'), "
        "keras.layers.SeparableConv2D(4, 2, dilation_rate=(1, 2), padding='same', "
        "use_bias=False), keras.layers.GlobalMaxPooling2D(keepdims=True), "
        "keras.layers.GlobalAveragePooling2D()"
    ),
    "augmentation": (
        "keras.layers.Reshape((2, 2, 1)), keras.layers.RandomFlip('vertical'), "
        "keras.layers.RandomRotation(0.25, seed=3), "
        "keras.layers.RandomRotation((-0.25, 0.5), 'constant', fill_value=0.5), "
        "keras.layers.RandomZoom(0.25, fill_mode='nearest'), "
        "keras.layers.RandomZoom((-0.5, 0.25), [0.125, 0.25]), "
        "keras.layers.RandomTranslation(0.25, (-0.5, 0.25), interpolation='nearest'), "
        "keras.layers.RandomContrast(0.25, value_range=(-4, 4)), "
        "keras.layers.RandomContrast((0.5, 0.25), (-4.0, 4.0), seed=2), "
        "keras.layers.RandomCrop(1, 1), keras.layers.RandomCrop(1, 1, seed=5), "
        "keras.layers.GlobalAveragePooling2D()"
    ),
    "initializers": ", ".join(
        f"keras.layers.Dense(5, kernel_initializer=keras.initializers.{rule}, "
        f"bias_initializer=keras.initializers.{rule})"
        for rule in RULES
    ),
}
# From here on, numbers that float32 represents exactly: see elsewhere.py.
LOSSES = [
    "keras.losses.SparseCategoricalCrossentropy(name='mine')",
    "keras.losses.CategoricalCrossentropy(label_smoothing=0.125, reduction='sum')",
    "keras.losses.BinaryCrossentropy(label_smoothing=0.25)",
    "keras.losses.MeanSquaredError(reduction='mean_with_sample_weight')",
    "keras.losses.MeanAbsoluteError()",
    "keras.losses.Huber(delta=0.375)",
    "keras.losses.CategoricalHinge()",
    "keras.losses.CosineSimilarity(axis=-1, reduction='sum')",
    "keras.losses.CategoricalFocalCrossentropy(alpha=[0.25, 0.5, 0.125], gamma=1.5)",
    "keras.losses.BinaryFocalCrossentropy(True, 0.375, label_smoothing=0.25)",
]
# These are NaN, or explode, where targets or predictions are not what they are made for.
RATES = [
    f"keras.losses.{name}()"
    for name in (
        *("KLDivergence", "Poisson", "MeanAbsolutePercentageError"),
        *("MeanSquaredLogarithmicError", "LogCosh", "Hinge", "SquaredHinge"),
    )
]
METRICS = {
    "one_hot": (
        "loss='mse', metrics=[keras.metrics.Accuracy('mine'), "
        "keras.metrics.BinaryAccuracy(threshold=0.4), keras.metrics.CategoricalAccuracy(), "
        "keras.metrics.TopKCategoricalAccuracy(k=2), "
        "keras.metrics.Precision(thresholds=[0.3, 0.6], name='precision'), "
        "keras.metrics.Recall(top_k=2, class_id=1, name='recall'), "
        "keras.metrics.F1Score(average='macro', threshold=0.3), "
        "keras.metrics.FBetaScore(beta=0.5), keras.metrics.AUC(curve='PR', name='area'), "
        "keras.metrics.AUC(thresholds=[0.25, 0.7], multi_label=True), "
        "keras.metrics.TruePositives(), keras.metrics.FalsePositives([0.25, 0.5]), "
        "keras.metrics.TrueNegatives(0.25), keras.metrics.FalseNegatives(name='missed'), "
        "keras.metrics.PrecisionAtRecall(0.5, 11), keras.metrics.RecallAtPrecision(0.5), "
        "keras.metrics.SensitivityAtSpecificity(0.5, class_id=1), "
        "keras.metrics.SpecificityAtSensitivity(0.75), keras.metrics.RootMeanSquaredError(), "
        "keras.metrics.LogCoshError(), keras.metrics.KLDivergence(), keras.metrics.Poisson(), "
        "keras.metrics.MeanAbsolutePercentageError(), keras.metrics.Hinge(), "
        "keras.metrics.MeanSquaredLogarithmicError(), keras.metrics.SquaredHinge(), "
        "keras.metrics.CategoricalHinge(), keras.metrics.BinaryCrossentropy(from_logits=True), "
        "keras.metrics.R2Score(None), keras.metrics.CosineSimilarity(axis=-1), "
        "keras.metrics.CategoricalCrossentropy(label_smoothing=0.25), "
        "keras.metrics.MeanSquaredError(), keras.metrics.MeanAbsoluteError('off'), "
        "'mse', 'acc', 'categorical_accuracy']"
    ),
    "labels": (
        "metrics=[keras.metrics.SparseCategoricalAccuracy(), "
        "keras.metrics.SparseTopKCategoricalAccuracy(k=2), "
        "keras.metrics.SparseCategoricalCrossentropy(ignore_class=1), 'accuracy', 'acc'], "
        "weighted_metrics=['accuracy', keras.metrics.SparseCategoricalAccuracy('weighed')]"
    ),
}
BETAS = "beta_1=0.875, beta_2=0.9375"
OPTIMIZERS = [
    f"keras.optimizers.Adam(2**-6, {BETAS})",
    "keras.optimizers.SGD(0.125, momentum=0.875, nesterov=True, clipnorm=0.5)",
    "keras.optimizers.RMSprop(2**-6, rho=0.75, momentum=0.5, centered=True)",
    f"keras.optimizers.AdamW(2**-6, 0.125, {BETAS}, amsgrad=True, name='mine')",
    f"keras.optimizers.Nadam(2**-6, {BETAS}, epsilon=2**-16)",
    "keras.optimizers.Adagrad(0.125, initial_accumulator_value=0.25, global_clipnorm=0.75)",
    "keras.optimizers.Adadelta(0.5, rho=0.75, epsilon=2**-10, weight_decay=0.125)",
    f"keras.optimizers.Adamax(2**-6, {BETAS})",
    "keras.optimizers.SGD(0.125, use_ema=True, ema_momentum=0.75, ema_overwrite_frequency=2)",
    f"keras.optimizers.AdamW(2**-6, {BETAS}, gradient_accumulation_steps=2)",
    f"keras.optimizers.Lion(2**-6, {BETAS})",
    "keras.optimizers.SGD(keras.optimizers.schedules.PiecewiseConstantDecay("
    "[2, 5], [0.125, 0.0625, 0.25]), clipvalue=0.125)",
]
# Keras computes these in float32 on TensorFlow only.
SCHEDULES = [
    f"keras.optimizers.SGD(keras.optimizers.schedules.{text})"
    for text in (
        "ExponentialDecay(0.1, 3, 0.5, staircase=True)",
        "PolynomialDecay(0.1, 5, power=2.0, cycle=True)",
        "CosineDecay(0.01, 20, alpha=0.1, warmup_target=0.1, warmup_steps=3)",
        "CosineDecayRestarts(0.1, 3, t_mul=1.5, m_mul=0.7, alpha=0.1)",
        "InverseTimeDecay(0.1, 3, 0.5)",
    )
]
DENSE = "keras.layers.Dense(2)"
TEXTS = {
    **{name: stack(layers) for name, layers in LAYERS.items()},
    **{name: stack(DENSE, options) for name, options in METRICS.items()},
    **{loss: stack(DENSE, f"loss={loss}") for loss in LOSSES + RATES},
    **{each: stack(DENSE, f"optimizer={each}") for each in OPTIMIZERS + SCHEDULES},
}


def targets_for(text):
    sparse = "loss=" not in text or "Sparse" in text
    return TARGETS["sparse" if sparse else "hot"]


def drawn_seeds(model):
    """Return all seeds of a model's initializers, drawn or given."""
    found = []
    for layer in model.layers:
        for rule in vars(layer).values():
            if isinstance(rule, RandomInitializer):
                seed = rule.drawn_seed
                found.append(seed if isinstance(seed, int | None) else seed.state.tolist())
    return found


def keras_seeds(model):
    """Return all seeds of a Keras model's initializers."""
    found = []
    for layer in model.layers:
        for name in ("kernel_initializer", "bias_initializer", "gamma_initializer"):
            seed = getattr(getattr(layer, name, None), "seed", None)
            found.append(seed if isinstance(seed, int | None) else seed.state.numpy().tolist())
    return found


def equal_keras_models(one, other):
    """Check that two Keras models are the same, apart from the names that Keras renumbers."""
    assert unnumbered(other.get_config()) == unnumbered(one.get_config())
    assert keras_seeds(other) == keras_seeds(one)
    variables = [(model.variables, model.optimizer.variables) for model in (one, other)]
    for some, others in zip(*variables, strict=True):
        for own, copy in zip(some, others, strict=True):
            assert unnumbered(copy.name) == unnumbered(own.name)
            assert copy.dtype == own.dtype
            np.testing.assert_array_equal(copy.numpy(), own.numpy(), err_msg=own.name)
    written = [model.get_compile_config() for model in (one, other)]
    for each in written:
        del each["loss"]
    assert unnumbered(written[1]) == unnumbered(written[0])
    if not isinstance(one.loss, str):  # otherwise it comes back as the object with that name
        assert type(other.loss) is type(one.loss)
        assert other.loss.get_config() == one.loss.get_config()
        assert other.loss._fn_kwargs == one.loss._fn_kwargs


def unnumbered(config):
    """Return a config with tuples as lists, and without the numbers of seed generators."""
    if isinstance(config, dict):
        if config.get("class_name") == "__tuple__":
            return unnumbered(config["config"]["value"])
        return {key: unnumbered(value) for key, value in config.items()}
    if isinstance(config, (list, tuple)):
        return [unnumbered(each) for each in config]
    if isinstance(config, str):
        return re.sub(r"^(seed_generator|variable)_\d+$", r"\1", config)
    return config
