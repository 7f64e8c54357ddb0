"""One measurement of one library, in this process, printed as a line of JSON.

    python -m benchmarks.worker train "tinynet, all threads" --data FOLDER --batch-size 128
    python -m benchmarks.worker predict JAX --data FOLDER

FOLDER holds images.npy and labels.npy, as race.py writes them, so that no library has to wait for
the loader of another.
"""

import argparse
import importlib
import json
import resource
import time
from pathlib import Path
from typing import Any

import numpy as np

# Package, module in contenders/ and options of each. "1 thread" and "all threads" are those of
# NumPy's matrix products, which race.py sets, or of PyTorch. As installed, tinynet gives products
# one thread, and a second one takes half of what is large where that is faster.
CONTENDERS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "tinynet, all threads": ("tinynet", "keras_script", {}),
    "tinynet, as installed": ("tinynet", "keras_script", {}),
    "Keras on TensorFlow": ("keras", "keras_script", {}),
    "Keras, 32 steps a call": ("keras", "keras_script", {"steps_per_execution": 32}),
    "PyTorch, 1 thread": ("torch", "pytorch", {"threads": 1}),
    "PyTorch, all threads": ("torch", "pytorch", {}),
    "PyTorch, torch.compile": ("torch", "pytorch", {"compiled": True}),
    "JAX, one scan": ("jax", "jax_scan", {}),
    "JAX, one scan, rbg": ("jax", "jax_scan", {"generator": "rbg"}),
    "matrix products, all threads": ("numpy", "products", {}),
    "matrix products, 1 thread": ("numpy", "products", {}),
}
CALLS = 300
MANY = 10_000


def train(
    name: str, data: Path, batch_size: int, epochs: int, images_used: int | None, network: str
) -> dict[str, Any]:
    """Train; return the seconds of each epoch and the peak memory of the process."""
    package, module, options = CONTENDERS[name]
    contender = importlib.import_module(f"benchmarks.contenders.{module}")
    library = [importlib.import_module(package)] if module == "keras_script" else []
    images, labels = (np.load(data / f"{part}.npy")[:images_used] for part in ("images", "labels"))
    if network != "ann":
        options = {**options, "network": network}
    seconds = contender.train(*library, images, labels, batch_size, epochs, **options)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # MiB on Linux
    return {"seconds": seconds, "peak_mib": peak}


def predict(name: str, data: Path) -> dict[str, Any]:
    """Return the median of the seconds that predicting one image takes."""
    package, module, _ = CONTENDERS[name]
    contender = importlib.import_module(f"benchmarks.contenders.{module}")
    library = [importlib.import_module(package)] if module == "keras_script" else []
    images = np.load(data / "images.npy", mmap_mode="r")
    call = contender.predictor(*library)
    seconds = []
    for i in range(CALLS):
        image = np.ascontiguousarray(images[i : i + 1])
        start = time.perf_counter()
        call(image)
        seconds.append(time.perf_counter() - start)
    return {"seconds": float(np.median(seconds[CALLS // 3 :]))}


def use(name: str, data: Path) -> dict[str, float]:
    """Return the seconds that predicting and evaluating MANY images takes, in batches of 32."""
    from benchmarks.contenders import keras_script

    library = importlib.import_module(CONTENDERS[name][0])
    images, labels = np.load(data / "images.npy")[:MANY], np.load(data / "labels.npy")[:MANY]
    return keras_script.used(library, images, labels)


def start(data: Path) -> dict[str, Any]:
    """Make one training step with tinynet; return when it was done, by the machine's clock."""
    import tinynet
    from benchmarks.contenders import keras_script

    images, labels = (np.load(data / f"{name}.npy", mmap_mode="r") for name in ("images", "labels"))
    keras_script.compiled(tinynet).train_on_batch(images[:128], labels[:128])
    return {"done": time.monotonic()}


def main() -> None:
    """Measure what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("job", choices=["train", "predict", "use", "start", "peak"])
    parser.add_argument("name", choices=CONTENDERS)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--images", type=int, help="how many to train on; by default all")
    parser.add_argument("--network", choices=["ann", "cnn"], default="ann")
    args = parser.parse_args()
    if args.job == "train":
        sizes = args.batch_size, args.epochs, args.images
        found = train(args.name, args.data, *sizes, args.network)
    elif args.job == "predict":
        found = predict(args.name, args.data)
    elif args.job == "use":
        found = use(args.name, args.data)
    elif args.job == "start":
        found = start(args.data)
    else:
        from benchmarks.contenders import products

        found = {"gflops": products.peak()}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
