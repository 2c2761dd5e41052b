"""Full pairings: everybody who can be paired is, and the sum of weights is the largest possible.

Place in the flow: scores -> **pairing** -> eval. The one function that another exact solver can replace.
"""

from matcher.features import Floats, Ints

WEIGHT_STEPS = 1_000_000
"""The solver counts in whole numbers."""


def full_pairing(left: Ints, right: Ints, weight: Floats) -> Ints:
    """The places of the chosen pairs: as many pairs as possible, and of those the heaviest set (Galil 1986)."""
    import numpy as np
    import rustworkx

    graph = rustworkx.PyGraph(multigraph=False)
    graph.add_nodes_from(range(int(max(left.max(initial=-1), right.max(initial=-1))) + 1))
    steps = np.rint(weight * WEIGHT_STEPS).astype(int).tolist()
    ends = zip(left.tolist(), right.tolist(), strict=True)
    graph.add_edges_from([(a, b, (step, at)) for at, ((a, b), step) in enumerate(zip(ends, steps, strict=True))])
    chosen = rustworkx.max_weight_matching(graph, max_cardinality=True, weight_fn=lambda edge: edge[0])
    return np.sort(np.array([graph.get_edge_data(a, b)[1] for a, b in chosen], dtype=np.int64))
