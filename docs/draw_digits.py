"""The picture of digits on the home page and in the README, for light and for dark pages.

    python docs/draw_digits.py

It writes docs/images/digits-light.png and digits-dark.png.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skdigitnet import BackpropMLPClassifier
from skdigitnet.plotting import DigitGridDisplay

IMAGES = Path(__file__).resolve().parent / "images"
PAGES = {"light": ("#1f2328", "gray_r"), "dark": ("#e6edf3", "gray")}  # ink, colour map
N_COLUMNS = 5


def main() -> None:
    """Train, and draw a row of wrong test digits above two of right ones."""
    mpl.use("Agg")
    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X / 16, y, random_state=0)
    clf = BackpropMLPClassifier(random_state=0).fit(X_train, y_train)
    is_wrong = clf.predict(X_test) != y_test
    print(f"{is_wrong.sum()} of {len(y_test)} test digits are wrong.")
    wrong, right = np.flatnonzero(is_wrong)[:N_COLUMNS], np.flatnonzero(~is_wrong)
    rows = np.concatenate([wrong, right[: 2 * N_COLUMNS]])
    for page, (ink, cmap) in PAGES.items():
        with mpl.rc_context({"text.color": ink}):
            display = DigitGridDisplay.from_estimator(
                clf, X_test[rows], y_test[rows], n_columns=N_COLUMNS, cmap=cmap
            )
        display.figure_.savefig(IMAGES / f"digits-{page}.png", dpi=160, transparent=True)


if __name__ == "__main__":
    main()
