"""The order in which the gallery shows the examples: from the first steps to the best networks."""

ORDER = (
    "xor",
    "another_dataset",
    "three_models",
    "dropout_ann",
    "fashion_mnist_ann",
    "multi_label",
    "write_your_own_layer",
    "tune_ann",
    "ann_vs_cnn",
    "augmentation",
    "best_mlp",
    "best_cnn",
    "data_parallel",
)


def place(filename):
    """Return an example's place; one that is not in the list comes last."""
    name = str(filename).removesuffix(".py")
    return (ORDER.index(name) if name in ORDER else len(ORDER)), name
