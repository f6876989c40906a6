"""Mutants of a Python file: each is the file with one small change that a test should notice.

Most changes are cosmic-ray's. Those that read well but mean nothing are left out: type hints, decorators, texts.
"""

import ast
import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import parso
from cosmic_ray.ast import Visitor, ast_nodes, get_ast
from cosmic_ray.operators.operator import Operator
from cosmic_ray.operators.provider import OperatorProvider

# Those of cosmic-ray's 190 operators that challenge a test: a moved border, a reversed condition, a removed branch.
_NAMES = """
    AddNot ReplaceTrueWithFalse ReplaceFalseWithTrue ReplaceAndWithOr ReplaceOrWithAnd ReplaceBreakWithContinue
    ReplaceContinueWithBreak ExceptionReplacer NumberReplacer ZeroIterationForLoop ReplaceUnaryOperator_Delete_Not
    ReplaceUnaryOperator_Delete_USub
    ReplaceComparisonOperator_Eq_NotEq ReplaceComparisonOperator_NotEq_Eq ReplaceComparisonOperator_Is_IsNot
    ReplaceComparisonOperator_IsNot_Is ReplaceComparisonOperator_Lt_LtE ReplaceComparisonOperator_LtE_Lt
    ReplaceComparisonOperator_Gt_GtE ReplaceComparisonOperator_GtE_Gt
    ReplaceBinaryOperator_Add_Sub ReplaceBinaryOperator_Sub_Add ReplaceBinaryOperator_Mul_FloorDiv
    ReplaceBinaryOperator_FloorDiv_Mul ReplaceBinaryOperator_Mod_Mul ReplaceBinaryOperator_BitOr_BitAnd
    ReplaceBinaryOperator_BitAnd_BitOr ReplaceBinaryOperator_LShift_RShift ReplaceBinaryOperator_RShift_LShift
"""


class NegateFilter(Operator):
    """`[x for x in xs if x]` → `[x for x in xs if not (x)]`."""

    def mutation_positions(self, node):
        if node.type in ("comp_if", "old_comp_if"):
            yield node.children[1].start_pos, node.children[1].end_pos

    def mutate(self, node, index):
        node.children[1] = parso.parse(f" not ({node.children[1].get_code().strip()})")
        return node

    @classmethod
    def examples(cls):
        return ()


class ReturnNone(Operator):
    """`return x` → `return None`; `return False` stays, because most callers only ask whether it is true."""

    def mutation_positions(self, node):
        if node.type == "return_stmt" and node.children[1].get_code().strip() not in ("None", "False"):
            yield node.children[1].start_pos, node.children[1].end_pos

    def mutate(self, node, index):
        node.children[1] = parso.parse(" None")
        return node

    @classmethod
    def examples(cls):
        return ()


class DropStatement(Operator):
    """A call, a `raise` or an assignment like `x += 1` → `pass`."""

    def mutation_positions(self, node):
        if node.type == "simple_stmt" and self._acts(node.children[0]):
            yield node.children[0].start_pos, node.children[0].end_pos

    def mutate(self, node, index):
        node.children[0] = parso.parse(node.get_first_leaf().prefix + "pass")
        return node

    @staticmethod
    def _acts(statement) -> bool:
        if statement.type == "expr_stmt":
            return statement.children[1].type == "operator" and statement.children[1].value != "="
        return statement.type in ("raise_stmt", "atom_expr")

    @classmethod
    def examples(cls):
        return ()


_OURS = {each.__name__: each for each in (NegateFilter, ReturnNone, DropStatement)}
_OPERATORS = {name: OperatorProvider()[name]() for name in _NAMES.split()} | {n: each() for n, each in _OURS.items()}


@dataclass(frozen=True)
class Mutant:
    """One change of one file: the occurrence-th place at which the operator can change it."""

    path: str
    line: int
    column: int
    operator: str
    occurrence: int
    text: str  # the line as it was, stripped: a file that has changed since is noticed

    def apply(self, source: str) -> str | None:
        """Return the changed source, or None if the file has changed in between or the change is not valid Python."""
        lines = source.splitlines()
        if self.line > len(lines) or lines[self.line - 1].strip() != self.text:
            return None
        changed = _Change(self.operator, self.occurrence).walk(get_ast(source)).get_code()
        try:
            ast.parse(changed)
        except SyntaxError:
            return None
        return changed if changed != source else None


class _Change(Visitor):
    def __init__(self, operator: str, occurrence: int):
        self._operator = _OPERATORS[operator]
        self._left = occurrence

    def visit(self, node):
        for index, _ in enumerate(self._operator.mutation_positions(node)):
            self._left -= 1
            if self._left == -1:
                return self._operator.mutate(node, index)
        return node


def mutants(path: str, source: str) -> Iterator[Mutant]:
    """Every mutant of a file, in the order of the source."""
    lines = source.splitlines()
    meaningless = list(_meaningless(source))
    occurrences: dict[str, int] = defaultdict(int)
    for node in ast_nodes(get_ast(source)):
        for name, operator in _OPERATORS.items():
            for place, _ in operator.mutation_positions(node):
                occurrence = occurrences[name]
                occurrences[name] += 1
                if not any(start <= place < end for start, end in meaningless):
                    yield Mutant(path, *place, name, occurrence, lines[place[0] - 1].strip())


def _meaningless(source: str) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """(start, end) of type hints and decorators, as (line, column)."""
    lines = source.encode().splitlines()

    def place(line: int, offset: int) -> tuple[int, int]:
        return line, len(lines[line - 1][:offset].decode())

    for node in ast.walk(ast.parse(source)):
        hints = [getattr(node, "annotation", None), getattr(node, "returns", None)]
        hints += getattr(node, "decorator_list", [])
        if isinstance(node, ast.BinOp) and ast.unparse(node.right) in ("None", "int", "float", "str", "bytes"):
            hints.append(node)  # `int | float` is a type outside an annotation too
        for hint in filter(None, hints):
            yield place(hint.lineno, hint.col_offset), place(hint.end_lineno, hint.end_col_offset)


def sample(root: Path, package: str, size: int, seed: int) -> list[Mutant]:
    """Return `size` mutants of a package at random: a file by its lines, then a place in it, then a change there."""
    choose = random.Random(f"{seed} {package}")
    places: dict[str, list[list[Mutant]]] = {}
    weights: dict[str, int] = {}
    sources: dict[str, str] = {}
    for file in sorted((root / package).rglob("*.py")):
        path = file.relative_to(root).as_posix()
        sources[path] = source = file.read_text()
        by_place = defaultdict(list)
        for mutant in mutants(path, source):
            by_place[mutant.line, mutant.column].append(mutant)
        if file.name != "__init__.py" and by_place:
            places[path], weights[path] = list(by_place.values()), source.count("\n")
    chosen: list[Mutant] = []
    while len(chosen) < size and places:
        path = choose.choices(list(places), [weights[path] for path in places])[0]
        mutant = choose.choice(places[path].pop(choose.randrange(len(places[path]))))
        if mutant.apply(sources[path]) is not None:
            chosen.append(mutant)
        if not places[path]:
            del places[path]
    return chosen
