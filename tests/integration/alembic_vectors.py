"""Ask the real Alembic what it does with many graphs, and write the answers down for peer_plan.c.

    alembic_vectors.py SEED GRAPHS [--set-order]

Everything is derived from SEED. Alembic's own ScriptDirectory, RevisionMap and HeadMaintainer run in this process; only what
surrounds them is made up: revisions come from memory instead of files, in a load order of our choice (Alembic 1.8.1 takes the
order of the directory, later versions sort by name), and the version table only writes down its statements.

Where Alembic goes by the order of a Python set, its answer changes with PYTHONHASHSEED. That is so for revisions with several
dependencies. They are put in the order in which they are written, one of the orders that a set may have; with --set-order
they are left alone and the graph is marked, so that the reader compares what such graphs run, not in which order.

Output, fields separated by tabs, lists by commas, "-" for the empty list:

    G  name  class  exact|loose
    R  id  parents  dependencies  labels            in load order
    Q  command  rows  argument  verdict  difference  answer

verdict: "ok", "refused", or "set" (ok, but the order of the answer is not compared). difference: "-", or the name of a
deliberate difference (docs/alembic-differences.md): then verdict and answer are what this project says instead, worked out here
by other means than the library under test, and they are not what Alembic says. answer: steps "id|statements|rows after",
separated by ";", where the statements are I(nsert), U(pdate), D(elete), and id is empty for a stamp; a list of ids for
history, heads, realheads, bases, current, show; "id:label,label" lists separated by ";" for labels.
"""

import random
import sys
import types
import warnings

from alembic import util
from alembic.runtime import migration
from alembic.script import base as script_base

warnings.simplefilter("ignore")

RESERVED = ("head", "heads", "base", "current")


# ------------------------------------------------------------------------------------------------------------ graphs


class Rev:
    def __init__(self, rid, down=(), deps=(), labels=()):
        self.id, self.down, self.deps, self.labels = rid, list(down), list(deps), list(labels)


class Graph:
    """Revisions in load order, and our own idea of ancestors, independent of Alembic's and of the library's."""

    def __init__(self, name, kind, revs):
        self.name, self.kind, self.revs = name, kind, revs
        self.by_id = {r.id: r for r in revs}
        self.carrier = {label: r.id for r in revs for label in r.labels}
        self.parents = {r.id: r.down + [self.carrier.get(d, d) for d in r.deps] for r in revs}
        self._anc = {}

    def names(self):
        return list(self.by_id) + list(self.carrier)

    def anc(self, rid):
        if rid not in self._anc:
            found, todo = set(), [rid]
            while todo:
                x = todo.pop()
                if x not in found:
                    found.add(x)
                    todo.extend(self.parents[x])
            self._anc[rid] = found
        return self._anc[rid]

    def anc_of(self, ids):
        return set().union(*(self.anc(i) for i in ids)) if ids else set()

    def related(self, a, b):
        return a in self.anc(b) or b in self.anc(a)

    def full_name(self, name):
        """An id or label from itself or a prefix; None when there is none, or more than one."""
        if name in self.names():
            return name
        hits = [n for n in self.names() if len(n) > 3 and n.startswith(name)]
        return hits[0] if len(hits) == 1 and len(name) > 3 else None

    def maximal(self, ids):
        ids = set(ids)
        return {i for i in ids if not any(i != j and i in self.anc(j) for j in ids)}

    def position(self, rid):
        return [r.id for r in self.revs].index(rid)


def new_id(rng, taken):
    while True:
        # A small alphabet and few characters, so that prefixes collide often.
        rid = "".join(rng.choice("ab01") for _ in range(4)) + "".join(rng.choice("0123456789abcdef") for _ in range(3))
        if rid not in taken:
            taken.add(rid)
            return rid


WORDS = ["billing", "docs", "search", "audit", "mail", "reports", "abba", "x", "login", "billboard", "media", "jobs"]


def random_graph(rng, number):
    kind = ["linear", "forest", "branches", "merges", "depends", "mixed"][number % 6]
    taken, revs, size = set(), [], rng.randint(2, 14 if kind == "linear" else 20)
    words = WORDS[:]
    rng.shuffle(words)
    for i in range(size):
        ids = [r.id for r in revs]
        down, deps = [], []
        if ids:
            heads = [x for x in ids if not any(x in r.down for r in revs)]
            down = [ids[-1]]
            if kind in ("forest", "depends", "mixed"):
                down = [] if rng.random() < 0.15 else [rng.choice(heads)]
            if kind in ("branches", "merges", "mixed") and rng.random() < 0.35:
                down = [rng.choice(ids)]
            if kind in ("merges", "mixed") and len(heads) > 1 and rng.random() < 0.35:
                down = rng.sample(heads, rng.randint(2, min(3, len(heads))))
            if kind == "mixed" and len(ids) > 1 and rng.random() < 0.06:
                down = rng.sample(ids, 2)  # a merge of whatever: one parent may imply the other
            if kind in ("depends", "mixed") and rng.random() < 0.4:
                deps = rng.sample(ids, min(len(ids), rng.choice([1, 1, 1, 2, 3])))
                deps = [d for d in deps if d not in down]
        labels = []
        if words and rng.random() < (0.05 if kind == "linear" else 0.22):
            labels = [words.pop() for _ in range(min(len(words), rng.choice([1, 1, 2])))]
        revs.append(Rev(new_id(rng, taken), down, deps, labels))
    carrier = {r.id: r.labels[0] for r in revs if r.labels}
    for r in revs:
        r.deps = [carrier[d] if d in carrier and rng.random() < 0.5 else d for d in r.deps]
    rng.shuffle(revs)
    return Graph("%s-%d" % (kind, number), kind, revs)


def parse(name, text):
    """The form of tests/unit/streams.h: "a1 <- ; b1 <- a1 [label] depends c1"."""
    revs = []
    for part in text.split(";"):
        part, _, deps = part.partition(" depends ")
        part, _, labels = part.partition("[")
        rid, _, down = part.partition("<-")

        def cut(s):
            return [w.strip() for w in s.replace("]", "").split(",") if w.strip()]

        revs.append(Rev(rid.strip(), cut(down), cut(deps), cut(labels)))
    return Graph(name, "handwritten", revs)


HANDWRITTEN = {
    "empty-but-one": "a1 <- ",
    "line": "aaaa1 <- ; bbbb2 <- aaaa1 ; cccc3 <- bbbb2 ; dddd4 <- cccc3 ; eeee5 <- dddd4",
    "line-labelled": "aaaa1 <- ; bbbb2 <- aaaa1 ; cccc3 <- bbbb2 [trunk] ; dddd4 <- cccc3",
    "file-order-reversed": "dddd4 <- cccc3 ; cccc3 <- bbbb2 ; bbbb2 <- aaaa1 ; aaaa1 <- ",
    "two-branches": "aaaa1 <- ; bbbb1 <- aaaa1 [left] ; bbbb2 <- bbbb1 ; cccc1 <- aaaa1 [right] ; cccc2 <- cccc1",
    "diamond": "aaaa1 <- ; bbbb1 <- aaaa1 [left] ; cccc1 <- aaaa1 [right] ; merge1 <- bbbb1, cccc1 ; tail1 <- merge1",
    "two-diamonds": "a1 <- ; b1 <- a1 ; b2 <- a1 ; c1 <- b1, b2 ; d1 <- c1 ; d2 <- c1 ; e1 <- d1, d2",
    "three-way-merge": "a1 <- ; b1 <- a1 ; b2 <- a1 ; b3 <- a1 ; c1 <- b1, b2, b3",
    "merge-of-bases": "a1 <- ; b1 <- ; c1 <- a1, b1 ; d1 <- c1",
    "forest": "a1 <- [aside] ; a2 <- a1 ; b1 <- [bside] ; b2 <- b1 ; c1 <- [cside] ; c2 <- c1",
    "depends-across": "a1 <- [aside] ; a2 <- a1 ; a3 <- a2 depends b2 ; b1 <- [bside] ; b2 <- b1 ; b3 <- b2",
    "depends-by-label": "a1 <- [aside] ; a2 <- a1 depends bside ; b1 <- [bside] ; b2 <- b1",
    "depends-on-head": "a1 <- ; a2 <- a1 ; b1 <- ; b2 <- b1 depends a2",
    "depends-twice-in-line": "a1 <- ; b1 <- depends a1 ; b2 <- b1 depends a1 ; b3 <- b2",
    "depends-on-own-ancestor": "a1 <- ; a2 <- a1 ; a3 <- a2 depends a1 ; x1 <- ",
    "depends-on-base-only": "a1 <- ; b1 <- depends a1",
    "several-dependencies": "a1 <- ; b1 <- ; c1 <- ; d1 <- depends a1, b1, c1 ; e1 <- d1",
    "redundant-merge": "a1 <- ; a2 <- a1 ; b1 <- ; m1 <- a1, a2, b1",
    "redundant-merge-of-three": "a1 <- ; a2 <- a1 ; b1 <- ; m1 <- a2, b1 depends a1",
    "branch-off-branch": "a1 <- ; b1 <- a1 [bb] ; b2 <- b1 ; c1 <- b1 [cc] ; c2 <- c1 ; d1 <- a1 [dd]",
    "label-on-trunk": "a1 <- [trunk] ; b1 <- a1 ; b2 <- b1 ; c1 <- a1 ; c2 <- c1",
    "prefixes": "abcd11 <- ; abcd12 <- abcd11 ; abxy99 <- abcd12 [abcdef] ; ab <- abxy99 ; zzzz1 <- ab",
    "dots": "v1.0 <- ; v1.1 <- v1.0 ; v1.2 <- v1.1",
    "numbers": "0001 <- ; 0002 <- 0001 ; 0003 <- 0002",
    "two-labels-one-revision": "a1 <- [one, two] ; b1 <- a1 ; c1 <- ",
    "cross-depends": "a1 <- [pa] ; b1 <- [pb] ; a2 <- a1 depends b1 ; b2 <- b1 depends a2 ; a3 <- a2 depends b2",
}


# ------------------------------------------------------------------------------------------------------------ alembic


class Directory(script_base.ScriptDirectory):
    def __init__(self, graph, set_order):
        super().__init__("/")
        self.graph = graph
        self.loose = False
        self.revision_map._revision_map
        for r in graph.revs:
            rev = self.revision_map._revision_map[r.id]
            if len(rev._normalized_resolved_dependencies) > 1:
                self.loose = set_order
                if not set_order:
                    written = list(rev._resolved_dependencies)
                    rev._normalized_resolved_dependencies = tuple(
                        sorted(rev._normalized_resolved_dependencies, key=written.index)
                    )

    def _load_revisions(self):
        for r in self.graph.revs:
            module = types.SimpleNamespace(
                down_revision=tuple(r.down) or None,
                depends_on=tuple(r.deps) or None,
                branch_labels=tuple(r.labels) or None,
                upgrade=len,
                downgrade=len,
                __doc__="",
            )
            yield script_base.Script(module, r.id, "/" + r.id)


class Statements:
    """The version table and its connection, as far as HeadMaintainer uses them: writes kinds of statements down."""

    as_sql = True

    class c:
        version_num = "version_num"

    def __init__(self):
        self._version = self.impl = self
        self.done = ""

    def insert(self):
        return self.statement("I")

    def update(self):
        return self.statement("U")

    def delete(self):
        return self.statement("D")

    def statement(self, kind):
        self.kind = kind
        return self

    def values(self, **_):
        return self

    def where(self, _):
        return self

    def _exec(self, _):
        self.done += self.kind


def join(ids):
    return ",".join(ids) or "-"


class Crash(Exception):
    """Alembic died of something that it does not report itself."""


class Alembic:
    def __init__(self, graph, set_order):
        self.graph = graph
        self.script = Directory(graph, set_order)

    def ask(self, command, rows, argument):
        """The answer as a list; raises util.CommandError or Crash."""
        # The order in which a database returns rows is its own affair; ours is load order.
        rows = tuple(sorted(rows, key=self.graph.position))
        try:
            return getattr(self, command)(rows, argument)
        except util.CommandError:
            raise
        except Exception as e:
            raise Crash(repr(e)) from e

    def run(self, steps, rows):
        statements = Statements()
        maintainer = migration.HeadMaintainer(statements, rows)
        answer = []
        for step in steps:
            statements.done = ""
            maintainer.update_to_step(step)
            rid = step.revision.revision if isinstance(step, migration.RevisionStep) else ""
            answer.append((rid, statements.done, tuple(sorted(maintainer.heads))))
        return answer

    def upgrade(self, rows, target):
        return self.run(self.script._upgrade_revs(target, rows), rows)

    def downgrade(self, rows, target):
        return self.run(self.script._downgrade_revs(target, rows), rows)

    def stamp(self, rows, targets):
        return self.run(self.script._stamp_revs(tuple(targets.split(" ")), rows), rows)

    def history(self, rows, text):
        # alembic.command.history
        if ":" not in text:
            raise util.CommandError("History range requires [start]:[end], [start]:, or :[end]")
        base, head = text.strip().split(":")
        if head == "current":
            head = rows
        elif base == "current":
            base = rows
        return [r.revision for r in self.script.walk_revisions(base=base or "base", head=head or "heads")]

    def heads(self, rows, _):
        return self.script.get_heads()

    def realheads(self, rows, _):
        return [r.revision for r in self.script.get_revisions("heads")]

    def bases(self, rows, _):
        return self.script.get_bases()

    def current(self, rows, _):
        return sorted((r.revision for r in self.script.get_all_current(rows)), key=self.graph.position)

    def show(self, rows, symbol):
        found = self.script.get_revisions(symbol)
        return [r if r is None or isinstance(r, str) else r.revision for r in found]

    def labels(self, rows, _):
        revision_map = self.script.revision_map._revision_map
        return ["%s:%s" % (r.id, ",".join(sorted(revision_map[r.id].branch_labels))) for r in self.graph.revs]


def show_answer(command, answer):
    if command in ("upgrade", "downgrade", "stamp"):
        return ";".join("%s|%s|%s" % (rid, done, join(rows)) for rid, done, rows in answer) or "-"
    if command == "labels":
        return ";".join(answer)
    return join(answer)


# -------------------------------------------------------------------------------------------------------- differences
#
# Each returns None, or what this project answers instead of `said` (a list, or None when Alembic refused or died), as
# (verdict, answer). They look at the command and at our own graph only.


def cut_target(argument):
    label, at, symbol = argument.partition("@")
    return (label, symbol) if at else ("", argument)


def split_offset(symbol):
    """symbol, offset or None; as target.c does it."""
    for i, c in enumerate(symbol[:-1]):
        if c in "+-":
            if not symbol[i + 1].isdigit():
                break
            digits = ""
            for d in symbol[i + 1 :]:
                if not d.isdigit():
                    break
                digits += d
            return symbol[:i], int(c + digits)
    return symbol, None


def targets_of(command, argument):
    if command == "history":
        return [t for t in argument.split(":") if t]
    return argument.split(" ") if command == "stamp" else [argument]


def short_prefix(graph, command, rows, argument, said):
    """Fewer than four characters of a longer name are no prefix."""
    if command not in ("upgrade", "downgrade", "stamp", "history", "show"):
        return None
    for target in targets_of(command, argument):
        label, symbol = cut_target(target)
        symbol = split_offset(symbol)[0]
        for name in (label, symbol):
            if name and len(name) < 4 and name not in graph.names() and name not in RESERVED:
                return "refused", []
    return None


def odd_label(graph, command, rows, argument, said):
    """A reserved word, nothing, or something with another "@" before the "@"; unknown labels where Alembic looks away."""
    if command not in ("upgrade", "downgrade", "stamp", "history", "show"):
        return None
    for target in targets_of(command, argument):
        if "@" not in target:
            continue
        label, symbol = cut_target(target)
        if not label or not symbol or "@" in symbol or label in RESERVED or not graph.full_name(label):
            return "refused", []
    return None


def upgrade_to_base(graph, command, rows, argument, said):
    """Alembic does nothing and says nothing."""
    if command == "upgrade" and cut_target(argument)[1] == "base":
        return "refused", []
    return None


def down_from_several(graph, command, rows, argument, said):
    """-N with several rows: Alembic takes the first one that the database happens to return."""
    if command == "downgrade" and len(rows) > 1 and split_offset(argument)[0] == "" and "@" not in argument:
        return "refused", []
    return None


def dotted_relative(graph, command, rows, argument, said):
    """Ids with dots and the like take +N and -N too."""
    symbol, offset = split_offset(cut_target(argument)[1])
    if command not in ("upgrade", "downgrade") or offset is None or symbol.isalnum() or symbol not in graph.by_id:
        return None
    line = sorted(graph.by_id, key=lambda r: len(graph.anc(r)))  # the graph called "dots" is one line
    now, goal = line.index(rows[0]) if rows else -1, line.index(symbol) + offset
    if goal < (-1 if command == "downgrade" else 0) or goal >= len(line):
        return None
    if command == "upgrade":
        return "ok", [(line[i], "U" if i else "I", (line[i],)) for i in range(now + 1, goal + 1)]
    if goal > now:
        return "refused", []
    return "ok", [(line[i], "U" if i else "D", (line[i - 1],) if i else ()) for i in range(now, goal, -1)]


def redundant_parent(graph, command, rows, argument, said):
    """A merge that lists a parent which another parent implies: Alembic dies deleting a row that is not there."""
    if command != "upgrade" or said is not None or not graph.redundant:
        return None
    if not graph.died.startswith("KeyError"):
        return None
    answer, applied = [], graph.anc_of(rows)
    for step in graph.alembic.script._upgrade_revs(argument, tuple(rows)):
        rid = step.revision.revision
        before = graph.maximal(applied)
        applied = applied | {rid}
        after = graph.maximal(applied)
        gone = len(before - after)
        answer.append((rid, "D" * (gone - 1) + "U" if gone else "I", tuple(sorted(after))))
    return "ok", answer


def implied_parent(graph, command, rows, argument, said):
    """
    Undoing a merge when no other row stands: a parent that another parent implies becomes no row of its own. Alembic does
    it from 1.13.1 on; this takes its answer with that version's rule in place.
    """
    if command != "downgrade" or not said:
        return None
    original = migration.RevisionStep._unmerge_to_revisions

    def rule_of_1_13(self, heads):
        if set(heads).difference([self.revision.revision]):
            return original(self, heads)
        implied = set()
        for parent in self.to_revisions:
            implied |= graph.anc(parent) - {parent}
        return tuple(p for p in self.to_revisions if p not in implied)

    migration.RevisionStep._unmerge_to_revisions = rule_of_1_13
    try:
        return "ok", graph.alembic.ask(command, rows, argument)
    finally:
        migration.RevisionStep._unmerge_to_revisions = original


def stamp_several(graph, command, rows, argument, said):
    """
    Several targets: each stands afterwards, and replaces what shares its lineage. Alembic forgets the first when the second
    comes, and loses its row or dies; `stamp heads` can lose a head that was a row before. Targets of which one implies
    another are refused.
    """
    if command != "stamp":
        return None
    targets, related = [], set()
    for text in argument.split(" "):
        label, symbol = cut_target(text)
        try:
            found = graph.alembic.ask("show", (), text)
        except (util.CommandError, Crash):
            return None
        if None in found or "base" in found:
            return None
        targets = list(dict.fromkeys(targets + found))
        for name in ([graph.full_name(label)] if label else []) + found:
            rid = graph.carrier.get(name, name)
            related |= {r for r in rows if graph.related(r, rid)}
    return stamp_all(graph, rows, targets, related) if len(targets) > 1 else None


def stamp_all(graph, rows, targets, related):
    if graph.maximal(targets) != set(targets):
        return "refused", []
    now, answer = set(rows), []
    for t in targets:
        if t in rows:
            continue
        gone = related & now - set(targets) if any(graph.related(r, t) for r in related) else set()
        now = now - gone | {t}
        answer.append(("", "D" * (len(gone) - 1) + "U" if gone else "I", tuple(sorted(now))))
    return "ok", answer


def stamp_relative(graph, command, rows, argument, said):
    """stamp -N: Alembic understands it only while there are no rows, and takes an overrun for base."""
    symbol, offset = split_offset(argument)
    if command != "stamp" or symbol or offset is None or offset >= 0 or " " in argument:
        return None
    try:
        found = graph.alembic.ask("show", (), argument)
    except (util.CommandError, Crash):
        return None
    if None in found:
        return "refused", []
    targets = [f for f in dict.fromkeys(found) if f != "base"]
    if targets:
        return stamp_all(graph, rows, targets, {r for r in rows if any(graph.related(r, t) for t in targets)})
    return "ok", graph.alembic.ask(command, rows, "base")


def walk_down(graph, rid, steps):
    for _ in range(steps):
        down = graph.by_id[rid].down
        if len(down) > 1:
            return "ambiguous"
        if not down:
            return "base"
        rid = down[0]
    return rid


def walk_up(graph, rid, steps):
    for _ in range(steps):
        children = [r.id for r in graph.revs if (rid in r.down if rid != "base" else not r.down)]
        if len(children) > 1:
            return "ambiguous"
        if not children:
            return rid
        rid = children[0]
    return rid


def history_ends(graph, command, rows, argument, said):
    """
    Ends that overrun the history stop there, wherever they land: Alembic refuses what ends exactly below a base, and lists
    from base what ends further down. START:+N counts from any START. `current` stands on both sides; where nothing is
    applied nothing lies below it. In label@…: a prefix is as good as the label, and an id in id@-N stands for its lineage.
    """
    if command != "history" or argument.count(":") != 1:
        return None
    start, end = argument.split(":")
    label, symbol = cut_target(start)
    symbol, offset = split_offset(symbol)
    if label not in graph.names() and graph.full_name(label):
        full = argument.replace(label, graph.full_name(label), 1)
        return judge_again(graph, command, rows, full)
    if start == end == "current":
        return ("set", list(rows)) if rows else ("ok", [])
    if end == "current" and not rows:
        if start in ("", "base"):
            return "ok", []
        return ("refused", []) if start in graph.names() else ("skip", [])
    if not symbol and offset is not None and offset < 0:
        if label in graph.by_id:
            return history_below_id(graph, rows, label, offset, end)
        return history_below_heads(graph, rows, label, -offset, end)
    symbol, offset = split_offset(cut_target(end)[1])
    if offset is not None and symbol and offset < 0 and start == "" and "@" not in end:
        try:
            found = graph.alembic.ask("show", (), symbol)
        except (util.CommandError, Crash):
            return None
        if len(found) == 1 and walk_down(graph, found[0], -offset) == "base":
            return "ok", []
    return None


def history_below_heads(graph, rows, label, steps, end):
    at = label + "@" if label else ""
    heads = graph.alembic.ask("realheads", rows, "")
    if label:
        heads = [h for h in graph.alembic.ask("show", rows, at + "heads") if h in heads]
    ends = [walk_down(graph, h, steps) for h in heads]
    if not ends or "@+" in end:
        return ("skip", []) if "+" in end else None
    if "ambiguous" in ends:
        return None
    if end[:1] == "+":
        if len(set(ends)) > 1:
            return None if "base" not in ends else ("skip", [])
        if ends[0] == "base":
            return ask_range(graph, rows, "%sbase:%s" % (at, end))
        end = walk_up(graph, ends[0], int("".join(c for c in end[1:].split("+")[0] if c.isdigit())))
        return ("refused", []) if end == "ambiguous" else ask_range(graph, rows, "%s%s:%s" % (at, ends[0], end))
    if set(ends) == {"base"}:
        return ask_range(graph, rows, "%sbase:%s" % (at, end))
    if "base" in ends:
        lower = set(ends) - {"base"}
        if end or label or graph.maximal(lower) != lower:
            return "skip", []
        return "set", sorted(set(graph.by_id) - graph.anc_of(lower) | lower)
    return None


def history_below_id(graph, rows, rid, offset, end):
    if end or len(graph.alembic.script.get_revision(rid).branch_labels) == 1:
        return "skip", []  # other ends, and ids that stand for their label: not worked out here
    revs = [Rev(r.id, r.down, r.deps, r.labels + (["stand-in"] if r.id == rid else [])) for r in graph.revs]
    other = Graph(graph.name, graph.kind, revs)
    other.alembic = Alembic(other, graph.set_order)
    if any(walk_down(graph, h, -offset) == "base" for h in other.alembic.ask("show", rows, "stand-in@heads")):
        return "skip", []
    return ask_range(other, rows, "stand-in@%d:" % offset)


def ask_range(graph, rows, text):
    try:
        return "ok", graph.alembic.ask("history", rows, text)
    except util.CommandError:
        return "refused", []
    except Crash:
        return "skip", []


def history_cut_off(graph, command, rows, argument, said):
    """Revisions of the range that no upper end leads to by revisions of the range: Alembic dies, here they are listed."""
    if command != "history" or said is not None or not graph.died.startswith("AssertionError()"):
        return None
    start, end = argument.split(":")
    if start in graph.by_id and (end == "" or end in graph.by_id):
        upper = graph.anc_of([end] if end else graph.alembic.ask("realheads", rows, ""))
        above, todo = set(), [start]
        while todo:
            x = todo.pop()
            above.add(x)
            todo.extend(r.id for r in graph.revs if x in r.down)
        return "set", sorted((upper - graph.anc(start) | {start}) & above)
    return "skip", []


DIFFERENCES = [
    ("short-prefix", short_prefix),
    ("odd-label", odd_label),
    ("upgrade-to-base", upgrade_to_base),
    ("down-from-several", down_from_several),
    ("dotted-relative", dotted_relative),
    ("redundant-parent", redundant_parent),
    ("implied-parent", implied_parent),
    ("stamp-several", stamp_several),
    ("stamp-relative", stamp_relative),
    ("history-ends", history_ends),
    ("history-cut-off", history_cut_off),
]


def judge_again(graph, command, rows, argument):
    """What a question comes to that means the same as another."""
    judged = judge(graph, command, rows, argument)
    return (judged[0], judged[2]) if judged else ("skip", [])


def judge(graph, command, rows, argument):
    """verdict, difference, answer; None for a question that neither side gives a useful answer to."""
    graph.died = ""
    try:
        said = graph.alembic.ask(command, rows, argument)
    except util.CommandError:
        said = None
    except Crash as e:
        said, graph.died = None, str(e)
    if said is not None and (None in said or "base" in said):
        # A place below base: "show -5" would die printing it, so it is a refusal (None) or nothing ("base").
        said = None if None in said else [s for s in said if s != "base"]
    if command == "show" and said is not None:
        said = list(dict.fromkeys(said))
    theirs = ("refused", []) if said is None else ("ok", said)
    for name, rule in DIFFERENCES:
        ours = rule(graph, command, rows, argument, said)
        if ours is None:
            continue
        if ours[0] == "skip":
            return None
        if ours != theirs:
            return ours[0], name, ours[1]
        break
    return theirs[0], "-", theirs[1]


# ------------------------------------------------------------------------------------------------------------ questions


def some(rng, items, n):
    items = list(items)
    return rng.sample(items, min(n, len(items)))


def symbols(rng, graph):
    """Names as a person types them: ids, labels, prefixes, reserved words, one that does not exist."""
    ids, labels = list(graph.by_id), list(graph.carrier)
    out = some(rng, ids, 5) + some(rng, labels, 3) + ["head", "heads", "nosuch"]
    for name in some(rng, graph.names(), 3):
        out.append(name[: rng.randint(1, len(name))])
    return out


def branch_names(rng, graph):
    out = some(rng, graph.carrier, 2) + some(rng, graph.by_id, 1)
    if rng.random() < 0.15:
        out.append(rng.choice(["nosuch", "head", "base", ""]))
    for name in some(rng, graph.carrier, 1):
        if rng.random() < 0.3:
            out.append(name[: rng.randint(1, len(name))])
    return out


def targets(rng, graph):
    out = symbols(rng, graph) + ["base", "+1", "+2", "-1", "-2", "+0", "-0", "+99", "-99", "+1+1", "+1x"]
    names = some(rng, graph.names(), 3) + ["head", "base", "heads"]
    for name in names:
        out.append("%s%s%d" % (name, rng.choice("+-"), rng.randint(0, 4)))
    for label in branch_names(rng, graph):
        out += ["%s@%s" % (label, s) for s in ("head", "heads", "base", "+1", "+2", "-1", "-2")]
        for name in some(rng, names, 2):
            out.append("%s@%s" % (label, name))
            out.append("%s@%s%s%d" % (label, name, rng.choice("+-"), rng.randint(1, 3)))
    return out


def ranges(rng, graph):
    ends = [""] + symbols(rng, graph) + ["base", "current", "-1", "-2", "+1", "+2", "-99", "+99", "head-1", "base+2"]
    ends += ["%s@%s" % (label, s) for label in branch_names(rng, graph) for s in ("base", "head", "heads", "-1", "+1")]
    out = [":", "", "nocolon", "a:b:c"]
    for _ in range(14):
        start, end = rng.choice(ends), rng.choice(ends)
        out.append("%s:%s" % (start, end if rng.random() < 0.6 else ""))
    for rid in some(rng, graph.by_id, 3):
        below = rng.choice(sorted(graph.anc(rid)))
        out += ["%s:%s" % (below, rid), "%s:" % rid, ":%s" % rid]
    return out


def stamps(rng, graph):
    out = symbols(rng, graph) + ["base", "-1", "-2"]
    for label in branch_names(rng, graph):
        out += ["%s@head" % label, "%s@base" % label, "%s@heads" % label]
    for _ in range(3):
        if len(graph.by_id) > 1:
            out.append(" ".join(some(rng, graph.by_id, rng.randint(2, 3))))
    return out


def reachable_rows(rng, graph, most):
    """Rows that Alembic itself leads to, from nothing, by upgrades, downgrades and stamps; overlapping ones left out."""
    found, rows = [()], ()
    for _ in range(most * 3):
        command = rng.choice(["upgrade", "upgrade", "upgrade", "downgrade", "stamp"])
        target = rng.choice(list(graph.by_id) + ["heads", "+1", "base"])
        if command == "stamp" and target.startswith("+"):
            continue
        try:
            steps = graph.alembic.ask(command, rows, target)
        except (util.CommandError, Crash):
            continue
        if steps:
            rows = rng.choice(steps)[2] if rng.random() < 0.4 else steps[-1][2]
        if graph.maximal(rows) != set(rows):
            rows = ()
        if rows not in found:
            found.append(rows)
    return some(rng, found, most)


def questions(rng, graph):
    for command in ("heads", "realheads", "bases", "labels"):
        yield command, (), "-"
    for symbol in symbols(rng, graph) + ["-1", "-2", "base"] + [b + "@head" for b in branch_names(rng, graph)]:
        yield "show", (), symbol
    for rows in reachable_rows(rng, graph, 3):
        yield "current", rows, "-"
        for target in some(rng, targets(rng, graph), 14):
            yield "upgrade", rows, target
        for target in some(rng, targets(rng, graph), 14):
            yield "downgrade", rows, target
        for target in some(rng, stamps(rng, graph), 5):
            yield "stamp", rows, target
        for text in some(rng, ranges(rng, graph), 7):
            yield "history", rows, text


def handwritten_questions(rng, graph):
    """Everything, of small graphs."""
    yield from questions(rng, graph)
    for rows in reachable_rows(rng, graph, 6):
        for target in dict.fromkeys(targets(rng, graph) + list(graph.by_id)):
            yield "upgrade", rows, target
            yield "downgrade", rows, target
        for target in dict.fromkeys(stamps(rng, graph)):
            yield "stamp", rows, target
        for text in ranges(rng, graph):
            yield "history", rows, text


def write(out, graph, asked, set_order):
    graph.set_order, graph.alembic = set_order, Alembic(graph, set_order)
    graph.redundant = any(graph.maximal(graph.parents[r.id]) != set(graph.parents[r.id]) for r in graph.revs)
    out.write("G\t%s\t%s\t%s\n" % (graph.name, graph.kind, "loose" if graph.alembic.script.loose else "exact"))
    for r in graph.revs:
        out.write("R\t%s\t%s\t%s\t%s\n" % (r.id, join(r.down), join(r.deps), join(r.labels)))
    seen = set()
    for command, rows, argument in asked:
        if (command, rows, argument) in seen or not argument.strip():
            continue
        seen.add((command, rows, argument))
        judged = judge(graph, command, rows, argument)
        if judged is None:
            continue
        verdict, difference, answer = judged
        shown = show_answer(command, answer) if verdict != "refused" else "-"
        out.write("Q\t%s\t%s\t%s\t%s\t%s\t%s\n" % (command, join(rows), argument, verdict, difference, shown))


def main():
    seed, count, set_order = int(sys.argv[1]), int(sys.argv[2]), "--set-order" in sys.argv[3:]
    for name, text in HANDWRITTEN.items():
        rng = random.Random("%d/%s" % (seed, name))
        graph = parse(name, text)
        write(sys.stdout, graph, handwritten_questions(rng, graph), set_order)
    for number in range(count):
        rng = random.Random("%d/%d" % (seed, number))
        graph = random_graph(rng, number)
        write(sys.stdout, graph, questions(rng, graph), set_order)


if __name__ == "__main__":
    main()
