"""What tinynet leaves out on purpose, and what to write instead of it."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from opcode import opmap
from typing import NoReturn

import numpy as np

# What scripts may ask for that is no oversight: a pattern for the end of the dotted name, and why.
OUT_OF_SCOPE = [
    (
        r"(\w*Embedding|\w*LSTM\w*|\w*GRU(Cell)?|(Simple)?RNN(Cell)?|StackedRNNCells|Bidirectional|"
        r"TimeDistributed|RepeatVector|TextVectorization|StringLookup|IntegerLookup|Tokenizer|"
        r"pad_sequences|hashing_trick|text_to_word_sequence|TimeseriesGenerator|"
        r"(text|timeseries|audio)_dataset_from_\w+|ctc\w*|CTC|glu|\w*Spectrogram|STFT\w*|stft|"
        r"(preprocessing|legacy)\.(text|sequence)|"
        r"(preprocessing|layers)\.(text|sequence|recurrent\w*|embeddings)|datasets\.(imdb|reuters))",
        "tinynet has nothing for sequences such as text, speech or time series",
    ),
    (r"(\w*Attention\w*|\w*flash_attention\w*|EinsumDense)", "tinynet has no attention"),
    (r"(Masking|mask|compute_mask)", "tinynet has no masks: every entry of a sample counts"),
    (
        r"\w+DTranspose",
        "tinynet has no transposed convolution",
    ),
    (r"\w+[13]D", "tinynet convolves and pools images, in 2-D only"),
    (
        r"(applications(\.\w+)*|tensorflow_hub(\.\w+)*)",
        "tinynet has no pretrained networks; build and train one of your own",
    ),
    (
        r"((distribute|distribution|tpu|experimental\.dtensor)(\.\w+)*|DataParallel|ModelParallel)",
        "tinynet runs on one machine; its example data_parallel.py shares a batch between "
        "processes",
    ),
    (
        r"(mixed_precision(\.\w+)*|LossScaleOptimizer|(Float)?DTypePolicy|(set_)?dtype_policy|"
        r"float16|bfloat16)",
        "tinynet computes in float32 or float64: keras.backend.set_floatx('float64')",
    ),
    (
        r"(quantizers(\.\w+)*|dtype_policies(\.\w+)*|Quantizer|quantize)",
        "tinynet has no quantized weights",
    ),
    (
        r"(KerasClassifier|KerasRegressor|SKLearn\w+|wrappers(\.\w+)*|scikeras(\.\w+)*)",
        "scikit-learn's searches take tinynet.interop.sklearn.NetClassifier (or NetRegressor): "
        "network=make, with make(input_shape, n_outputs) returning a model, not compiled",
    ),
    (
        r"(tensorflow_datasets|tensorflow_addons|tensorflow_probability|keras_cv|keras_hub)(\.\w+)*",
        "it is a package of its own and needs TensorFlow; keras.datasets has data sets",
    ),
    (
        r"(export|ExportArchive|TFSMLayer|saved_model(\.\w+)*|lite(\.\w+)*)",
        "tinynet writes no TensorFlow files: model.save writes one that load_model reads",
    ),
    (
        r"ops(\.\w+)*",
        "tinynet computes with NumPy alone: write what NumPy has; a script that is run by "
        "python -m tinynet finds the most used functions of keras.ops",
    ),
    (
        r"(tree(\.\w+)*|nnx(\.\w+)*|Operation|Function|Variable|RematScope|"
        r"StatelessScope|SymbolicScope|device|name_scope|remat|set_backend|is_nnx_enabled|"
        r"result_type|standardize_dtype|is_float_dtype|is_int_dtype)",
        "tinynet computes with NumPy alone: write what NumPy has, or a layer of your own with "
        "forward and backward",
    ),
    (
        r"(JaxLayer|FlaxLayer|TorchModuleWrapper)",
        "tinynet cannot derive what another library computes",
    ),
    (
        r"random\.(beta|binomial|categorical|dropout|gamma|randint|shuffle)",
        "draw with np.random.default_rng(seed)",
    ),
    (
        r"(CategoryEncoding|Discretization|HashedCrossing|Hashing|FeatureSpace)",
        "scikit-learn makes numbers out of the columns of a table: OneHotEncoder, "
        "KBinsDiscretizer, FeatureHasher",
    ),
    (r"datasets\.(boston|california)_housing", "scikit-learn has tables: fetch_california_housing"),
    (
        r"(Dice|dice|Tversky|tversky|\w*IoU|MaxNumBoundingBoxes|bounding_boxes(\.\w+)*|"
        r"visualization(\.\w+)*)",
        "tinynet says what an image shows, not where: it has no segmentation and no boxes",
    ),
    (
        r"(Circle|circle|distillation(\.\w+)*)",
        "tinynet learns from labels and targets, not from distances or from other networks",
    ),
    (
        r"(AugMix|AutoContrast|CutMix|MixUp|Pipeline|RandAugment|Solarization|\w*Equalization|"
        r"Random(Brightness|Color\w+|ElasticTransform|Erasing|GaussianBlur|Grayscale|Hue|Invert|"
        r"Perspective|Posterization|Saturation|Sharpness|Shear))",
        "tinynet augments images with RandomFlip, RandomRotation, RandomTranslation, RandomZoom, "
        "RandomCrop and RandomContrast",
    ),
    (
        r"(Wrapper|SpectralNormalization)",
        "tinynet has no layers around other layers; a model can be a layer of another",
    ),
    (
        r"(Adafactor|Ftrl|Lamb|Muon|MultiOptimizer|OptimizerMap|ScheduleFreeAdamW)",
        "it is for networks far larger than tinynet's; there are SGD, RMSprop, Adam and their kin",
    ),
    (
        r"get_file",
        "pooch.retrieve(url, known_hash) downloads a file, and checks that it is the one you mean",
    ),
    (r"model_to_dot", "plot_model(model, 'model.dot') writes what Graphviz reads"),
    (
        r"(RemoteMonitor|OrbaxCheckpoint)",
        "tinynet writes to this machine's files only: CSVLogger, ModelCheckpoint",
    ),
]

# What TensorFlow's own functions become.
WRITE = {
    "GradientTape": "model.train_on_batch(x, y), or override train_step (tinynet/training.py): "
    "tinynet's layers have their derivatives written out, there is no tape",
    "function": "nothing: leave the decorator out, tinynet compiles a step by itself",
    "Variable": "np.array(...)",
    "Session": "nothing: a line is computed when it runs",
    "ConfigProto": "nothing: memory is taken when it is needed",
    "compat": "what TensorFlow 2 has in its place",
    "logging": "nothing: nobody writes there",
    "autograph": "nothing: nobody writes there",
    "run_functions_eagerly": "model.compile(run_eagerly=True)",
    "set_random_seed": "tf.random.set_seed",
    "placeholder": "keras.Input(shape)",
    "device": "nothing: tinynet computes on the processor",
    "image": "Pillow, scikit-image, or layers such as keras.layers.RandomFlip",
    "io": "open(...), or Pillow for images",
    "gfile": "open(...) and pathlib",
    "summary": "keras.callbacks.CSVLogger('log.csv')",
    "distribute": "nothing: tinynet runs on one machine",
    "estimator": "keras.Sequential",
    "feature_column": "pandas or scikit-learn's ColumnTransformer",
    "contrib": "keras",
    "reduce_std": "np.std",
    "reduce_variance": "np.var",
    "reduce_prod": "np.prod",
    "reduce_any": "np.any",
    "reduce_all": "np.all",
    "concat": "np.concatenate",
    "gather": "np.take",
    "pow": "np.power",
    "truediv": "np.true_divide",
    "random.normal": "np.random.default_rng(seed).normal",
    "random.uniform": "np.random.default_rng(seed).uniform",
    "random.shuffle": "np.random.default_rng(seed).permutation",
}


IMPORT_FROM = opmap["IMPORT_FROM"]  # what Python runs for each name of "from ... import ..."


def refuses(module: str) -> Callable[[str], NoReturn]:
    """Return the ``__getattr__`` of a module: it is asked for the names that are not there.

    Python keeps nothing of an AttributeError that a ``from ... import ...`` meets, so that line
    gets the sentence as an ImportError.
    """

    def missing(name: str) -> NoReturn:
        said = f"module {module!r} has no attribute {name!r}"
        why = why_left_out(f"{module}.{name}")
        asking = sys._getframe(1)
        if asking.f_code.co_name == "__getattr__":  # of tinynet itself, which imports its parts
            asking = asking.f_back or asking
        if why and asking.f_code.co_code[asking.f_lasti] == IMPORT_FROM:
            raise ImportError(f"cannot import name {name!r} from {module!r}: {why}", name=module)
        raise AttributeError(f"{said}: {why}" if why else said, name=name)

    return missing


def why_left_out(path: str) -> str:
    """Return the sentence for a dotted name that is out of scope; "" if it is not."""
    for pattern, sentence in OUT_OF_SCOPE:
        if re.search(rf"(^|\.){pattern}$", path):
            return sentence
    return ""


def what_to_write(path: str) -> str:
    """Return what stands for a name of TensorFlow's, "tensorflow.math.sqrt": here np.sqrt."""
    parts = path.split(".")[1:]
    for start in range(len(parts)):
        for end in range(len(parts), start, -1):
            if found := WRITE.get(".".join(parts[start:end])):
                return found
    name = parts[-1] if parts else ""
    return f"np.{name}" if hasattr(np, name) and not name.startswith("_") else "it with NumPy"
