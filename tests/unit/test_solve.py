"""The solver: always a matching, close to the exact one on every kind of graph, and the same in any order of edges."""

from collections.abc import Callable
from functools import cache
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from matcher.errors import BadRequest
from matcher.solve import (
    Edges,
    Effort,
    edges,
    exact,
    nearly,
    solve,
    solve_half_edges,
    upper_bound,
    weight_of,
)

EFFORTS: tuple[Effort, ...] = ("fast", "best")
ROUNDING = 1e-9


def random_pairs(count: int, each: int, dice: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    u, v = dice.integers(0, count, (2, count * each))
    return u[u != v], v[u != v]


def sparse(count: int, dice: np.random.Generator) -> Edges:
    u, v = random_pairs(count, 6, dice)
    return edges(count, u, v, dice.random(len(u)))


def ties(count: int, dice: np.random.Generator) -> Edges:
    u, v = random_pairs(count, 6, dice)
    return edges(count, u, v, dice.integers(1, 4, len(u)))


def heavy_tail(count: int, dice: np.random.Generator) -> Edges:
    u, v = random_pairs(count, 6, dice)
    return edges(count, u, v, dice.pareto(1.1, len(u)))


def geometric(count: int, dice: np.random.Generator) -> Edges:
    at = dice.random((count, 2))
    u, v = random_pairs(count, 200, dice)
    near = np.exp(-np.linalg.norm(at[u] - at[v], axis=1) * np.sqrt(count) / 2)
    kept = near > np.quantile(near, 0.96)
    return edges(count, u[kept], v[kept], near[kept])


def greedy_traps(count: int, dice: np.random.Generator) -> Edges:
    """Paths 1, 1 + eps, 1: greedy takes the middle and half the weight."""
    first = np.arange(0, count - 3, 4)
    u, v = np.concatenate([first, first + 1, first + 2]), np.concatenate([first + 1, first + 2, first + 3])
    return edges(count, u, v, np.repeat([1.0, 1.0 + 1e-3, 1.0], len(first)))


def long_path(count: int, dice: np.random.Generator) -> Edges:
    at = np.arange(count - 1)
    return edges(count, at, at + 1, 1.0 + 1e-6 * (at % 2))


def odd_cycles(count: int, dice: np.random.Generator) -> Edges:
    first = np.arange(0, count - 4, 5)
    u = np.concatenate([first + i for i in range(5)] + [first[1:]])
    v = np.concatenate([first + (i + 1) % 5 for i in range(5)] + [first[:-1] + 2])
    return edges(count, u, v, dice.random(len(u)) + 1.0)


def triangles_in_a_chain(count: int, dice: np.random.Generator) -> Edges:
    """Nearly equal weights: two who are left alone lie many odd cycles apart."""
    first = np.arange(0, count - 2, 3)
    u = np.concatenate([first, first + 1, first, first[1:]])
    v = np.concatenate([first + 1, first + 2, first + 2, first[:-1]])
    return edges(count, u, v, 1.0 + 0.02 * dice.random(len(u)))


def triangles_anywhere(count: int, dice: np.random.Generator) -> Edges:
    first = np.arange(0, count - 2, 3)
    a, b = random_pairs(count - 2, 1, dice)
    u = np.concatenate([first, first + 1, first, a[::3]])
    v = np.concatenate([first + 1, first + 2, first + 2, b[::3]])
    return edges(count, u, v, 1.0 + 0.02 * dice.random(len(u)))


def stars(count: int, dice: np.random.Generator) -> Edges:
    leaves = np.arange(10, count)
    return edges(count, leaves % 10, leaves, dice.random(len(leaves)))


def two_hubs_of_equal_weight(count: int, dice: np.random.Generator) -> Edges:
    leaves = np.tile(np.arange(2, count), 2)
    return edges(count, np.repeat([0, 1], count - 2), leaves, np.ones(len(leaves)))


def complete(count: int, dice: np.random.Generator) -> Edges:
    pairs = np.array(list(combinations(range(count // 5), 2)))
    return edges(count, pairs[:, 0], pairs[:, 1], dice.random(len(pairs)))


SHAPES: list[Callable[[int, np.random.Generator], Edges]] = [
    sparse, ties, heavy_tail, geometric, greedy_traps, long_path, odd_cycles, triangles_in_a_chain, triangles_anywhere,
    stars, two_hubs_of_equal_weight, complete,
]  # fmt: skip
FEW, MANY = 400, 1_500
LEAST = {"fast": 0.985, "best": 0.99}


@cache
def shape(name: str, count: int = FEW) -> tuple[Edges, float]:
    made = next(one for one in SHAPES if one.__name__ == name)(count, np.random.default_rng(5))
    return made, weight_of(made, exact(made))


def is_matching(graph: Edges, mate: np.ndarray) -> bool:
    matched = np.flatnonzero(mate >= 0)
    joined = set(zip(graph.u.tolist(), graph.v.tolist(), strict=True))
    return bool((mate[mate[matched]] == matched).all()) and all(
        (min(x, y), max(x, y)) in joined for x, y in zip(matched.tolist(), mate[matched].tolist(), strict=True)
    )


def heaviest(graph: Edges) -> float:
    """By trying everything."""

    def best(left: list[tuple[int, int, float]]) -> float:
        if not left:
            return 0.0
        (a, b, weight), rest = left[0], left[1:]
        apart = [one for one in rest if not {a, b} & set(one[:2])]
        return max(best(rest), weight + best(apart))

    return best(list(zip(graph.u.tolist(), graph.v.tolist(), graph.w.tolist(), strict=True)))


@pytest.mark.parametrize("name", [one.__name__ for one in SHAPES])
@pytest.mark.parametrize("effort", EFFORTS)
@pytest.mark.parametrize("way", [solve, nearly])
def test_on_every_shape_the_weight_is_close_to_the_exact(
    name: str, effort: Effort, way: Callable[[Edges, Effort], np.ndarray]
) -> None:
    graph, best = shape(name, MANY if way is nearly else FEW)
    mate = way(graph, effort)
    assert is_matching(graph, mate)
    assert LEAST[effort] * best <= weight_of(graph, mate) <= best * (1 + ROUNDING)


@pytest.mark.parametrize("name", [one.__name__ for one in SHAPES])
def test_no_edge_weighs_more_than_the_potentials_of_its_ends_so_their_sum_is_a_bound(name: str) -> None:
    graph, best = shape(name)
    bound, potential = upper_bound(graph)
    assert (potential >= 0).all()
    assert (potential[graph.u] + potential[graph.v] >= graph.w - ROUNDING).all()
    assert bound == pytest.approx(potential.sum())
    assert best <= bound * (1 + ROUNDING)


@pytest.mark.parametrize("name", [one.__name__ for one in SHAPES])
def test_the_same_edges_in_any_order_and_direction_give_the_same_matching(name: str) -> None:
    graph, _ = shape(name)
    order = np.random.default_rng(1).permutation(len(graph.w))
    turned = edges(graph.count, graph.v[order], graph.u[order], graph.w[order])
    assert (solve(turned) == solve(graph)).all()


WEIGHTS = st.sampled_from([-1.0, 0.0, 0.5, 1.0, 1.0 + 1e-6, 2.0, 1e6])
NAMES = st.integers(0, 7)
SMALL = st.lists(st.tuples(NAMES, NAMES, WEIGHTS).filter(lambda edge: edge[0] != edge[1]), max_size=14)


@given(found=SMALL)
@settings(max_examples=100, deadline=None)
def test_a_small_graph_is_solved_exactly_and_negative_weights_are_never_taken(
    found: list[tuple[int, int, float]],
) -> None:
    graph = edges(8, *zip(*found, strict=True)) if found else edges(8, [], [], [])
    mate = solve(graph)
    assert is_matching(graph, mate)
    assert weight_of(graph, mate) == pytest.approx(heaviest(graph))
    assert weight_of(graph, mate) <= upper_bound(graph)[0] * (1 + ROUNDING)


@given(found=SMALL)
@settings(max_examples=100, deadline=None)
def test_the_fast_way_always_gives_a_matching_and_at_least_two_thirds(found: list[tuple[int, int, float]]) -> None:
    graph = edges(8, *zip(*found, strict=True)) if found else edges(8, [], [], [])
    mate = solve_half_edges(graph.half_edges(), "fast")
    assert is_matching(graph, mate)
    assert weight_of(graph, mate) >= heaviest(graph) * 2 / 3


def test_nobody_and_two_people_are_graphs_too() -> None:
    assert solve(edges(0, [], [], [])).tolist() == []
    assert solve(edges(500, [], [], [])).tolist() == [-1] * 500
    assert solve(edges(2, [1], [0], [0.3])).tolist() == [1, 0]
    assert solve(edges(2, [1], [0], [-0.3])).tolist() == [-1, -1]


def test_of_parallel_edges_the_heaviest_counts() -> None:
    graph = edges(2, [0, 1, 0], [1, 0, 1], [1.0, 3.0, 2.0])
    assert graph.w.tolist() == [3.0]


@pytest.mark.parametrize(
    ("u", "v", "w", "why"),
    [
        ([0], [0], [1.0], "themselves"),
        ([0], [2], [1.0], "outside"),
        ([-1], [1], [1.0], "outside"),
        ([0], [1], [float("nan")], "finite"),
        ([0], [1], [float("inf")], "finite"),
    ],
)
def test_what_is_no_edge_is_refused(u: list[int], v: list[int], w: list[float], why: str) -> None:
    with pytest.raises(BadRequest, match=why):
        edges(2, u, v, w)
