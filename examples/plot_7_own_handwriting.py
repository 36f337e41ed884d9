"""
====================
Your own handwriting
====================

From a photograph of a digit to its prediction: :func:`~skdigitnet.datasets.load_image` finds
the digit in a picture and turns it into a row like those that the network was trained on.
Nobody's handwriting comes with this example, so it makes photographs of images that the
network has not seen: enlarged, in blue ink, somewhere on lit paper. Put the name of a file of
yours in their place.
"""

# %%
# Train a network
# ---------------
# On MNIST if the environment variable SKDIGITNET_MNIST names the folder of its four files,
# on scikit-learn's digits otherwise. The last hundred images are not trained on.

import os
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image
from scipy import ndimage
from sklearn.datasets import load_digits

from skdigitnet import BackpropMLPClassifier
from skdigitnet.datasets import load_image, load_mnist
from skdigitnet.plotting import PredictionDisplay

if os.environ.get("SKDIGITNET_MNIST"):
    data_name, size = "MNIST", 28
    X, y = load_mnist(subset="train", return_X_y=True)
else:
    data_name, size = "load_digits", 8
    X, y = load_digits(return_X_y=True)
X_new, y_new = X[-100:], y[-100:]
scale = X.max()
network = BackpropMLPClassifier((100,), tol=0.001, random_state=0)
network.fit(X[:-100] / scale, y[:-100])
accuracy = network.score(X_new / scale, y_new)
print(f"{data_name}: accuracy {accuracy:.2f} on the hundred images as they are")

# %%
# Take photographs
# ----------------
# The light falls off to one side, the paper has grain, and the camera stores a JPEG file.

rng = np.random.default_rng(0)
folder = tempfile.TemporaryDirectory()


def photograph(row, name):
    """Write a colour photograph of an image in blue ink on paper."""
    zoom = 180 / size
    ink = ndimage.zoom(row.reshape(size, size) / scale, zoom, order=1).clip(0, 1)
    height, width = 400, 300
    top = rng.integers(30, height - len(ink) - 30)
    left = rng.integers(30, width - len(ink) - 30)
    stroke = np.zeros((height, width))
    stroke[top : top + len(ink), left : left + len(ink)] = ink
    paper = np.linspace(0.95, 0.6, width) + rng.normal(scale=0.01, size=(height, width))
    blue = np.array([0.15, 0.2, 0.5])
    color = paper[..., np.newaxis] * (1 - stroke[..., np.newaxis] * (1 - blue))
    file = Path(folder.name, name)
    Image.fromarray((255 * color.clip(0, 1)).astype(np.uint8)).save(file)
    return file


files = [photograph(row, f"photograph_{i}.jpg") for i, row in enumerate(X_new)]

# %%
# Read and predict
# ----------------
# ``size`` says for which data the row is: 28 for MNIST, 8 for scikit-learn's digits. Pixels
# must be scaled as they were for training.

rows = np.array([load_image(file, size=size) for file in files])
rows = rows if size == 28 else rows / scale
predicted = network.predict(rows)
accuracy_of_photographs = np.mean(predicted == y_new)
print(f"{accuracy_of_photographs:.2f} of the photographs are read right")

# %%
# A photograph, what :func:`~skdigitnet.datasets.load_image` makes of it, and how sure the
# network is.

figure, axes = plt.subplots(3, 3, figsize=(9, 8), layout="constrained")
for i, (photo, image, bars) in enumerate(axes):
    photo.imshow(Image.open(files[i]))
    photo.set(xticks=[], yticks=[], title=files[i].name)
    PredictionDisplay.from_estimator(network, rows[i], y_new[i], ax=[image, bars])
plt.show()
folder.cleanup()
