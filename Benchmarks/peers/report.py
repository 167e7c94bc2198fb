"""From rows to ratios: medians of the rounds, the best peer of each, shares of the limit."""
import math
import statistics

LESS_IS_BETTER = {"us", "us/op", "ms", "MB"}
OURS = "mlx-actors"
BEGIN, END = "<!-- peers: begin -->", "<!-- peers: end -->"
GROUPS = (
    ("Float32, and products of half types", lambda name: group_of(name) == "float"),
    ("Quantized weights", lambda name: group_of(name) == "quantized"),
    ("Rows of half types", lambda name: group_of(name) == "half"),
    ("Processes", lambda name: group_of(name) == "process"),
    ("Language models", lambda name: group_of(name) == "model"),
)


def group_of(name):
    if name.startswith("llm_"):
        return "model"
    if name in ("startup_process", "rss_100steps_2048"):
        return "process"
    if name.startswith("qmm_") or name.startswith("decode_cold_int"):
        return "quantized"
    if name.startswith("decode_cold_") and "_f32_" not in name:
        return "half"
    if name in ("gemm_m1_4096_f16_wT", "gemm_m1_4096_bf16_wT"):
        return "half"
    return "float"


def better(unit, values):
    return min(values) if unit in LESS_IS_BETTER else max(values)


def ratio(unit, ours, theirs):
    """Above 1 means that we are faster or smaller."""
    if ours <= 0 or theirs <= 0:
        return None
    return theirs / ours if unit in LESS_IS_BETTER else ours / theirs


def compared(rows):
    """For each workload: our median, the best peer's, the median of the rounds' ratios, the share
    of the limit."""
    table = {}
    for name in dict.fromkeys(row["workload"] for row in rows):
        measured = [row for row in rows if row["workload"] == name and "value" in row]
        if not measured:
            continue
        unit = measured[0]["unit"]
        ours = {row["round"]: row for row in measured if row["peer"] == OURS}
        theirs = {}  # (peer, way) -> round -> value
        for row in measured:
            if row["peer"] != OURS:
                way = (row["peer"], row.get("way", ""))
                theirs.setdefault(way, {})[row["round"]] = row["value"]
        entry = {"unit": unit, "ours": None, "peer": None, "best": None, "ratio": None,
                 "share": None, "bound": None}
        if ours:
            entry["ours"] = statistics.median(row["value"] for row in ours.values())
            shares = [row for row in ours.values() if "share" in row]
            if shares:
                # The limit was measured with one of the rounds: scale to the median.
                factor = ratio(unit, entry["ours"], shares[0]["value"]) or 1
                entry["share"], entry["bound"] = (
                    shares[0]["share"] * factor, shares[0]["bound"])
        if theirs:
            medians = {way: statistics.median(values.values()) for way, values in theirs.items()}
            entry["best"] = better(unit, medians.values())
            entry["peer"] = next(way for way in medians if medians[way] == entry["best"])
        ratios = []
        for number, row in ours.items():
            others = [values[number] for values in theirs.values() if number in values]
            if others:
                ratios.append(ratio(unit, row["value"], better(unit, others)))
        ratios = [value for value in ratios if value is not None]
        if ratios:
            entry["ratio"] = statistics.median(ratios)
        table[name] = entry
    return table


def number(value):
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def peer_name(entry):
    if entry["peer"] is None:
        return "–"
    name, way = entry["peer"]
    return f"{name} {way}" if way and way != "eager" else name


def summary(entries):
    """The geometric mean with ratios above 2 counted as 2, and how many rows are lost."""
    ratios = [entry["ratio"] for entry in entries if entry["ratio"] is not None]
    if not ratios:
        return "no row has a peer"
    mean = math.exp(statistics.fmean(math.log(min(value, 2)) for value in ratios))
    lost, low = sum(value < 1 for value in ratios), sum(value < 0.95 for value in ratios)
    return (f"{len(ratios)} rows with a peer, {lost} below 1, {low} below 0.95; geometric mean "
            f"{mean:.2f} with ratios above 2 counted as 2")


def groups(table):
    for title, holds in GROUPS:
        entries = {name: entry for name, entry in table.items() if holds(name)}
        if entries:
            yield title, entries


def text(table):
    lines = []
    for title, entries in groups(table):
        lines += ["", title]
        for name, entry in entries.items():
            share = "" if entry["share"] is None else f"{entry['share']:5.0%} {entry['bound']}"
            relative = "" if entry["ratio"] is None else f"{entry['ratio']:6.2f}"
            lines.append(
                f"{name:28} {number(entry['ours']):>10} {entry['unit']:9} best "
                f"{number(entry['best']):>10} {peer_name(entry):22} {relative:6} {share}")
        lines.append(summary(entries.values()))
    return "\n".join(lines[1:])


def markdown(record):
    """Tables with the machine before them."""
    machine, table = record["machine"], compared(record["rows"])
    lines = [
        f"{machine['processor']}, cores used: {machine['cores']}, level `{machine['isa']}`, "
        f"{record['date']}. Rounds: {record['rounds']}, of which medians are shown. Load before and "
        f"after: {', '.join(f'{load:.1f}' for load in machine['load'])}, where "
        f"{machine['online']} keeps every core busy. "
        + ", ".join(f"{name} {value}" for name, value in record["versions"].items()) + "."]
    for title, entries in groups(table):
        lines += ["", f"**{title}**: {summary(entries.values())}.", "",
                  "| workload | unit | here | best peer | | ratio | of the limit |",
                  "| --- | --- | ---: | ---: | --- | ---: | ---: |"]
        for name, entry in entries.items():
            share = "–" if entry["share"] is None else f"{entry['share']:.0%} {entry['bound']}"
            lines.append(
                f"| `{name}` | {entry['unit']} | {number(entry['ours'])} | "
                f"{number(entry['best'])} | {peer_name(entry)} | "
                + ("–" if entry["ratio"] is None else f"{entry['ratio']:.2f}")
                + f" | {share} |")
    return "\n".join(lines) + "\n"


def inserted(document, tables):
    """The document with the tables between its marks."""
    if BEGIN not in document or END not in document:
        raise ValueError(f"the document has no lines {BEGIN} and {END}")
    head, rest = document.split(BEGIN, 1)
    return f"{head}{BEGIN}\n{tables}{END}{rest.split(END, 1)[1]}"
