"""The layers that are compared with Keras in test_layers.py, each with the shape of its input."""

VECTORS, IMAGES = (6, 5), (4, 3, 3, 2)
PICTURES, MANY_CHANNELS = (2, 7, 6, 3), (2, 5, 6, 9)  # the latter as rows for matrix products
IN_TILES = (2, 7, 6, 18)  # enough channels to be convolved in tiles
SEVERAL = (9, 7, 6, 2)  # images, each with its own random numbers
FILL_MODES = ("constant", "nearest", "reflect", "wrap")

# Piece: texts of layers, each with the shape of its input.
CASES = {
    "layers.Input": [
        ("keras.Input((5,))", VECTORS),
        ("keras.Input(shape=[3, 3, 2], name='images')", IMAGES),
        ("keras.Input((5,), dtype='float32')", VECTORS),
    ],
    "layers.Dense": [
        ("keras.layers.Dense(4)", VECTORS),
        ("keras.layers.Dense(96)", (64, 100)),  # products so large that they go in halves
        ("keras.layers.Dense(4, use_bias=False)", VECTORS),
        ("keras.layers.Dense(1, activation='sigmoid')", VECTORS),
        ("keras.layers.Dense(4, activation='relu', kernel_initializer='he_normal')", VECTORS),
        ("keras.layers.Dense(4, activation='softmax', bias_initializer='ones')", VECTORS),
        ("keras.layers.Dense(4, activation='tanh')", (2, 3, 5)),
        ("keras.layers.Dense(3, bias_initializer=keras.initializers.Constant(0.1))", (2, 2, 3, 5)),
    ],
    "layers.Activation": [
        ("keras.layers.Activation('elu')", VECTORS),
        ("keras.layers.Activation(keras.activations.softplus)", IMAGES),
    ],
    "layers.ReLU": [
        ("keras.layers.ReLU()", VECTORS),
        ("keras.layers.ReLU(max_value=0.7)", VECTORS),
        ("keras.layers.ReLU(max_value=6)", VECTORS),
        ("keras.layers.ReLU(negative_slope=0.1)", VECTORS),
        ("keras.layers.ReLU(max_value=0.9, negative_slope=0.1, threshold=0.3)", VECTORS),
    ],
    "layers.LeakyReLU": [
        ("keras.layers.LeakyReLU()", VECTORS),
        ("keras.layers.LeakyReLU(negative_slope=0.05)", IMAGES),
    ],
    "layers.ELU": [("keras.layers.ELU()", VECTORS), ("keras.layers.ELU(alpha=1.7)", VECTORS)],
    "layers.Softmax": [
        ("keras.layers.Softmax()", VECTORS),
        ("keras.layers.Softmax(axis=1)", (2, 3, 4)),
    ],
    "layers.Flatten": [("keras.layers.Flatten()", IMAGES), ("keras.layers.Flatten()", VECTORS)],
    "layers.Reshape": [
        ("keras.layers.Reshape((3, 6))", IMAGES),
        ("keras.layers.Reshape((-1, 2))", IMAGES),
    ],
    "layers.Rescaling": [
        ("keras.layers.Rescaling(1 / 255)", IMAGES),
        ("keras.layers.Rescaling(1 / 127.5, offset=-1)", VECTORS),
        # A list goes through float32; an array stays what it is.
        ("keras.layers.Rescaling([0.1, 0.2], offset=[-0.7, 1 / 3])", IMAGES),
        ("keras.layers.Rescaling(np.array([0.1, 0.2]), offset=np.full(2, 0.7))", IMAGES),
    ],
    "layers.BatchNormalization": [
        ("keras.layers.BatchNormalization()", VECTORS),
        ("keras.layers.BatchNormalization()", IMAGES),
        ("keras.layers.BatchNormalization(axis=1)", IMAGES),
        ("keras.layers.BatchNormalization(momentum=0.6, epsilon=0.1)", VECTORS),
        ("keras.layers.BatchNormalization(center=False)", VECTORS),
        ("keras.layers.BatchNormalization(scale=False)", VECTORS),
        ("keras.layers.BatchNormalization(center=False, scale=False)", (2, 3, 5)),
        (
            "keras.layers.BatchNormalization(beta_initializer='ones', "
            "gamma_initializer=keras.initializers.RandomNormal(1.0, 0.2, seed=1))",
            VECTORS,
        ),
        ("keras.layers.BatchNormalization(trainable=False)", VECTORS),
    ],
    "layers.LayerNormalization": [
        ("keras.layers.LayerNormalization()", VECTORS),
        ("keras.layers.LayerNormalization()", IMAGES),
        ("keras.layers.LayerNormalization(axis=1, epsilon=0.1)", IMAGES),
        ("keras.layers.LayerNormalization(axis=[3, 1])", IMAGES),
        ("keras.layers.LayerNormalization(center=False)", VECTORS),
        (
            "keras.layers.LayerNormalization(scale=False, beta_initializer='ones')",
            VECTORS,
        ),
    ],
    "layers.Conv2D": [
        ("keras.layers.Conv2D(4, 3)", PICTURES),
        ("keras.layers.Conv2D(3, (2, 1), strides=(1, 2))", PICTURES),
        ("keras.layers.Conv2D(4, (2, 3), bias_initializer='ones')", MANY_CHANNELS),
        ("keras.layers.Conv2D(3, 3, padding='same', activation='relu')", PICTURES),
        ("keras.layers.Conv2D(3, 3, padding='same', use_bias=False)", MANY_CHANNELS),
        ("keras.layers.Conv2D(3, (2, 3), strides=(3, 2))", PICTURES),
        ("keras.layers.Conv2D(3, (3, 2), strides=2, padding='same')", MANY_CHANNELS),
        ("keras.layers.Conv2D(3, 4, strides=3, padding='same')", PICTURES),
        ("keras.layers.Conv2D(3, 2, dilation_rate=(2, 3))", PICTURES),
        ("keras.layers.Conv2D(3, 3, dilation_rate=2, padding='same')", MANY_CHANNELS),
        ("keras.layers.Conv2D(5, 1, activation='softmax')", MANY_CHANNELS),
        ("keras.layers.Conv2D(16, 3, activation='relu')", IN_TILES),
        ("keras.layers.Conv2D(17, 3, padding='same')", IN_TILES),
    ],
    "layers.DepthwiseConv2D": [
        ("keras.layers.DepthwiseConv2D(3)", PICTURES),
        ("keras.layers.DepthwiseConv2D((2, 3), depth_multiplier=2)", MANY_CHANNELS),
        ("keras.layers.DepthwiseConv2D(3, 2, 'same', activation='relu')", PICTURES),
        ("keras.layers.DepthwiseConv2D(2, dilation_rate=2, use_bias=False)", PICTURES),
    ],
    "layers.SeparableConv2D": [
        ("keras.layers.SeparableConv2D(4, 3)", PICTURES),
        ("keras.layers.SeparableConv2D(4, (2, 3), depth_multiplier=2)", MANY_CHANNELS),
        ("keras.layers.SeparableConv2D(4, 3, 2, 'same', activation='tanh')", PICTURES),
        ("keras.layers.SeparableConv2D(4, 2, dilation_rate=2, use_bias=False)", PICTURES),
    ],
    "layers.MaxPooling2D": [
        ("keras.layers.MaxPooling2D()", PICTURES),
        ("keras.layers.MaxPooling2D((3, 2), strides=1)", PICTURES),
        ("keras.layers.MaxPooling2D(2, padding='same')", PICTURES),
        ("keras.layers.MaxPooling2D(3, strides=2, padding='same')", PICTURES),
        ("keras.layers.MaxPooling2D(2, strides=(3, 3))", PICTURES),
    ],
    "layers.AveragePooling2D": [
        ("keras.layers.AveragePooling2D(2)", PICTURES),
        ("keras.layers.AveragePooling2D((3, 2), strides=1)", PICTURES),
        ("keras.layers.AveragePooling2D(2, padding='same')", PICTURES),
        ("keras.layers.AveragePooling2D(3, strides=2, padding='same')", PICTURES),
    ],
    "layers.GlobalAveragePooling2D": [
        ("keras.layers.GlobalAveragePooling2D()", PICTURES),
        ("keras.layers.GlobalAveragePooling2D(keepdims=True)", PICTURES),
    ],
    "layers.GlobalMaxPooling2D": [
        ("keras.layers.GlobalMaxPooling2D()", PICTURES),
        ("keras.layers.GlobalMaxPooling2D(keepdims=True)", PICTURES),
    ],
    "layers.ZeroPadding2D": [
        ("keras.layers.ZeroPadding2D()", PICTURES),
        ("keras.layers.ZeroPadding2D(2)", PICTURES),
        ("keras.layers.ZeroPadding2D((1, 3))", PICTURES),
        ("keras.layers.ZeroPadding2D(((1, 0), (0, 2)))", PICTURES),
    ],
    "layers.SpatialDropout2D": [
        ("keras.layers.SpatialDropout2D(0.5)", PICTURES),
        ("keras.layers.SpatialDropout2D(0.3, seed=3)", MANY_CHANNELS),
    ],
    "layers.RandomFlip": [
        ("keras.layers.RandomFlip()", SEVERAL),
        ("keras.layers.RandomFlip('horizontal', seed=3)", SEVERAL),
        ("keras.layers.RandomFlip('vertical')", SEVERAL),
    ],
    "layers.RandomRotation": [
        ("keras.layers.RandomRotation(0.1)", SEVERAL),
        ("keras.layers.RandomRotation((-1, 0.3), seed=3)", SEVERAL),
        *(
            (f"keras.layers.RandomRotation(0.5, {mode!r}, {interpolation!r}, 3, 0.3)", SEVERAL)
            for mode in FILL_MODES
            for interpolation in ("nearest", "bilinear")
        ),
    ],
    "layers.RandomZoom": [
        ("keras.layers.RandomZoom(0.3)", SEVERAL),
        ("keras.layers.RandomZoom((-0.7, -0.2), seed=3)", SEVERAL),
        ("keras.layers.RandomZoom((0.2, 1.0), 0.3)", SEVERAL),
        *((f"keras.layers.RandomZoom(0.5, [0.9, 0.1], {mode!r})", SEVERAL) for mode in FILL_MODES),
        ("keras.layers.RandomZoom(0.9, interpolation='nearest')", SEVERAL),
    ],
    "layers.RandomTranslation": [
        ("keras.layers.RandomTranslation(0.3, 0.2)", SEVERAL),
        ("keras.layers.RandomTranslation((-0.1, 0.4), (0.5, 0.5), seed=3)", SEVERAL),
        *((f"keras.layers.RandomTranslation(0.9, 1, {mode!r})", SEVERAL) for mode in FILL_MODES),
        ("keras.layers.RandomTranslation(1, 0.3, 'wrap', 'nearest')", SEVERAL),
    ],
    "layers.RandomContrast": [
        ("keras.layers.RandomContrast(0.5)", SEVERAL),
        ("keras.layers.RandomContrast(0.5, value_range=(-1, 1))", SEVERAL),
        ("keras.layers.RandomContrast((0.9, 0.2), value_range=(-10, 10), seed=3)", SEVERAL),
    ],
    "layers.RandomCrop": [
        ("keras.layers.RandomCrop(3, 4)", SEVERAL),
        ("keras.layers.RandomCrop(3, 4, seed=3)", SEVERAL),
        ("keras.layers.RandomCrop(7, 5)", SEVERAL),  # as high as the images: from the middle
        ("keras.layers.RandomCrop(2, 6)", SEVERAL),
    ],
    "layers.Dropout": [
        ("keras.layers.Dropout(0.0)", VECTORS),
        ("keras.layers.Dropout(0.3)", VECTORS),
        ("keras.layers.Dropout(0.5, seed=3)", IMAGES),
        ("keras.layers.Dropout(0.4, noise_shape=(None, 1, 1, 2))", IMAGES),
        ("keras.layers.Dropout(0.99)", (50, 7)),
    ],
    "layers.AlphaDropout": [
        ("keras.layers.AlphaDropout(0.3)", VECTORS),
        ("keras.layers.AlphaDropout(0)", VECTORS),
        ("keras.layers.AlphaDropout(0.5, noise_shape=(None, 1, 1, 2), seed=3)", IMAGES),
    ],
    "layers.GaussianDropout": [
        ("keras.layers.GaussianDropout(0.3)", VECTORS),
        ("keras.layers.GaussianDropout(0.0)", VECTORS),
        ("keras.layers.GaussianDropout(0.9, seed=2)", IMAGES),
    ],
    "layers.ActivityRegularization": [
        ("keras.layers.ActivityRegularization()", VECTORS),
        ("keras.layers.ActivityRegularization(l1=0.0, l2=0.0)", IMAGES),
    ],
    "layers.PReLU": [
        ("keras.layers.PReLU()", VECTORS),
        ("keras.layers.PReLU('he_normal')", VECTORS),
        ("keras.layers.PReLU(keras.initializers.Constant(0.3), shared_axes=[1, 2])", IMAGES),
        ("keras.layers.PReLU('ones', shared_axes=2)", IMAGES),
        ("keras.layers.PReLU(keras.initializers.RandomNormal(seed=3), shared_axes=(3,))", IMAGES),
    ],
    "layers.UnitNormalization": [
        ("keras.layers.UnitNormalization()", VECTORS),
        ("keras.layers.UnitNormalization(axis=1)", IMAGES),
        ("keras.layers.UnitNormalization(axis=[1, 3])", IMAGES),
    ],
    "layers.Permute": [
        ("keras.layers.Permute((2, 1))", (2, 3, 4)),
        ("keras.layers.Permute([3, 1, 2])", IMAGES),
        ("keras.layers.Permute((1,))", VECTORS),
    ],
    "layers.Lambda": [
        ("keras.layers.Lambda(lambda x: x * 0.25 + 1)", IMAGES),
        ("keras.layers.Lambda(lambda x: x[:, ::-1] - x ** 2)", VECTORS),
        ("keras.layers.Lambda(lambda x, n: x[:, :n], arguments={'n': 2})", VECTORS),
        ("keras.layers.Lambda(lambda x, training: 3 * x if training else x)", VECTORS),
        ("keras.layers.Lambda(lambda x: x[:, None] * x[:, :, None])", (4, 3)),
    ],
    "layers.Cropping2D": [
        ("keras.layers.Cropping2D()", PICTURES),
        ("keras.layers.Cropping2D(1)", PICTURES),
        ("keras.layers.Cropping2D((1, 2))", PICTURES),
        ("keras.layers.Cropping2D(((3, 0), (0, 2)))", PICTURES),
    ],
    "layers.UpSampling2D": [
        ("keras.layers.UpSampling2D()", PICTURES),
        ("keras.layers.UpSampling2D(3)", IMAGES),
        ("keras.layers.UpSampling2D((1, 3), interpolation='nearest')", PICTURES),
    ],
    "layers.GaussianNoise": [
        ("keras.layers.GaussianNoise(0.0)", VECTORS),
        ("keras.layers.GaussianNoise(0.5, seed=2)", VECTORS),
    ],
}

# Shapes and weights for which some inputs leave nothing but rounding errors.
VANISHING = {
    "layers.Dense": [
        ("keras.layers.Dense(1, activation='softmax')", VECTORS),  # one class: always 1
        ("keras.layers.Dense(4, kernel_initializer='zeros')", VECTORS),
        ("keras.layers.Dense(4, activation='relu', kernel_initializer='ones')", VECTORS),
    ],
    "layers.Softmax": [
        ("keras.layers.Softmax()", (6, 1)),
        ("keras.layers.Softmax(axis=1)", (2, 1, 4)),
    ],
    "layers.BatchNormalization": [
        ("keras.layers.BatchNormalization()", (1, 5)),
        ("keras.layers.BatchNormalization()", (6, 1)),
        ("keras.layers.BatchNormalization(momentum=0.0)", VECTORS),
        ("keras.layers.BatchNormalization(gamma_initializer='zeros')", VECTORS),
    ],
    "layers.LayerNormalization": [
        ("keras.layers.LayerNormalization()", (6, 1)),
        ("keras.layers.LayerNormalization()", (1, 5)),
        ("keras.layers.LayerNormalization(axis=1)", (4, 1, 3, 2)),
    ],
    "layers.Rescaling": [("keras.layers.Rescaling(2.0, offset=-2.0)", VECTORS)],
    "layers.Conv2D": [
        ("keras.layers.Conv2D(1, 1, activation='softmax')", PICTURES),
        ("keras.layers.Conv2D(3, 2, kernel_initializer='ones')", PICTURES),
        ("keras.layers.Conv2D(16, 3, kernel_initializer='ones')", IN_TILES),
    ],
    "layers.DepthwiseConv2D": [
        ("keras.layers.DepthwiseConv2D(2, depthwise_initializer='ones')", PICTURES)
    ],
    "layers.GlobalAveragePooling2D": [("keras.layers.GlobalAveragePooling2D()", (2, 1, 1, 3))],
    "layers.RandomContrast": [
        ("keras.layers.RandomContrast((1.0, 0.0), value_range=(-1, 1))", SEVERAL),
        ("keras.layers.RandomContrast(0.5, value_range=(-1, 1))", (9, 1, 1, 2)),
    ],
}
