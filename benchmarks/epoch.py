"""One epoch of the full Fashion-MNIST network: tinynet and Keras, in turn.

    python benchmarks/epoch.py --batch-size 128 --rounds 5

Each round starts a fresh process for each library, which trains the same network on the same
48,000 images for two epochs and times the second, so that neither compilation nor the first
touch of memory is counted. The table gives the median and the range over the rounds.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time

LIBRARIES = ("tinynet", "keras")


def seconds_of_an_epoch(library: str, batch_size: int) -> float:
    """Train in this process; return the seconds of the second epoch."""
    if library == "keras":
        import keras as nn
    else:
        import tinynet as nn
    import tinynet

    try:
        (x, y), _ = tinynet.datasets.fashion_mnist.load_data()
    except tinynet.datasets.DatasetError:
        x, y = tinynet.datasets.drawn_apparel(60_000)
    x, y = x[:48_000].astype("float32") / 255, y[:48_000]
    nn.utils.set_random_seed(0)
    model = nn.Sequential([nn.Input((28, 28)), nn.layers.Flatten()])
    for units in (256, 128, 64):
        model.add(nn.layers.Dense(units))
        model.add(nn.layers.BatchNormalization())
        model.add(nn.layers.ReLU())
        model.add(nn.layers.Dropout(0.3))
    model.add(nn.layers.Dense(10, activation="softmax"))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    ends: list[float] = []
    watch = nn.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: ends.append(time.perf_counter())
    )
    model.fit(x, y, batch_size=batch_size, epochs=2, verbose=0, callbacks=[watch])
    return ends[1] - ends[0]


def main() -> None:
    """Time both in turn and print the table."""
    parser = argparse.ArgumentParser(description="Time an epoch of tinynet and of Keras in turn.")
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=LIBRARIES, help="time one library in this process")
    args = parser.parse_args()
    if args.only:
        print(json.dumps(seconds_of_an_epoch(args.only, args.batch_size)))
        return
    times: dict[str, list[float]] = {library: [] for library in LIBRARIES}
    for _ in range(args.rounds):
        for library in LIBRARIES:
            command = [sys.executable, __file__, "--only", library]
            command += ["--batch-size", str(args.batch_size)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            times[library].append(json.loads(done.stdout.splitlines()[-1]))
    print(f"one epoch, 48,000 images, batch {args.batch_size}, {args.rounds} rounds in turn")
    for library, seconds in times.items():
        low, middle, high = min(seconds), statistics.median(seconds), max(seconds)
        print(f"{library:8} median {middle:.2f} s ({low:.2f} to {high:.2f})")
    ratios = [b / a for a, b in zip(times["tinynet"], times["keras"], strict=True)]
    low, middle, high = min(ratios), statistics.median(ratios), max(ratios)
    print(f"Keras / tinynet, round by round: median {middle:.2f} ({low:.2f} to {high:.2f})")


if __name__ == "__main__":
    main()
