"""Metrics by their definitions, each sample looked at by itself: see figures.py. Zero where a definition divides by zero, as scikit-learn."""
import torch

from figures import keep, main, wave

N, C = 60, 5
scores = wave(N, C, seed=1)
target = (wave(N, seed=2, scale=2.49, shift=2.5)).floor().long()
predicted = scores.argmax(1)
target[:20] = predicted[:20]  # so that some are right
target[target == 4] = 3       # a class that is predicted, but never true


def ratio(a, b):
    return a / b if b else 0.0


pairs = list(zip(target.tolist(), predicted.tolist()))
counts = [[sum(p == (t, q) for p in pairs) for q in range(C)] for t in range(C)]
precision = [ratio(sum(t == q == c for t, q in pairs), sum(q == c for t, q in pairs)) for c in range(C)]
recall = [ratio(sum(t == q == c for t, q in pairs), sum(t == c for t, q in pairs)) for c in range(C)]
f1 = [ratio(2 * p * r, p + r) for p, r in zip(precision, recall)]
keep("classes", "target", target)
keep("classes", "counts", torch.tensor(counts))
keep("classes", "accuracy", sum(t == q for t, q in pairs) / N)
for k in range(1, C + 1):
    right = sum(t in sorted(range(C), key=lambda c: -row[c])[:k] for t, row in zip(target.tolist(), scores.tolist()))
    keep("classes", f"top {k}", right / N)
support = [sum(t == c for t, _ in pairs) for c in range(C)]
for name, by_class in (("precision", precision), ("recall", recall), ("f1", f1)):
    keep("classes", name, torch.tensor(by_class))
    keep("classes", f"{name} macro", sum(by_class) / C)
    keep("classes", f"{name} weighted", sum(v * s for v, s in zip(by_class, support)) / N)
keep("classes", "perplexity", torch.exp(torch.nn.functional.cross_entropy(scores, target)))

# Every pair of a positive and a negative sample; many scores are equal.
s = (wave(80, seed=3, scale=4)).round()
y = (wave(80, seed=4, shift=0.2) + 0.1 * s > 0).double()
wins = [(a > b) + 0.5 * (a == b) for a in s[y == 1].tolist() for b in s[y == 0].tolist()]
keep("auc", "target", y)
keep("auc", "auc", sum(wins) / len(wins))

main()
