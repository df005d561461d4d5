"""Which categories the passages of one text are sure of: the note in the novel, but not the novel about doctors.

Every passage is a chance of a mistake. Of a few passages one has to be the surer, the more there are. Of many, a
category counts when one of three things holds:

* one passage stands out of the text's own background: its evidence lies far from the median of all passages, measured
  in their spread. A long text that is vaguely medical throughout has a high median and a wide spread;
* a good part of all passages is about it: the text itself is;
* one passage is so sure that even the number of passages does not explain it.

Numbers only; knows no text.
"""

from __future__ import annotations

from typing import Any

import numpy as np

GROWTH = 0.35
"""One of n passages is sure enough when its doubt (1 - score) is at most n ** -GROWTH of what one passage may have."""
MANY = 8
"""From this many passages on a text has a background; ..."""
GROWTH_OF_MANY = 0.5
"""... and the doubt of a passage that does not stand out shrinks faster."""
FAR = 3.0
"""Spreads (of a normal distribution) from the median at which a passage stands out, ..."""
STANDS_OUT = 0.7
"""... if its score is at least this. ..."""
LEAST_SPREAD = 0.3
"""... Added to the spread, in logits: passages that are all alike have none."""
SUBSTANTIAL = 0.2
"""Share of the passages above the threshold of one passage at which the text itself is about it."""


def enough(logits: Any, scores: Any, thresholds: Any, harmless: int) -> Any:
    """For each class whether the passages (rows) are sure of it; the others stand against the class ``harmless``."""
    count, best = len(scores), scores.max(axis=0)
    if count < MANY:
        return best >= 1.0 - (1.0 - thresholds) * count**-GROWTH
    evidence = logits - logits[:, [harmless]]
    median = np.median(evidence, axis=0)
    spread = 1.4826 * np.median(np.abs(evidence - median), axis=0) + LEAST_SPREAD
    outlier = (evidence - median >= FAR * spread) & (scores >= np.maximum(thresholds, STANDS_OUT))
    substantial = (scores >= thresholds).mean(axis=0) >= SUBSTANTIAL
    certain = best >= 1.0 - (1.0 - thresholds) * count**-GROWTH_OF_MANY
    return outlier.any(axis=0) | substantial | certain
