"""Declarations of Swift, as text, reduced to what two spellings of one declaration share.

`Declaration.parse` takes a declaration apart into its name with labels, its parameters' types and
default values, its result and its effects. Types lose what does not change them: module and
container prefixes, `any`, attributes of closures' lifetimes, redundant parentheses. Generic
parameters become their constraints, so that `<T: P>(_ x: T)` equals `(_ x: some P)`.
"""

import collections
import re

ALIASES = {"Float32": "Float", "Float64": "Double", "Void": "()"}
TYPES = ("class", "struct", "enum", "protocol", "actor", "typealias")


def split_top(text, separator=","):
    """The parts of a list at its top-level separators."""
    parts, depth, start = [], 0, 0
    for index, character in enumerate(text):
        if character in "([{" or (character == "<" and text[index - 1:index] not in (".", " ")):
            depth += 1
        elif character in ")]}" or (character == ">" and depth and text[index - 1] not in "-. "):
            depth -= 1
        elif character == separator and depth == 0:
            parts.append(text[start:index])
            start = index + 1
    parts.append(text[start:])
    return [part.strip() for part in parts if part.strip()]


def matching(text, start, pair="()"):
    """The place of the bracket that closes the one at `start`."""
    depth = 0
    for index in range(start, len(text)):
        if text[index] == pair[0]:
            depth += 1
        elif text[index] == pair[1] and not (pair == "<>" and text[index - 1] == "-"):
            depth -= 1
            if depth == 0:
                return index
    return len(text) - 1


def plain_type(text, generics=None, equal=None):
    """A type without what two spellings of it may differ in."""
    # A symbol graph does not say @convention.
    text = re.sub(r"@(escaping|unchecked|convention\(\w+\)|[A-Z][\w.]*)", "", text)
    text = re.sub(
        r"\b(any|consuming|borrowing|__owned|nonisolated\(nonsending\)|nonisolated)\s+", "", text)
    text = re.sub(r"\b(?:[A-Z]\w*\.)+(?!Type\b)([A-Z]\w*)", r"\1", text)
    # Inside a generic type its name may stand with or without its own parameters.
    text = re.sub(r"<\s*Key,\s*Element\s*>(\.(?=[A-Z]))?", r"\1", text)
    text = re.sub(r"\b(?:[A-Z]\w*\.)+(?!Type\b)([A-Z]\w*)", r"\1", text)
    for name, same in (equal or {}).items():
        text = re.sub(rf"\b{name}\b", same, text)
    for name, constraint in (generics or {}).items():
        text = re.sub(rf"\b{re.escape(name)}\b", f"some {constraint}", text)
    text = re.sub(r"\bsome ([\w.]+(?:<[^<>]*>)?(?: & [\w.]+(?:<[^<>]*>)?)*)",
                  lambda found: "some " + "&".join(sorted(found.group(1).split(" & "))), text)
    text = re.sub(r"(?<=Range<some )([^<>]*)", lambda found: found.group(1).replace(
        "Comparable&", ""), text)
    text = text.replace("IntegerLiteralType", "Int").replace("FloatLiteralType", "Float")
    text = re.sub(r"\b(Float32|Float64|Void)\b", lambda found: ALIASES[found.group(1)], text)
    text = re.sub(r"\bArray<(\w+)>", r"[\1]", text)
    text = re.sub(r"\bOptional<([\w.\[\]]+)>", r"\1?", text)
    text = re.sub(r"\s+", "", text)
    while True:
        # Parentheses around one type, which is no function.
        shorter = re.sub(
            r"(?<![\w>])\(((?:(?!->)[^(),])+)\)(?=[?.\])>]|$)(?!->)", r"\1", text)
        if shorter == text:
            return text
        text = shorter


def plain_default(text):
    """A default value without its spaces and the last zero of a number."""
    text = re.sub(r"\s+|(?<=\d)_(?=\d)|\.0(?!\d)", "", text)
    return text.replace("[Int]?.none", "nil").replace("MLXArray?.none", "nil").replace("self.", "")


Parameter = collections.namedtuple("Parameter", "label type default")


class Declaration:
    """One declaration: `key` names it with its labels, `shape` is all that callers see of it."""

    def __init__(self, text, container=""):
        self.text = " ".join(re.sub(r"/\*.*?\*/", "", text).split())
        self.name, self.kind, self.generics = "", "", {}
        found = re.search(r"where Self == (\w+)", text)
        itself = found.group(1) if found else re.sub(r"<.*", "", container).split(".")[-1]
        self.equal = {"Self": itself} if itself else {}
        self.parameters, self.result, self.effects, self.residue = None, None, [], []
        self.settable = False

    @classmethod
    def parse(cls, text, container=""):
        self = cls(text, container)
        plain = re.sub(r"^(@\w+(\([^)]*\))?\s+)*", "", self.text)
        found = re.match(
            r"(?:(?:static|class|final|open|override|convenience|required|mutating|nonmutating|"
            r"prefix|postfix|indirect|public|nonisolated(?:\(\w+\))?|dynamic|lazy|weak|"
            r"private\(set\)|internal\(set\))\s+(?=\w))*"
            r"(func|init|subscript|case|var|let|class|struct|enum|protocol|actor|typealias|"
            r"extension)\b[?!]?\s*", plain)
        if not found:
            return self
        self.kind = found.group(1)
        rest = plain[found.end():]
        if self.kind in ("func", "init", "subscript", "case"):
            self.read_callable(rest)
            self.settable = self.kind == "subscript" and bool(re.search(r"\{[^}]*\bset\b", rest))
        elif self.kind in ("var", "let"):
            self.read_property(rest)
        else:
            self.read_type(rest)
        return self

    def plain(self, text):
        return plain_type(text, self.generics, self.equal)

    def read_callable(self, rest):
        found = re.match(r"`?([A-Za-z_]\w*)`?|[^\s\w(]*?(?=\s|\(|<[A-Z])|[^\s\w(]+", rest)
        self.name = self.kind if self.kind in ("init", "subscript") else \
            (found.group(0).strip("`") if found else "")
        if self.kind not in ("init", "subscript"):
            rest = rest[found.end():].lstrip() if found else rest
        head = ""
        if rest.startswith("<"):
            end = matching(rest, 0, "<>")
            head, rest = rest[1:end], rest[end + 1:].lstrip()
        if not rest.startswith("("):
            return
        end = matching(rest, 0)
        inside, tail = rest[1:end], rest[end + 1:].strip()
        tail = re.sub(r"\s*\{.*$", "", tail)
        tail, _, where = tail.partition(" where ") if not tail.startswith("where ") \
            else ("", "", tail[6:])
        self.constrain(head, where)
        self.effects = sorted(set(re.findall(r"\b(async|throws|rethrows)\b", tail.split("->")[0])))
        arrow = tail.find("->")
        result = tail[arrow + 2:] if arrow >= 0 else "()"
        self.result = self.plain(result)
        self.parameters = [self.parameter(part) for part in split_top(inside)]

    def constrain(self, head, where):
        bounds = collections.defaultdict(set)
        names = []
        for part in split_top(head):
            name, _, bound = part.partition(":")
            names.append(name.strip())
            bounds[name.strip()] |= {one.strip() for one in bound.split("&") if one.strip()}
        for part in split_top(where):
            name, _, bound = part.partition(":")
            same = re.fullmatch(r"\s*([A-Z]\w*)\s*==\s*([A-Z]\w*)\s*", part)
            if same and not bound:
                self.equal[same.group(1)] = same.group(2)
            elif bound and name.strip() in names:
                bounds[name.strip()] |= {one.strip() for one in bound.split("&")}
            else:
                self.residue.append(part)
        for index, name in enumerate(names):
            self.generics[name] = " & ".join(sorted(bounds[name])) or f"Generic{index}"
        self.residue = sorted(re.sub(r"\s+", "", self.plain(part))
                              for part in self.residue)

    def parameter(self, text):
        text = re.sub(r"^(@\w+(\.\w+)*\s+)+", "", text)
        found = re.match(r"([\w`]+(?:\s+[\w`]+)?)\s*:(?!:)", text)
        words = found.group(1).split() if found else []
        rest = text[found.end():] if found else text
        depth, equals = 0, None
        for index, character in enumerate(rest):
            depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(character, 0)
            if character == "=" and depth == 0 and rest[index - 1] == " ":
                equals = index
                break
        default = plain_default(rest[equals + 1:]) if equals is not None else None
        label = words[0].strip("`") if words else "_"
        if self.kind == "subscript":
            label = words[0] if len(words) == 2 else "_"
        elif not re.match(r"[A-Za-z_]", self.name):
            label = "_"
        return Parameter(label, self.plain(rest[:equals]), default)

    def read_property(self, rest):
        found = re.match(r"`?(\w+)`?\s*(?::\s*(.*?))?\s*(?:=\s*.*)?(\{[^}]*\})?$", rest)
        self.name = found.group(1) if found else rest
        accessors = found.group(3) if found else None
        kept = found.group(2) if found else None
        if kept and " = " in kept:
            kept = kept.split(" = ")[0]
        self.result = self.plain(kept) if kept else None
        self.settable = self.kind == "var" and (accessors is None or "set" in accessors)

    def read_type(self, rest):
        found = re.match(r"`?([\w.]+)`?", rest)
        self.name = found.group(1) if found else rest

    @property
    def key(self):
        if self.parameters is None:
            return self.name
        return f"{self.name}({''.join(one.label + ':' for one in self.parameters)})"

    def differences(self, ours):
        """What of this declaration another of the same key lacks."""
        found = []
        if self.parameters is not None and ours.parameters is not None:
            for index, (theirs, own) in enumerate(zip(self.parameters, ours.parameters)):
                name = theirs.label if theirs.label != "_" else f"#{index}"
                if theirs.type != own.type:
                    found.append(f"{name}: {theirs.type} is {own.type}")
                if theirs.default != own.default:
                    found.append(f"{name} = {theirs.default} is {own.default}")
            if self.effects != ours.effects:
                found.append(f"{' '.join(self.effects)} is {' '.join(ours.effects)}")
            if self.residue != ours.residue:
                found.append(f"where {self.residue} is {ours.residue}")
        if self.result and ours.result and self.result != ours.result:
            found.append(f"-> {self.result} is {ours.result}")
        if self.settable and not ours.settable and ours.kind in ("var", "let", "subscript"):
            found.append("cannot be set")
        if self.kind in TYPES and ours.kind in TYPES and self.kind != ours.kind:
            found.append(f"{self.kind} is {ours.kind}")
        if (" static " in f" {self.text}") != (" static " in f" {ours.text}") \
                and self.kind in ("func", "var", "let"):
            found.append("static")
        return found
