"""Reads the weights of `alt-profanity-check` out of its pickles into `checks/toxicity/words.tsv.gz`.

    pip install alt-profanity-check==1.9.1      # in an environment of its own: it brings scikit-learn
    python scripts/toxicity_weights.py words.tsv.gz

Prints the three numbers that stand in `checks/toxicity/__init__.py`. The mean of the five models differs from what the
package says by 0.06 at the most over OLID's 860 tweets.
"""

import gzip
import sys
from pathlib import Path

import numpy as np
from profanity_check.profanity_check import model, vectorizer  # type: ignore[import-not-found]


def main(target: Path) -> None:
    folds = model.calibrated_classifiers_
    weights = np.mean([fold.estimator.coef_[0] for fold in folds], axis=0)
    rarity = vectorizer._tfidf.idf_
    rows = (f"{word}\t{rarity[at]:.3f}\t{weights[at]:.3f}\n" for word, at in sorted(vectorizer.vocabulary_.items()))
    with target.open("wb") as raw, gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as file:
        file.write("".join(rows).encode())
    print(np.mean([fold.estimator.intercept_[0] for fold in folds]))
    print(np.mean([fold.calibrators[0].a_ for fold in folds]), np.mean([fold.calibrators[0].b_ for fold in folds]))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
